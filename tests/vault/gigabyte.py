"""Puts a gigabyte into a vault; prints the bytes put and the process's peak memory. Packs are dropped."""

import random
import re
import sys
from pathlib import Path

from apps.vault.store.backends.base import Bytes
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.content import Role
from apps.vault.store.index import MemoryIndex
from apps.vault.store.keys import VaultKeys
from apps.vault.store.writer import VaultWriter


class Passing(LocalStore):
    """Writes each object for real, then removes it, so that the test needs little disk."""

    def put_if_absent(self, key: str, data: Bytes) -> bool:
        written = super().put_if_absent(key, data)
        self.delete(key)
        return written


def peak_memory() -> int:
    """Return bytes. Not getrusage: its peak counts the parent that this process was forked from."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found.group(1)) * 1024


def main(folder: Path) -> None:
    rng = random.Random(1)
    with VaultWriter(VaultKeys.generate(), Passing(folder), MemoryIndex()) as writer:
        while writer.raw_bytes < 1_000_000_000:
            mails = [rng.randbytes(7_000) + bytes(8_000) for _ in range(100)]
            writer.put_many([(Role.MIME, mail) for mail in mails])
            writer.put(Role.FILE, rng.randbytes(4_000_000))
    print(writer.raw_bytes, peak_memory())  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
