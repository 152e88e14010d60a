"""Fetch the front-end packages from npm into static/vendor and tests/vendor, and write their manifests.

Run by `make vendor`. Only the files named here are taken; each package keeps its licence text beside them.
The manifest holds name, version, licence and the SHA-256 of every file: tests/core/test_vendor.py compares
it with what is on disk, so an edited or missing file fails the suite.
"""

import hashlib
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Package:
    """One npm package: `files` maps a path inside it to the name that it gets in `folder`."""

    name: str
    version: str
    folder: str
    files: dict[str, str]


def _font(family: str, version: str) -> Package:
    names = [f"{family}-{part}-wght-normal.woff2" for part in ("latin", "latin-ext")]
    return Package(
        name=f"@fontsource-variable/{family}",
        version=version,
        folder=f"static/vendor/{family}",
        files={"LICENSE": "LICENSE.txt"} | {f"files/{name}": name for name in names},
    )


PACKAGES = [
    _font("inter", "5.3.0"),
    _font("newsreader", "5.3.0"),
    Package(
        name="axe-core",
        version="4.14.1",
        folder="tests/vendor/axe-core",
        files={
            "axe.min.js": "axe.min.js",
            "LICENSE": "LICENSE.txt",
            "LICENSE-3RD-PARTY.txt": "LICENSE-3RD-PARTY.txt",
        },
    ),
]


def fetch(package: Package, scratch: Path) -> dict[str, object]:
    """Download one package, copy its files, return its manifest entry."""
    command = [
        "npm",
        "pack",
        "--silent",
        "--pack-destination",
        str(scratch),
        f"{package.name}@{package.version}",
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=scratch)
    archive = scratch / done.stdout.strip().splitlines()[-1]
    folder = ROOT / package.folder
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        about = json.loads(_read(tar, "package.json"))
        contents = {target: _read(tar, source) for source, target in package.files.items()}
    for target, content in contents.items():
        (folder / target).write_bytes(content)
    return {
        "name": package.name,
        "version": about["version"],
        "licence": about["license"],
        "folder": folder.name,
        "files": {target: hashlib.sha256(content).hexdigest() for target, content in sorted(contents.items())},
    }


def _read(tar: tarfile.TarFile, path: str) -> bytes:
    member = tar.extractfile(f"package/{path}")
    if member is None:
        raise FileNotFoundError(
            f"{tar.name} has no file {path}: look for its new name, then change tools/vendor.py"
        )
    return member.read()


def main() -> None:
    """Fetch all packages and write one manifest for each vendor folder."""
    manifests: dict[Path, list[dict[str, object]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for package in PACKAGES:
            vendor = (ROOT / package.folder).parent
            manifests.setdefault(vendor, []).append(fetch(package, Path(scratch)))
            print(f"{package.name} {package.version} -> {package.folder}")
    for vendor, entries in manifests.items():
        text = json.dumps({"packages": entries}, indent=2) + "\n"
        (vendor / "manifest.json").write_text(text)


if __name__ == "__main__":
    main()
