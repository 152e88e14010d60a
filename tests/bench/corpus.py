"""The corpus of `make bench BENCH=vault`: 20,000 mails and 1 GB of files, the same bytes for the same seed.

    python -m tests.bench.corpus FOLDER [--scale 1] [--seed 1]    makes it and says what is in it

`FOLDER/base` is what is backed up first. `FOLDER/change` is what a day later is new or edited, by the same
paths: 1 % more mails and 1 % of the files with some bytes overwritten. `Day` lays it over the base and takes it
off again by renaming, so that no run needs a copy of its own.
"""

import argparse
import json
import math
import random
import shutil
import time
from pathlib import Path
from typing import Any, Final

from .letters import Office
from .papers import PACKED, make_paper
from .prose import Prose

MAILS, FILE_BYTES = 20_000, 1_000_000_000
VERSION: Final = 2  # of what is made from a seed: a corpus kept from an older one is made anew
_KINDS: Final = {"packed": 62, "txt": 14, "csv": 12, "log": 12}
_LARGEST, _LARGEST_PROSE = 25_000_000, 2_000_000


def ensure_corpus(folder: Path, *, scale: float = 1, seed: int = 1) -> dict[str, Any]:
    """Make the corpus unless it is there. Returns what it is: numbers, bytes, seconds."""
    about, wanted = folder / "about.json", {"version": VERSION, "seed": seed, "scale": scale}
    known = json.loads(about.read_text()) if about.exists() else {}
    # A bench that was killed in the middle of a Day has left it in the base.
    left = sum(path.is_file() for path in (folder / "change").rglob("*"))
    if known.items() >= wanted.items() and known["changed"] == left:
        return dict(known)
    shutil.rmtree(folder, ignore_errors=True)
    began = time.perf_counter()
    mails, more = _mails(folder, round(MAILS * scale), seed)
    files, edited = _files(folder, round(FILE_BYTES * scale), seed)
    made = wanted | {
        "mails": len(mails),
        "mail_mb": round(sum(mails) / 1e6, 1),
        "mail_median": sorted(mails)[len(mails) // 2],
        "mail_p95": sorted(mails)[len(mails) * 95 // 100],
        "mail_max": max(mails),
        "mails_over_100k": sum(size > 100_000 for size in mails),
        "files": len(files),
        "file_mb": round(sum(files) / 1e6, 1),
        "changed_mb": round((sum(more) + sum(edited)) / 1e6, 1),
        "changed": len(more) + len(edited),
        "items": len(mails) + len(files),
        "bytes": sum(mails) + sum(files),
        "seconds": round(time.perf_counter() - began, 1),
    }
    about.write_text(json.dumps(made))
    return made


class Day:
    """A day's changes, laid over the base while the context lasts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._moves = [
            (path, folder / "base" / path.relative_to(folder / "change"))
            for path in sorted((folder / "change").rglob("*"))
            if path.is_file()
        ]

    def __enter__(self) -> None:
        for changed, place in self._moves:
            if place.exists():
                _move(place, self._folder / "before" / place.relative_to(self._folder / "base"))
            changed.touch()  # as a program that saves it does
            _move(changed, place)

    def __exit__(self, *_: object) -> None:
        for changed, place in self._moves:
            _move(place, changed)
            before = self._folder / "before" / place.relative_to(self._folder / "base")
            if before.exists():
                _move(before, place)


def _mails(folder: Path, count: int, seed: int) -> tuple[list[int], list[int]]:
    """Write the mails, and those of the day after. Returns the sizes of both."""
    office, sizes = Office(seed), []
    for number in range(count + max(1, count // 100)):
        where, data = office.mail(number, count)
        side = "base" if number < count else "change"
        _write(folder / side / "mail" / where / f"{number:06d}.eml", data)
        sizes.append(len(data))
    return sizes[:count], sizes[count:]


def _files(folder: Path, total: int, seed: int) -> tuple[list[int], list[int]]:
    """Write the files: a tenth are copies, a tenth edited copies. Returns their and the edits' sizes."""
    rng = random.Random(f"files {seed}")
    prose, made = Prose(rng), list[tuple[Path, int]]()
    while (left := total - sum(size for _, size in made)) > 0:
        data, ending = _file(rng, prose, made, left)
        path = folder / "base" / "files" / f"share{len(made) % 37:02d}" / f"{len(made):05d}.{ending}"
        _write(path, data)
        made.append((path, len(data)))
    small = [path for path, size in made if size < 5_000_000]
    edited = rng.sample(small, max(1, len(made) // 100))
    for path in edited:
        changed = bytearray(path.read_bytes())
        at = rng.randrange(len(changed))
        changed[at : at + 3_000] = rng.randbytes(3_000)
        _write(folder / "change" / path.relative_to(folder / "base"), changed)
    return [size for _, size in made], [path.stat().st_size for path in edited]


def _file(
    rng: random.Random, prose: Prose, made: list[tuple[Path, int]], most: int
) -> tuple[bytes | bytearray, str]:
    fate = rng.random()
    if made and fate < 0.2:
        path, _ = rng.choice(made)
        data = bytearray(path.read_bytes())
        for _ in range(rng.randint(1, 4) if fate < 0.1 else 0):
            at = rng.randrange(len(data))
            data[at:at] = rng.randbytes(rng.randint(1, 4_000))
        return data, path.suffix[1:]
    kind = rng.choices(list(_KINDS), list(_KINDS.values()))[0]
    size = int(min(most, _LARGEST, max(10_000, rng.lognormvariate(math.log(180_000), 1.75))))
    if kind == "packed":
        kind = rng.choice(PACKED)
    elif kind == "txt" and size > _LARGEST_PROSE:
        kind = "log"  # nobody writes that much
    return make_paper(rng, prose, kind, size), kind


def _write(path: Path, data: bytes | bytearray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _move(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    path.rename(to)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    print(json.dumps(ensure_corpus(chosen.folder, scale=chosen.scale, seed=chosen.seed)))  # noqa: T201
