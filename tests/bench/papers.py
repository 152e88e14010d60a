"""Contents of files and attachments: packed (as PDF, JPEG and Office files are), prose, tables and logs."""

import random

from .prose import Prose

PACKED = ("pdf", "jpg", "docx")


def make_paper(rng: random.Random, prose: Prose, kind: str, size: int) -> bytes:
    """Return `size` bytes of `kind`: one of PACKED, txt, csv or log."""
    if kind in PACKED:
        return rng.randbytes(size)
    if kind == "txt":
        return prose.text(size).encode()[:size].ljust(size)
    rows, length = [], 0
    line = {"csv": _row, "log": _entry}[kind]
    moment = rng.randint(0, 10**9)
    while length < size:
        moment += rng.randint(1, 4_000)
        rows.append(line(rng, prose, moment))
        length += len(rows[-1])
    return "".join(rows).encode()[:size]


def _row(rng: random.Random, prose: Prose, moment: int) -> str:
    some = rng.random()
    word = prose.words[int(some * some * 4_000)]
    return f"{moment};{word};{some * 5_000:.2f};{int(some * 977) % 40};{rng.getrandbits(20)}\n"


def _entry(rng: random.Random, prose: Prose, moment: int) -> str:
    some, second = rng.random(), moment % 86_400_000 / 1_000
    return (
        f"2026-03-{moment // 10**8 + 1:02d} {second:09.3f} INFO {prose.words[int(some * 120)]}."
        f"{prose.words[int(some * 900)]} id={rng.getrandbits(32):08x} took={int(some * some * 900)}ms\n"
    )
