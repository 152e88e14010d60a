"""What nobody should send to the index, and somebody will: it costs its own words, nothing else."""

from datetime import UTC, datetime

import pytest

from apps.search.index.documents import Document
from apps.search.index.engine import IndexReader, IndexWriter
from apps.search.index.errors import PatternRefused, QueryRefused
from apps.search.language import tree
from apps.search.language.tree import All, Everything, Field, Not, Part, Phrase, Word

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOSTILE = [
    "", "\0", "needle\0needle", "\ud800needle\udfff", "\ud83d needle", "x" * 1_000_000 + " needle",
    "京" * 5_000, "needle " * 5_000, "e\u0301\u0301\u0301" * 5_000 + " needle", "<" * 10_000 + "needle",
    "a@" * 5_000, "needle\u202e\u200b\ufeff", "<@>", "@", "needle <@@@>", "a.b." * 2_000 + "@c",
    "\n".join(["needle"] * 1_000), "\ufdfa" * 900, "\u0e49" * 5_000, "\U0010ffff\uffff",
]  # fmt: skip


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> IndexReader:
    folder = tmp_path_factory.mktemp("index")
    with IndexWriter(folder) as writer:
        for number, text in enumerate(HOSTILE):
            everywhere = Document(
                version_id=number, entity_id=2**63 - 1, sub_service="mail", item=-(2**63), parent=2**63 - 1,
                name=text, first_at=NOW, time=datetime.max.replace(tzinfo=UTC), size=2**63 - 1, senders=(text,),
                recipients=(text,), text=text, place=text, attachments=(text,), attachment_texts=(text,),
            )  # fmt: skip
            writer.add([everywhere])
        writer.add(
            [Document(100, 1, "mail", 1, 1, "calm", NOW, text="needle", time=datetime.min.replace(tzinfo=UTC))]
        )
        writer.commit()
    return IndexReader(folder)


@pytest.mark.parametrize("field", Field)
def test_hostile_texts_take_nothing_from_their_neighbours(reader: IndexReader, field: Field) -> None:
    found = reader.find(Word("needle", field), scope=Everything(), limit=50)
    assert found.hits[0].version_id in {100, *(n for n, text in enumerate(HOSTILE) if "needle" in text)}
    assert reader.find(Word("calm"), scope=Everything()).hits[0].time == datetime.min.replace(tzinfo=UTC)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_questions_are_answered_or_refused_in_words(reader: IndexReader, text: str) -> None:
    for ask in (Word, Phrase, Part):
        for field in (Field.ANY, Field.FROM, Field.NAME):
            try:
                reader.count(ask(text, field), Everything())
            except (QueryRefused, PatternRefused) as refused:
                assert refused.do


def test_words_longer_than_any_are_in_no_item_rather_than_in_all(reader: IndexReader) -> None:
    for query in (Word("y" * 200), Phrase("calm " + "y" * 200), Not(Not(Word("y" * 3_000)))):
        assert reader.count(query, Everything()).number == 0


def test_a_query_without_a_bound_is_refused(reader: IndexReader) -> None:
    deep: tree.Query = Word("x")
    for _ in range(5_000):
        deep = Not(deep)
    for query in (deep, All((Word("x"),) * 3_000), Word("x" * 5_000), tree.Tag("red"), tree.Folder("x")):
        with pytest.raises(QueryRefused):
            reader.count(query, Everything())
        with pytest.raises(QueryRefused):
            reader.count(Everything(), query)
    with pytest.raises(QueryRefused):
        reader.find(Everything(), scope=Everything(), limit=0)
    with pytest.raises(QueryRefused):
        reader.count(tree.Times(datetime(2026, 1, 1), None), Everything())  # noqa: DTZ001
    assert reader.count(tree.Sizes(-(2**80), 2**80), Everything()).number >= 1
