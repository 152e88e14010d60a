"""A list of mailboxes handed in as CSV with the one column “Account Email” (features DSC-13).

Every line that is not taken is reported with its number and the reason; nothing is guessed.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from apps.core.errors import InvalidRequest

COLUMN: Final = "Account Email"
MOST_LINES: Final = 100_000
MOST_BYTES: Final = 10_000_000
_ADDRESS: Final = re.compile(r"[^@\s<>\"',;]{1,64}@[^@\s<>\"',;]{1,255}")
_DO: Final = f"Save it as CSV with one column, and “{COLUMN}” in its first line."
Problem = tuple[int, str, str]


@dataclass(slots=True)
class AddressList:
    """Addresses by the number of their line, in lower case, each once, and the lines that were not taken."""

    addresses: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_list(data: bytes) -> AddressList:
    """Read the file as spreadsheets write it: with or without a mark, commas, semicolons or tabs, quotes.

    Raises InvalidRequest for what is no such list at all.
    """
    if len(data) > MOST_BYTES:
        raise InvalidRequest("The list is larger than 10 MB.", do="Split it into several lists.")
    rows = _rows(_text(data))
    _check_header(next(rows, (1, [])))
    found = AddressList()
    for number, row in rows:
        cells = [cell.strip() for cell in row]
        if any(cells):
            _take(found, number, cells)
        if len(found.addresses) + len(found.problems) > MOST_LINES:
            raise InvalidRequest("The list has more than 100,000 lines.", do="Split it into several lists.")
    if not found.addresses and not found.problems:
        raise InvalidRequest("The list has no addresses below its heading.", do=_DO)
    return found


def _text(data: bytes) -> str:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidRequest("The list is not a text file in UTF-8.", do=_DO) from error
    if "\0" in text:  # stands in no text, and the database keeps none
        raise InvalidRequest("The list is not a text file in UTF-8.", do=_DO)
    return text


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    before = 0
    try:
        for row in reader:
            yield before + 1, row
            before = reader.line_num
    except csv.Error as error:
        raise InvalidRequest(f"Line {before + 1} of the list cannot be read as CSV.", do=_DO) from error


def _delimiter(text: str) -> str:
    """Return what separates columns, told by the first two lines; a list of one column may have none."""
    for line in text.split("\n", 2)[:2]:
        for mark in ";\t,":
            if mark in line:
                return mark
    return ","


def _check_header(first: tuple[int, list[str]]) -> None:
    cells = [cell.strip() for cell in first[1] if cell.strip()]
    if len(cells) != 1 or cells[0].casefold() != COLUMN.casefold():
        raise InvalidRequest(f"The list does not begin with the one heading “{COLUMN}”.", do=_DO)


def _take(found: AddressList, number: int, cells: list[str]) -> None:
    filled = [cell for cell in cells if cell]
    shown = ", ".join(filled)[:200]
    address = filled[0].casefold()
    if len(filled) > 1:
        found.problems.append((number, shown, "More than one column"))
    elif not _ADDRESS.fullmatch(address):
        found.problems.append((number, shown, "Not an e-mail address"))
    elif address in found.addresses:
        found.problems.append((number, shown, f"Doubled: stands in line {found.addresses[address]} already"))
    else:
        found.addresses[address] = number
