"""A file that somebody opens in a spreadsheet must not compute."""

import csv

import pytest

from apps.core.spreadsheet import csv_lines


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", '=HYPERLINK("http://x","y")', "\uff1d1"]
)
def test_a_formula_is_text(cell: str) -> None:
    (_, line) = csv_lines(["a"], [[cell]])
    (row,) = csv.reader([line])
    assert row == [f"'{cell}"]


def test_other_cells_are_as_they_are() -> None:
    cells = ["Mail, calendars", 'say "hi"', "Grüße 🦔", "2026-11-20 10:00:00", "a=b"]
    header, line = csv_lines(["x"] * 5, [cells])
    assert header.startswith("\ufeff")
    assert next(csv.reader([line])) == cells
