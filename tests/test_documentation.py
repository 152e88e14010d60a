"""What the pages in docs/ name must be there: tests that prove a promise, and other pages."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(ROOT.glob("docs/**/*.md"))


def test_every_test_that_a_page_names_exists() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    known = set(re.findall(r"def (test_\w+)", code)) | {
        path.stem for path in (ROOT / "tests").rglob("test_*.py")
    }
    named = {
        (page.name, name) for page in PAGES for name in re.findall(r"\btest_\w+[a-z0-9]\b", page.read_text())
    }
    assert sorted((page, name) for page, name in named if name not in known) == []


def test_every_page_that_a_page_leads_to_exists() -> None:
    links = {(page, link) for page in PAGES for link in re.findall(r"\]\(([\w./-]+\.md)", page.read_text())}
    assert sorted(f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()) == []
