"""What is in a folder, as a store sees it: `python -m tests.bench.describe FOLDER...`, one JSON line each.

For mails (`*.eml`) and other files apart: number, bytes, sizes, zstd-3 of every item by itself, what whole
copies save, and what cutting at the vault's borders saves on top. So two corpora can be told apart.
"""

import json
import sys
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import zstandard

from apps.vault.store.chunking import Chunker


def describe(paths: Iterable[Path]) -> dict[str, Any]:
    """Count and measure the files."""
    squeeze, chunker = zstandard.ZstdCompressor(level=3), Chunker(1)
    sizes, packed, whole, cut = list[int](), 0, dict[bytes, int](), dict[bytes, int]()
    for path in paths:
        data = path.read_bytes()
        sizes.append(len(data))
        packed += min(len(data), len(squeeze.compress(data)))
        whole[blake2b(data, digest_size=16).digest()] = len(data)
        cut |= {blake2b(piece, digest_size=16).digest(): len(piece) for piece in chunker.cut(data)}
    sizes.sort()
    total = sum(sizes)
    return {
        "items": len(sizes),
        "mb": round(total / 1e6, 1),
        "median_kb": round(sizes[len(sizes) // 2] / 1e3, 1),
        "p95_kb": round(sizes[len(sizes) * 95 // 100] / 1e3, 1),
        "max_mb": round(sizes[-1] / 1e6, 1),
        "over_100k": sum(size > 100_000 for size in sizes),
        "zstd_ratio": round(total / packed, 2),
        "whole_copies": round(1 - sum(whole.values()) / total, 3),
        "repeated_pieces": round(1 - sum(cut.values()) / total, 3),
    }


def main(folders: list[str]) -> None:
    for folder in folders:
        files = sorted(path for path in Path(folder).rglob("*") if path.is_file() and path.suffix != ".jsonl")
        for name, chosen in (
            ("mails", [path for path in files if path.suffix == ".eml"]),
            ("files", [path for path in files if path.suffix != ".eml"]),
        ):
            if chosen:
                print(json.dumps({"folder": folder, "of": name} | describe(chosen)))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
