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


PICTURES = ROOT / "docs" / "images" / "guide"


def test_every_picture_that_a_page_shows_exists_and_is_small() -> None:
    shown = {
        (page.parent / link).resolve()
        for page in PAGES
        for link in re.findall(r"!\[[^\]]*\]\(([\w./-]+)\)", page.read_text())
    }
    assert sorted(str(path) for path in shown if not path.exists()) == []
    assert sorted(path.name for path in PICTURES.glob("*") if path not in shown) == [], "shown nowhere"
    assert {path.name: size for path in PICTURES.glob("*") if (size := path.stat().st_size) > 60_000} == {}


def test_every_picture_of_the_guide_is_taken_by_a_test() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "tests" / "browser").glob("test_*.py"))
    taken = set(re.findall(r'picture\(\s*\w+,\s*"([\w-]+)"', code))
    assert {path.stem for path in PICTURES.glob("*.png")} - taken == set()
