"""The index on a few documents: what is written is found, whoever may see it, and nothing else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.connectors.enums import SubService
from apps.search.index.documents import Document
from apps.search.index.engine import Cursor, IndexReader, IndexWriter, Order
from apps.search.index.errors import CursorUnreadable, IndexBusy, IndexDamaged, IndexOutdated, PatternRefused
from apps.search.index.schema import KINDS
from apps.search.language import tree
from apps.search.language.tree import All, Column, Everything, Field, Ids, Not, Part, Phrase, Some, Word

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = Everything()


def mail(version_id: int, **given: Any) -> Document:
    base = {"entity_id": 1, "sub_service": "mail", "item": version_id, "parent": 7, "name": ""}
    return Document(version_id, **(base | {"first_at": NOON} | given))


def index(folder: Path, *documents: Document) -> IndexReader:
    with IndexWriter(folder) as writer:
        writer.add(documents)
        writer.commit()
    return IndexReader(folder)


def ids(reader: IndexReader, query: tree.Query, scope: tree.Query = ALL, **how: Any) -> set[int]:
    hits = reader.find(query, scope=scope, **how).hits
    assert (len(hits), True) == reader.count(query, scope)
    return {hit.version_id for hit in hits}


def test_words_are_found_in_any_form_without_accents_and_in_the_field_asked_for(tmp_path: Path) -> None:
    reader = index(
        tmp_path,
        mail(1, name="Invoices of März", text="The old ÉCRAN was invoiced; Ελλάδα, ёлка, ﬁne"),
        mail(2, name="Other", text="Nothing of the kind", attachments=("invoice-17.pdf",)),
        mail(3, attachment_texts=("a straße", "b"), place="Room Écran"),
    )
    assert ids(reader, Word("invoice")) == {1, 2}
    assert ids(reader, Word("invoice", Field.NAME)) == {1}
    assert ids(reader, Word("INVOICE", Field.ATTACHMENT)) == {2}
    assert ids(reader, Word("invoice-17.pdf")) == {2}
    assert ids(reader, Word("ecran")) == {1, 3}
    assert ids(reader, Word("ecran", Field.PLACE)) == {3}
    assert ids(reader, All((Word("ελλαδα"), Word("Елка"), Word("fine"), Word("marz")))) == {1}
    assert ids(reader, Word("strasse")) == {3}
    assert ids(reader, Phrase("old ecran was")) == {1}
    assert ids(reader, Phrase("old was")) == set()
    assert ids(reader, Phrase("invoice", Field.NAME)) == set()
    assert ids(reader, Some((Word("straße"), Word("kind")))) == {2, 3}
    assert ids(reader, Not(Word("invoice"))) == {3}
    assert ids(reader, All((Word("invoice"), Not(Word("kind")), Word("&")))) == {1}
    assert ids(reader, Word("…")) == set()


def test_chinese_japanese_and_korean_are_found_inside_of_longer_runs(tmp_path: Path) -> None:
    reader = index(
        tmp_path,
        mail(1, text="今日は東京タワーへ行く"),
        mail(2, text="京都 서울특별시 abc東"),
        mail(3, text="ไปเที่ยวกัน"),
    )
    assert ids(reader, Word("東京")) == {1}
    assert ids(reader, Word("東京タワー")) == {1}
    assert ids(reader, Word("京")) == {1, 2}
    assert ids(reader, Word("東")) == {1, 2}
    assert ids(reader, Word("특별")) == {2}
    assert ids(reader, Part("京*")) == {1, 2}
    assert ids(reader, Word("เที่ยว")) == {3}
    assert ids(reader, Word("タワ京")) == set()


def test_people_are_found_by_any_part_of_an_address_and_no_domain_by_another(tmp_path: Path) -> None:
    reader = index(
        tmp_path,
        mail(1, senders=("Anna Cole <Anna.Cole@mail.acme.example>",), recipients=("ben@acme.example.org",)),
        mail(2, senders=("ben@acme.example.org",), text="write to anna.cole@mail.acme.example"),
    )
    assert ids(reader, Word("anna.cole@mail.acme.example", Field.FROM)) == {1}
    assert ids(reader, Word("anna.cole@mail.acme.example")) == {1, 2}
    for part in ("anna", "Cole", "anna.cole", "mail.acme.example", "@acme.example", "acme.example", "annA c*"):
        word = Part(part, Field.FROM) if "*" in part else Word(part, Field.FROM)
        assert ids(reader, word) == {1}, part
    assert ids(reader, Word("acme", Field.FROM)) == {1, 2}
    assert ids(reader, Word("acme.example.org", Field.TO)) == {1}
    assert ids(reader, Part("*.cole@*", Field.FROM)) == {1}


def test_parts_of_words_are_found_and_too_little_of_one_is_refused(tmp_path: Path) -> None:
    reader = index(tmp_path, mail(1, text="Donaudampfschiff"), mail(2, name="ship donation INV-2041"))
    assert ids(reader, Part("dona*")) == {1, 2}
    assert ids(reader, Part("*dampf*")) == {1}
    assert ids(reader, Part("sh?p")) == {2}
    assert ids(reader, Part("inv-20*")) == {2}
    for pattern in ("*", "a*", "*ab*", "?a", "a*b*c*d*e*f*g*h*", "x" * 65 + "*"):
        with pytest.raises(PatternRefused):
            reader.find(Part(pattern), scope=ALL)


def test_nothing_outside_of_the_scope_is_found_or_counted(tmp_path: Path) -> None:
    reader = index(tmp_path, mail(1, text="secret"), mail(2, text="secret", entity_id=2, has_attachments=True))
    scope = Ids(Column.ENTITY, frozenset({1}))
    assert ids(reader, Word("secret"), scope) == {1}
    assert ids(reader, Some((Word("secret"), Not(Word("secret")))), scope) == {1}
    facets = reader.facets(Word("secret"), scope)
    assert (facets.kind, facets.entity, facets.attached) == ({"mail": 1}, {1: 1}, 0)
    assert ids(reader, Word("secret"), Ids(Column.ENTITY, frozenset())) == set()
    assert ids(reader, Everything(), Some(())) == set()


def test_an_item_is_shown_once_by_its_newest_version_that_fits(tmp_path: Path) -> None:
    day = timedelta(days=1)
    reader = index(
        tmp_path,
        mail(1, item=5, text="draft", time=NOON, gone_at=NOON + day),
        mail(2, item=5, text="draft final", time=NOON + day, first_at=NOON + day),
        mail(3, item=6, text="draft", time=NOON, gone_at=NOON + day, deleted=True),
        mail(4, item=5, text="draft", time=NOON, entity_id=2),
    )
    assert ids(reader, Word("draft")) == {2, 3, 4}
    assert ids(reader, All((Word("draft"), Not(Word("final"))))) == {1, 3, 4}
    assert ids(reader, tree.Kept(NOON)) == {1, 3, 4}
    assert ids(reader, tree.Kept(NOON + day)) == {2, 4}
    assert ids(reader, tree.Deleted()) == {3}
    assert ids(reader, tree.Deleted(NOON + day, None)) == {3}
    assert ids(reader, tree.Deleted(None, NOON + day)) == set()
    assert ids(reader, tree.Appeared(NOON + day, None)) == {2}
    assert reader.facets(Word("draft"), ALL).deleted == 1
    assert reader.facets(tree.Kept(NOON), ALL).month == {"2026-03": 3}


def test_more_earlier_versions_than_can_be_looked_at_make_counts_a_least(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.search.index.reader._MOST_OLDER", 2)
    versions = [
        mail(item * 2, item=item, text="draft", gone_at=NOON + timedelta(days=1)) for item in range(1, 4)
    ]
    newer = [
        mail(item * 2 + 1, item=item, text="final", first_at=NOON + timedelta(days=1)) for item in range(1, 4)
    ]
    reader = index(tmp_path, *versions, *newer, mail(9, item=9, text="draft"))
    assert len(reader.find(Word("draft"), scope=ALL).hits) == 4, "all are listed"
    assert reader.count(Word("draft"), ALL) == (1, False) == reader.facets(Word("draft"), ALL).total
    assert reader.count(All((Word("draft"), tree.Kept(NOON))), ALL) == (4, True), "a day holds each item once"
    few = All((Word("draft"), Not(Ids(Column.VERSION, frozenset({2, 4})))))
    assert reader.count(few, ALL) == (2, True) == reader.facets(few, ALL).total


def test_pages_in_the_order_of_time_give_every_item_once_whatever_is_added(tmp_path: Path) -> None:
    minute = timedelta(minutes=1)
    documents = [mail(n, text="x" if n % 2 else "x y", time=NOON + n % 7 * minute) for n in range(1, 61)]
    documents.append(mail(99, text="x"))
    reader, met = index(tmp_path, *documents), list[int]()
    wanted = [each.version_id for each in sorted(documents[:60], key=lambda d: (d.time, d.version_id))]
    for order, expected in ((Order.NEWEST, [*wanted[::-1], 99]), (Order.OLDEST, [99, *wanted])):
        after, met = None, []
        while True:
            page = reader.find(Word("x"), scope=ALL, sort=order, after=after, limit=7)
            met += [hit.version_id for hit in page.hits]
            if page.next is None:
                break
            after = Cursor.decode(page.next.encode())
        assert met == expected
    first = reader.find(Word("x"), scope=ALL, sort=Order.NEWEST, limit=7)
    later = index(tmp_path, mail(100, text="x", time=NOON + timedelta(days=1)))
    second = later.find(Word("x"), scope=ALL, sort=Order.NEWEST, limit=7, after=first.next)
    assert [hit.version_id for hit in second.hits] == wanted[::-1][7:14]
    ranked = reader.find(Word("y"), scope=ALL, limit=10)
    rest = reader.find(Word("y"), scope=ALL, limit=100, after=ranked.next)
    assert len({hit.version_id for hit in (*ranked.hits, *rest.hits)}) == 30
    with pytest.raises(CursorUnreadable):
        reader.find(Word("x"), scope=ALL, sort=Order.NEWEST, after=ranked.next)
    for broken in ("", "x", "!!", "W10", "eyJhIjoxfQ", "W1tbW1tb", "\ud800"):
        with pytest.raises(CursorUnreadable):
            Cursor.decode(broken)


def test_a_version_given_again_is_replaced_and_what_is_removed_is_gone(tmp_path: Path) -> None:
    index(tmp_path, mail(1, text="one"), mail(2, text="one"), mail(3, text="one", entity_id=2))
    with IndexWriter(tmp_path) as writer:
        writer.add([mail(1, text="two"), mail(1, text="three")])
        writer.remove_versions([2, 17])
        writer.remove_entities([2])
        writer.commit()
    reader = IndexReader(tmp_path)
    assert ids(reader, Word("one")) | ids(reader, Word("two")) == set()
    assert ids(reader, Everything()) == ids(reader, Word("three")) == {1}


def test_what_was_not_committed_is_undone(tmp_path: Path) -> None:
    index(tmp_path, mail(1, text="one"))
    with pytest.raises(RuntimeError), IndexWriter(tmp_path) as writer:
        writer.add([mail(2, text="one")])
        raise RuntimeError
    assert ids(IndexReader(tmp_path), Everything()) == {1}


def test_the_files_of_a_commit_are_the_whole_index(tmp_path: Path) -> None:
    with IndexWriter(tmp_path / "a") as writer:
        assert [path.name for path in writer.commit()]
        for number in range(12):
            writer.add([mail(number, text="one")])
            files = writer.commit()
        with IndexWriter(tmp_path / "a") as second, pytest.raises(IndexBusy):
            writer.add([mail(50)])
            second.add([mail(51)])
    (tmp_path / "b").mkdir()
    for path in files:
        (tmp_path / "b" / path.name).write_bytes(path.read_bytes())
    assert len(ids(IndexReader(tmp_path / "b"), Word("one"))) == 12


def test_an_index_that_is_missing_damaged_or_of_another_version_says_so(tmp_path: Path) -> None:
    with pytest.raises(IndexDamaged):
        IndexReader(tmp_path / "none")
    index(tmp_path, *(mail(n, text="one") for n in range(50)))
    for path in [path for path in tmp_path.iterdir() if path.suffix in {".idx", ".fast", ".term", ".json"}]:
        if path.name in {"everkeep.json", ".managed.json"}:
            continue
        whole = path.read_bytes()
        path.write_bytes(whole[:5])
        with pytest.raises(IndexDamaged):
            IndexReader(tmp_path).find(Word("one"), scope=ALL)
        path.write_bytes(whole)
    (tmp_path / "everkeep.json").write_text('{"version": 0}')
    with pytest.raises(IndexOutdated):
        IndexReader(tmp_path)


def test_every_kind_of_data_that_is_backed_up_has_a_number() -> None:
    assert set(SubService.values) <= set(KINDS)
