"""docs/vault-ordering.md is true: the numbers that code quotes are there, and so are the tests it names."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/vault-ordering.md").read_text()


def test_every_rule_number_that_code_quotes_is_on_the_page() -> None:
    quoted = {
        rule
        for path in (ROOT / "apps/vault").rglob("*.py")
        for rule in re.findall(r"\bV\d+\b", path.read_text())
    }
    assert quoted >= {"V0", "V1", "V2", "V3", "V4", "V5", "V6", "V8"}
    assert all(f"| {rule} |" in PAGE for rule in quoted)


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    for path, function in named:
        assert (ROOT / path).is_file(), path
        assert f"def {function}" in (ROOT / path).read_text(), f"{path}::{function}"


def test_every_test_of_the_fault_groups_exists() -> None:
    page = (ROOT / "docs/testing.md").read_text()
    table = page[page.index("## Fault groups") : page.index("## Bench")]
    named = re.findall(r"`((?:vault|backups|faults|jobs|connectors|reader)/[\w/]*(?:\.py)?)`", table)
    assert len(named) > 25
    assert [name for name in named if not (ROOT / "tests" / name).exists()] == []
