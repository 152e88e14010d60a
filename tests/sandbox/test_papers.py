"""What the sandbox's people attach is what it says it is: a reader finds the words in it."""

import pytest
from kreuzberg import extract_bytes_sync

from apps.sandbox.people.letters import FILES, file_bytes


@pytest.mark.parametrize(
    ("name", "kind", "size"), [file for file in FILES if file[0].endswith((".pdf", ".docx", ".xlsx"))]
)
def test_a_paper_is_read_by_others_and_has_its_size(name: str, kind: str, size: int) -> None:
    paper = file_bytes(name, size)
    assert f"{name.partition('.')[0]}, Pizza Perfecto" in extract_bytes_sync(paper, kind).content
    assert abs(len(paper) - size) < 500
    file_bytes.cache_clear()
    assert file_bytes(name, size) == paper, "the same bytes wherever it is attached"
