"""The search index beside SQLite FTS5 and Whoosh's own engine: the same texts, in turn, in the same run.

    make bench BENCH=search                      20,000 mails and 1,000,000 short documents
    make bench BENCH=search BENCH_SCALE=0.02     a fiftieth of both

`docs_per_s` is documents per second of CPU, all threads counted: what one core does. `share_of_text` is all of
the index's bytes in those of the text it was given. Queries are words (rare, common, two), phrases, a sender,
a span of time, a beginning and an inner part of a word, as of a day, and deleted ones, every second of them in
the scope of some mailboxes only. A page is a list with its counts and months, also of everything; three in ten
documents are earlier versions of the one after. Cold is: unseal every file, open, ask once. Whoosh builds so
slowly that it gets a share of the corpora: `whoosh_share`; FTS5 has no inner parts of words.
"""

import os
import random
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from apps.search.index.analysis import language_of
from apps.search.index.documents import Document
from apps.search.index.engine import IndexReader, IndexWriter, Order
from apps.search.index.sealing import seal_file, unseal_file
from apps.search.language.tree import (
    All,
    Column,
    Deleted,
    Everything,
    Field,
    Ids,
    Kept,
    Part,
    Phrase,
    Query,
    Times,
    Word,
)

from .prose import Prose

Line = dict[str, Any]
MAILS, SHORT, WHOOSH_MOST = 20_000, 1_000_000, 2_000
_START: Final = datetime(2024, 1, 1, tzinfo=UTC)
_MAILBOXES, _PEOPLE, _EACH, _COLD, _OLDER = 40, 400, 20, 12, 3
_KEY: Final = b"b" * 32


@dataclass(frozen=True, slots=True)
class Asked:
    """A query in our tree and in FTS5's and Whoosh's words; "" where the engine has none."""

    kind: str
    query: Query
    scope: Query
    fts5: str
    whoosh: str


def scale() -> float:
    return float(os.environ.get("BENCH_SCALE", "1"))


def corpus(count: int, letters: int, seed: int) -> Iterator[Document]:
    """Make documents: a tenth deleted, three in ten earlier versions of the one after."""
    rng = random.Random(seed)
    prose = Prose(rng)
    names = zip(rng.choices(prose.words, k=_PEOPLE), rng.choices(prose.words, k=_PEOPLE), strict=True)
    people = [f"{one} {two} <{one}.{two}@{rng.choice(prose.words)}.example>" for one, two in names]
    for number in range(count):
        first = _START + timedelta(days=rng.randint(0, 700))
        older, deleted = number % 10 < _OLDER, number % 10 == _OLDER + 1
        gone = first + timedelta(days=rng.randint(1, 60)) if older or deleted else None
        yield Document(
            version_id=number + 1,
            entity_id=number // 10 % _MAILBOXES + 1,
            sub_service="mail",
            item=hash((number // 10 * 10 + _OLDER if older else number, 7)),
            parent=rng.randint(1, 200) << 40,
            name=prose.few(5),
            first_at=first,
            gone_at=gone,
            deleted=deleted,
            time=first - timedelta(seconds=rng.randint(0, 40_000_000)),
            size=letters * 3,
            has_attachments=rng.random() < 0.1,
            senders=(rng.choice(people),),
            recipients=tuple(rng.choices(people, k=rng.randint(1, 3))),
            text=prose.text(int(rng.lognormvariate(0, 0.9) * letters / 1.5))
            if letters > 1_000
            else prose.few(45),
        )


def text_bytes(documents: list[Document]) -> int:
    return sum(
        len(each.name) + len(each.text) + sum(map(len, (*each.senders, *each.recipients))) for each in documents
    )


def build(folder: Path, documents: list[Document]) -> tuple[float, int]:
    """Build our index. Returns the CPU seconds and the bytes."""
    language_of("What loads the languages once in a process is not what a document costs.")
    began = time.process_time()
    with IndexWriter(folder) as writer:
        writer.add(documents)
        files = writer.commit()
    return time.process_time() - began, sum(path.stat().st_size for path in files)


class Fts5:
    """SQLite's own, without a copy of the text, as the portal would use it."""

    def __init__(self, path: Path) -> None:
        self._path, self._db = path, sqlite3.connect(path, isolation_level=None)

    def build(self, documents: list[Document]) -> tuple[float, int]:
        began = time.process_time()
        self._db.executescript(
            "pragma journal_mode=off; pragma synchronous=off; pragma cache_size=-64000;"
            "create table d(id integer primary key, entity int, time int, first int, gone int);"
            "create virtual table f using fts5(name, people, text, content='', tokenize='unicode61 "
            "remove_diacritics 2', prefix='3'); begin"
        )
        for each in documents:
            gone = each.gone_at.timestamp() if each.gone_at else 1e12
            row = (each.version_id, each.entity_id, _seconds(each.time), each.first_at.timestamp(), gone)
            self._db.execute("insert into d values (?,?,?,?,?)", row)
            people = " ".join((*each.senders, *each.recipients))
            said = (each.version_id, each.name, people, each.text)
            self._db.execute("insert into f(rowid, name, people, text) values (?,?,?,?)", said)
        self._db.execute("commit")
        self._db.execute("insert into f(f) values ('optimize')")
        return time.process_time() - began, self._path.stat().st_size

    def ask(self, asked: Asked) -> None:
        where = f"f match ? {asked.fts5}"
        said = asked.whoosh.replace("sender:", "people:")
        sql = f"select d.id from f join d on d.id = f.rowid where {where} order by rank limit 25"
        self._db.execute(sql, (said,)).fetchall()


class Whoosh:
    """Whoosh's own engine, by its own parser."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder

    def build(self, documents: list[Document]) -> tuple[float, int]:
        from whoosh import fields, index

        began = time.process_time()
        schema = fields.Schema(
            id=fields.NUMERIC(stored=True, bits=64), time=fields.NUMERIC(bits=64), name=fields.TEXT,
            sender=fields.TEXT, text=fields.TEXT,
        )  # fmt: skip
        made = index.create_in(self._folder, schema)
        writer = made.writer(limitmb=256)
        for each in documents:
            writer.add_document(
                id=each.version_id, time=_seconds(each.time), name=each.name,
                sender=" ".join((*each.senders, *each.recipients)), text=each.text,
            )  # fmt: skip
        writer.commit()
        self._searcher, self._schema = made.searcher(), schema
        return time.process_time() - began, sum(path.stat().st_size for path in self._folder.iterdir())

    def ask(self, asked: Asked) -> None:
        from whoosh.qparser import MultifieldParser

        parser = MultifieldParser(["name", "text"], self._schema)
        list(self._searcher.search(parser.parse(asked.whoosh), limit=25))


def questions(documents: list[Document], seed: int = 5) -> list[Asked]:
    """Make the queries from words whose frequency was counted."""
    rng = random.Random(seed)
    seen = Counter(
        word for each in documents[:4_000] for word in set(each.text.lower().split()) if word.isalpha()
    )
    common = [word for word, _ in seen.most_common(60) if len(word) > 2]
    rare = [word for word, count in seen.items() if 2 <= count <= 8 and len(word) > 5]
    some, asked = Ids(Column.ENTITY, frozenset(range(1, _MAILBOXES - 9))), list[Asked]()
    for number in range(_EACH):
        scope: Query = some if number % 2 else Everything()
        limited = f"and d.entity < {_MAILBOXES - 9}" if number % 2 else ""
        one, two, often = rng.choice(rare), rng.choice(rare), rng.choice(common)
        there = rng.choice(documents)
        words = there.text.split()
        at = rng.randrange(max(1, len(words) - 3))
        phrase = " ".join(word.strip(".,:;?!") for word in words[at : at + 3])
        day = _START + timedelta(days=rng.randint(100, 600))
        stamp = f"{limited} and d.first <= {day.timestamp()} and d.gone > {day.timestamp()}"
        span = f"{limited} and d.time between {day.timestamp()} and {day.timestamp() + 2_592_000}"
        low, high = day, day + timedelta(days=30)
        address = there.senders[0].partition("<")[2].strip(">").partition("@")[0]
        local = address.replace(".", " ")
        asked += [
            Asked("word", Word(one), scope, limited, f'"{one}"'),
            Asked("common", Word(often), scope, limited, f'"{often}"'),
            Asked("two", All((Word(often), Word(two))), scope, limited, f'"{often}" "{two}"'),
            Asked("phrase", Phrase(phrase), scope, limited, f'"{phrase}"'),
            Asked("field", Word(address, Field.FROM), scope, limited, f'sender:"{local}"'),
            Asked("date", All((Word(often), Times(low, high))), scope, span, f'"{often}"'),
            Asked("prefix", Part(one[:4] + "*"), scope, limited, f"{one[:4]}*"),
            Asked("infix", Part(f"*{one[1:5]}*"), scope, "", f"*{one[1:5]}*"),
            Asked("as_of_day", All((Word(often), Kept(day))), scope, stamp, f'"{often}"'),
            Asked("deleted", All((Word(often), Deleted(low, None))), scope, stamp, f'"{often}"'),
        ]
    return asked


def bench_build() -> list[Line]:
    """Build all three over the mails; the short documents in ours and FTS5."""
    with tempfile.TemporaryDirectory(prefix="everkeep-bench-") as name:
        mails = list(corpus(round(MAILS * scale()), 7_000, 1))
        fewer = mails[: max(100, len(mails) // 100)]
        figures: Line = {}
        for tool, documents, (cpu, size) in (
            ("", mails, build(Path(name) / "ours", mails)),
            ("fts5_", mails, Fts5(Path(name) / "fts5").build(mails)),
            ("whoosh_", fewer, Whoosh(Path(name) / "whoosh").build(fewer)),
        ):
            figures[f"{tool}docs_per_s"] = round(len(documents) / cpu)
            figures[f"{tool}share_of_text"] = round(size / text_bytes(documents), 3)
    return [
        {
            "bench": "search.build",
            "docs": len(mails),
            **{key: value for key, value in figures.items() if key.endswith("docs_per_s")},
            "ratio_to_fts5": round(figures["docs_per_s"] / figures["fts5_docs_per_s"], 2),
            "ratio_to_whoosh": round(figures["docs_per_s"] / figures["whoosh_docs_per_s"], 2),
            "whoosh_share": round(len(fewer) / len(mails), 3),
        },
        {
            "bench": "search.size",
            "text_mb": round(text_bytes(mails) / 1e6, 1),
            **{key: value for key, value in figures.items() if key.endswith("share_of_text")},
        },
    ]


def bench_query() -> list[Line]:
    """Ask all three over the short documents."""
    with tempfile.TemporaryDirectory(prefix="everkeep-bench-") as name:
        folder = Path(name)
        documents = list(corpus(round(SHORT * scale()), 300, 2))
        asked, fewer = questions(documents), documents[:WHOOSH_MOST]
        cpu, size = build(folder / "ours", documents)
        fts5, whoosh = Fts5(folder / "fts5"), Whoosh(folder / "whoosh")
        fts5.build(documents)
        whoosh.build(fewer)
        line: Line = {
            "bench": "search.query",
            "docs": len(documents),
            "docs_per_s": round(len(documents) / cpu),
            "share_of_text": round(size / text_bytes(documents), 3),
        }
        del documents
        reader = IndexReader(folder / "ours")
        ours = [(each.kind, _took(lambda each=each: _ask(reader, each))) for each in asked for _ in "12"][1::2]
        line |= {f"p{share}_warm_ms": _percentile(ours, share) for share in (50, 95)}
        kinds = dict.fromkeys(each.kind for each in asked)
        line |= {f"{kind}_p95_ms": _percentile([o for o in ours if o[0] == kind], 95) for kind in kinds}
        pages = [(each.kind, _took(lambda each=each: _page(reader, each))) for each in asked for _ in "12"][
            1::2
        ]
        line |= {f"page_p{share}_warm_ms": _percentile(pages, share) for share in (50, 95)}
        whole = Asked("everything", Everything(), Everything(), "", "")
        line["page_of_everything_ms"] = round(_took(lambda: _page(reader, whole)), 2)
        cold = _cold(folder, asked)
        line |= {"p50_cold_ms": _percentile(cold, 50), "p95_cold_ms": _percentile(cold, 95)}
        both = [each for each in asked if each.kind != "infix"]
        theirs = [(each.kind, _took(lambda each=each: fts5.ask(each))) for each in both]
        line |= {"fts5_p95_ms": _percentile(theirs, 95), "whoosh_share": round(len(fewer) / line["docs"], 3)}
        slow = [(each.kind, _took(lambda each=each: whoosh.ask(each))) for each in asked]
        line["whoosh_p95_ms"] = _percentile(slow, 95)
        mine = _percentile([o for o in ours if o[0] != "infix"], 95)
        line["ratio_to_fts5"] = round(line["fts5_p95_ms"] / mine, 2)
        line["ratio_to_whoosh"] = round(line["whoosh_p95_ms"] / line["p95_warm_ms"], 2)
    return [line]


def _cold(folder: Path, asked: list[Asked]) -> list[tuple[str, float]]:
    (folder / "sealed").mkdir()
    with IndexWriter(folder / "ours") as writer:
        files = writer.commit()
    for path in files:
        (folder / "sealed" / path.name).write_bytes(b"".join(seal_file(path, _KEY, path.name)))
    took = []
    for each in random.Random(9).sample(asked, _COLD):
        with tempfile.TemporaryDirectory(dir=folder) as target:
            took.append((each.kind, _took(lambda each=each, target=target: _open(folder, Path(target), each))))
    return took


def _open(folder: Path, target: Path, asked: Asked) -> None:
    for path in (folder / "sealed").iterdir():
        with path.open("rb") as file:
            unseal_file(iter(lambda: file.read(1 << 20), b""), _KEY, path.name, target / path.name)
    _ask(IndexReader(target), asked)


def _ask(reader: IndexReader, asked: Asked) -> None:
    reader.find(asked.query, scope=asked.scope, sort=Order.RELEVANCE, limit=25)


def _page(reader: IndexReader, asked: Asked) -> None:
    """Ask as a page does: the list, and what it can be narrowed to."""
    _ask(reader, asked)
    reader.facets(asked.query, asked.scope)


def _took(work: Any) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e3


def _percentile(timed: list[tuple[str, float]], share: int) -> float:
    took = sorted(ms for _, ms in timed)
    return round(took[min(len(took) - 1, len(took) * share // 100)], 2)


def _seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0


CASES: dict[str, Any] = {"search.build": bench_build, "search.query": bench_query}
