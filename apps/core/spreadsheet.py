"""CSV that a spreadsheet opens as it is meant: letters kept, and no cell that computes."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

# Excel, LibreOffice and Google Sheets take a cell that begins so for a formula, which may send data away.
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the file line by line. The mark in front tells Excel that it is UTF-8."""
    yield "\ufeff" + _line(header)
    for row in rows:
        yield _line(row)


def _line(cells: Sequence[object]) -> str:
    target = io.StringIO()
    csv.writer(target).writerow([safe_cell(str(cell)) for cell in cells])
    return target.getvalue()


def safe_cell(cell: str) -> str:
    """Return the cell so that no spreadsheet computes it."""
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA_STARTS) else cell
