"""restic and borg from Debian, each as its manual says: encrypted, zstd, a repository in a local folder."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.warm_worker import Done

LAUNCHER: Final = str(Path(__file__).with_name("launcher.py"))
PACKAGES: Final = {"restic": "restic", "borg": "borgbackup"}


def ensure_peers() -> list[str]:
    """Install what is missing, when root. Returns the names of those that are there; says why not."""
    missing = [package for name, package in PACKAGES.items() if not shutil.which(name)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], install):
            subprocess.run(command, env=environment, check=False, capture_output=True)
    there = [name for name in PACKAGES if shutil.which(name)]
    for name in PACKAGES.keys() - set(there):
        reason = (
            "could not be installed" if os.geteuid() == 0 else "is not there (as root it would be installed)"
        )
        print(f"{name} {reason}: nothing is compared with it.")  # noqa: T201
    return there


class Peer:
    """A program and its repository. Each call is one command of it, measured."""

    def __init__(self, name: str, work: Path) -> None:
        self.name, self._repository = name, work / "repository"
        self._environment = os.environ | {
            "RESTIC_PASSWORD": "bench",
            "RESTIC_REPOSITORY": str(self._repository),
            "RESTIC_CACHE_DIR": str(work / "cache"),
            "BORG_PASSPHRASE": "bench",
            "BORG_REPO": str(self._repository),
            "BORG_BASE_DIR": str(work / "base"),
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
        }
        self._passes = 0
        self._run(work, *{
            "restic": ["init", "--repository-version", "2"],
            "borg": ["init", "-e", "repokey-blake2"],
        }[name])  # fmt: skip

    def ingest(self, folder: Path) -> Done:
        """Back `folder` up."""
        self._passes += 1
        # We keep no extended attributes: borg, which can leave them out, need not look for them.
        borg = ["create", "-C", "zstd,3", "--noacls", "--noxattrs", "--noflags", f"::{self._passes}", "."]
        return self._run(folder, *{"restic": ["backup", "-q", "."], "borg": borg}[self.name])

    def restore(self, target: Path) -> Done:
        """Write the last backup below `target`."""
        borg = ["extract", "--noacls", "--noxattrs", "--noflags", f"::{self._passes}"]
        restic = ["restore", "latest", "-q", "--target", str(target)]
        return self._run(target, *{"restic": restic, "borg": borg}[self.name])

    def check(self) -> Done:
        """Read everything and prove it."""
        return self._run(
            self._repository,
            *{"restic": ["check", "--read-data", "-q"], "borg": ["check", "--verify-data"]}[self.name],
        )

    def stored(self) -> int:
        """Return the bytes in the repository."""
        return sum(path.stat().st_size for path in self._repository.rglob("*") if path.is_file())

    def close(self) -> None:
        """Nothing runs between the commands."""

    def _run(self, folder: Path, *arguments: str) -> Done:
        command = [sys.executable, "-I", "-S", LAUNCHER, self.name, *arguments]
        process = subprocess.run(
            command, cwd=folder, env=self._environment, capture_output=True, text=True, check=True
        )
        seconds, cpu, rss, status = json.loads(process.stdout)
        assert status == 0, f"{self.name} {arguments[0]}: {process.stderr[-500:]}"
        return Done(False, process.stderr, seconds, cpu, rss)
