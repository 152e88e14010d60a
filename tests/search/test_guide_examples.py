"""What the guide and the pages say can be typed, can be typed."""

import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from apps.search.language.parsing import parse
from apps.search.language.tree import Everything

ROOT = Path(__file__).resolve().parents[2]
MARKDOWN = re.compile(r"`([^`\n]+)`")
CODE = re.compile(r"<code>(.*?)</code>")
LINK = re.compile(r"\?(q=[^\"&]+)\"")


def examples() -> list[str]:
    guide = (ROOT / "docs/guide/search.md").read_text()
    templates = ROOT / "templates/search"
    shown = (templates / "_words.html").read_text()
    linked = (templates / "_examples.html").read_text()
    found = [code for code in MARKDOWN.findall(guide) if len(code) > 1]  # signs alone are explained, not typed
    found += [unescape(code) for code in CODE.findall(shown)]
    return sorted({*found, *(parse_qs(link)["q"][0] for link in LINK.findall(linked))})


def test_there_are_examples_in_each_place() -> None:
    assert len(examples()) > 60


@pytest.mark.parametrize("text", examples())
def test_every_example_is_understood(text: str) -> None:
    assert parse(text, now=datetime(2026, 11, 22, tzinfo=UTC), zone=UTC) != Everything()
