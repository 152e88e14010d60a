"""docs/connectors.md names tests that exist."""

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "connectors.md").read_text()
CODE = {path.stem: path.read_text() for path in HERE.glob("test_*.py")}


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(test_\w+)::(test_\w+)`", PAGE)
    assert len(named) > 30
    missing = [f"{file}::{test}" for file, test in named if f"def {test}(" not in CODE.get(file, "")]
    assert missing == []
    alone = re.findall(r"`(?:::)?(test_\w+)`", PAGE)
    everything = "".join(CODE.values())
    assert [test for test in alone if f"def {test}(" not in everything] == []


def test_every_quirk_of_mail_and_people_has_its_line() -> None:
    listed = {int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    others = PAGE.partition("OneNote (")[2].partition(")")[0]
    for part in others.split(", "):
        first, _, last = part.partition("\u2013")
        listed |= set(range(int(first), int(last or first) + 1))
    assert listed == set(range(1, 69))
