"""Words with open parts: what they fit, and that no pattern of anybody takes the time of everybody."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.search.index.documents import Document
from apps.search.index.engine import IndexReader, IndexWriter
from apps.search.language.parsing import parse
from apps.search.language.patterns import WILD, expression
from apps.search.language.problems import QueryProblem
from apps.search.language.tree import All, Everything, Part, Word
from apps.search.marking import excerpt, marked, marks_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEAR = ("aa*a*a*a*a*b", "*aaa*a*a*a*b", "aa*a?a*a*a*b")


@given(st.text("ab*?", max_size=9), st.text("ab", max_size=12))
def test_a_pattern_fits_what_trying_every_place_would_fit(pattern: str, word: str) -> None:
    everything = "".join({"*": ".*", "?": "."}.get(sign, sign) for sign in pattern)
    fits = expression(WILD.split(pattern), r"\w").fullmatch(word)
    assert bool(fits) == bool(re.fullmatch(everything, word))


@pytest.mark.parametrize("pattern", DEAR)
def test_stars_against_one_long_word_take_no_more_than_its_length(pattern: str) -> None:
    """Years, were each place of each star tried against each other."""
    assert not expression(WILD.split(pattern), r"\w").fullmatch("a" * 10_000)
    text = "a" * 10_000 + " " + " ".join("a" * long for long in range(100, 190))
    assert excerpt([text], marks_of(Part(pattern))) == []
    assert any(piece.hit for piece in marked("see aaaaaaab", marks_of(Part(pattern))))


def test_stars_against_the_words_of_an_index_take_no_more_than_their_length(tmp_path: Path) -> None:
    with IndexWriter(tmp_path) as writer:
        writer.add([Document(1, 1, "mail", 1, 1, "a" * 120, NOW, text="aaaaaaab")])
        writer.commit()
    reader = IndexReader(tmp_path)
    for pattern in DEAR:
        assert reader.count(Part(pattern), Everything()) == (1, True)


@pytest.mark.parametrize("typed", ["aa*b*c*d*e*f*g*h", "ab*" + "c" * 70])
def test_a_pattern_that_is_too_complicated_is_refused_as_it_is_typed(typed: str) -> None:
    """What stands around words is shown without asking the index, which refuses it too."""
    with pytest.raises(QueryProblem, match="too complicated"):
        parse(typed, now=NOW, zone=UTC)


def test_of_many_patterns_the_first_are_marked() -> None:
    asked = All((Word("word"), *(Part(f"p{number}*") for number in range(100, 150))))
    assert len(marks_of(asked).patterns) == 10
