"""The list inside an archive: `index.html` that opens offline, and tables that a spreadsheet opens.

Each part carries the lists of itself and of all parts before it, so the last one lists everything. A list file
is named by its part and is the same in every part: unpacked into one folder, they fall together.
"""

import csv
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from apps.core.spreadsheet import safe_cell

from .files import Entry, list_path, lists_of, read_entries
from .part import PartWriter

ROWS_A_FILE = 5_000
_OFFLINE = Path(__file__).parent / "offline"
_PAGES = (("index.html", "index.html"), ("list.js", "index/list.js"), ("list.css", "index/list.css"))
_COLUMNS = ("File", "Kind", "Folder", "Name", "Person", "Date", "Bytes", "Outcome", "Why")


@dataclass(frozen=True, slots=True)
class About:
    """What the list says of itself."""

    title: str
    words: str


def write_lists(folder: Path, number: int, about: About) -> None:
    """Write the list files of a part beside its entries, from what these tell."""
    entries = (entry for entry in read_entries(folder, number) if entry.item)
    chunk, at = list(islice(entries, ROWS_A_FILE)), 0
    while at == 0 or chunk:
        at += 1
        following = list(islice(entries, ROWS_A_FILE))
        said = {
            "part": number,
            "number": at,
            "last": not following,
            "rows": [_row(entry, number) for entry in chunk],
        }
        if at == 1:
            said["about"] = {"title": about.title, "words": about.words}
        with list_path(folder, number, at).open("w", encoding="ascii") as stream:
            # Only ASCII, and no `<`: the text cannot end the script in any reader's eyes.
            stream.write(
                f"everkeep({json.dumps(said, separators=(',', ':')).replace('<', chr(92) + 'u003c')});\n"
            )
            stream.flush()
            os.fsync(stream.fileno())
        chunk = following


def add_lists(writer: PartWriter, desk: Path, folder: Path, number: int) -> None:
    """Put the page, the list files up to this part, and this part's table into the archive.

    The part itself lies on the desk, those before it in the folder.
    """
    for name, place in _PAGES:
        with (_OFFLINE / name).open("rb") as stream:
            writer.add_file(place, stream)
    for part in range(1, number + 1):
        for at, path in enumerate(lists_of(desk if part == number else folder, part), 1):
            with path.open("rb") as stream:
                writer.add_file(f"index/part-{part}-{at}.js", stream)
    writer.add(f"index/part-{number}.csv", _table(desk, number), None)


def _row(entry: Entry, part: int) -> list[str | int]:
    return [
        entry.kind, entry.folder, entry.name, entry.person, entry.when, entry.size, entry.path, part,
        entry.message,
    ]  # fmt: skip


def _table(folder: Path, number: int) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf" + _line(_COLUMNS)
    for entry in read_entries(folder, number):
        if entry.item:
            outcome = "Failed" if entry.cause else "Exported"
            yield _line(
                (
                    entry.path, entry.kind, entry.folder, entry.name, entry.person, entry.when,
                    str(entry.size), outcome, entry.message,
                )
            )  # fmt: skip


def _line(cells: tuple[str, ...]) -> bytes:
    text: IO[str] = io.StringIO()
    csv.writer(text).writerow([safe_cell(cell) for cell in cells])
    text.seek(0)
    return text.read().encode("utf-8", "replace")
