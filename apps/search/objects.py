"""The index as sealed objects of the vault: names that are used once, listed in `SearchIndex.manifest`.

1. New files become objects. 2. One transaction names them: generation, manifest, how far each entity is in,
what has left (`indexing.py`). 3. Objects that neither this generation nor the one before names are deleted.
Killed before 2, the objects are nobody's and go with the next 3; killed after it, only 3 is left to do.

A file is sealed under the name of its objects, too: each generation has a `meta.json`, and who can write to the
store could otherwise put the bytes of an earlier one in the place of today's.
"""

import uuid
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from apps.vault.api import DerivedFolder, VaultError

from .index.sealing import seal_file, unseal_file

PART_BYTES: Final = 64 << 20  # of one object: what is held in memory


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file of the index: its objects in order, which hold its sealed bytes one after the other."""

    name: str
    size: int
    objects: tuple[str, ...]

    @classmethod
    def of(cls, said: dict[str, Any]) -> Self:
        return cls(said["name"], said["size"], tuple(said["objects"]))

    def said(self) -> dict[str, Any]:
        """Return it for a manifest."""
        return {**asdict(self), "objects": list(self.objects)}


def files_in(manifest: list[dict[str, Any]]) -> list[SealedFile]:
    """Return what a manifest lists."""
    return [SealedFile.of(said) for said in manifest]


def named(files: Collection[SealedFile]) -> set[str]:
    """Return the names of all objects of these files."""
    return {name for file in files for name in file.objects}


def seal_new(
    folder: DerivedFolder, paths: Collection[Path], known: dict[str, SealedFile], source: Path | None
) -> list[SealedFile]:
    """Make files durable; returns the manifest of all of them. Raises VaultError.

    A file that is the very one of `source`, the folder of the generation before, is there already.
    """
    files = []
    for path in sorted(paths):
        before = known.get(path.name)
        if before and source and _same(path, source / path.name):
            files.append(before)
        else:
            files.append(_seal(folder, path))
    return files


def unpack(folder: DerivedFolder, file: SealedFile, target: Path) -> None:
    """Write a file as it was. Raises IndexTrouble when it does not open, ObjectMissing, VaultError."""
    stem = file.objects[0].partition(".")[0]
    unseal_file((folder.get(name) for name in file.objects), folder.key, _sealed_as(stem, file.name), target)


def collect(folder: DerivedFolder, keep: Collection[str]) -> int:
    """Delete every object that nobody names any more; only for who holds the index' lease.

    Returns how many. What a store does not let go of now goes the next time.
    """
    wanted, gone = set(keep), 0
    try:
        for name in [name for name in folder.names() if name not in wanted]:
            folder.remove(name)
            gone += 1
    except VaultError:
        return gone
    return gone


def _seal(folder: DerivedFolder, path: Path) -> SealedFile:
    stem, objects = uuid.uuid4().hex, []
    for number, part in enumerate(_parts(seal_file(path, folder.key, _sealed_as(stem, path.name)))):
        objects.append(f"{stem}.{number:06d}")
        folder.put(objects[-1], part)
    return SealedFile(path.name, path.stat().st_size, tuple(objects))


def _sealed_as(stem: str, name: str) -> str:
    return f"{stem}/{name}"


def _parts(frames: Iterator[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for frame in frames:
        waiting += frame
        if len(waiting) >= PART_BYTES:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _same(path: Path, other: Path) -> bool:
    """Tell whether two names are one file: the engine never changes one, it writes others."""
    try:
        return path.samefile(other)
    except OSError:
        return False
