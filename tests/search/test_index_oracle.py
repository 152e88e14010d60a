"""Random items and random queries: the index gives what a plain scan gives, in the same order and number."""

import re
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.search.index.documents import Document
from apps.search.index.engine import Facets, IndexReader, IndexWriter, Order
from apps.search.language import tree
from apps.search.language.tree import Field

START = datetime(2025, 11, 28, tzinfo=UTC)
DAY = timedelta(days=1)
FAMILIES = ("invoice invoices invoiced", "report reports reporting", "ecran ecrans", "big", "17", "b2b")
FORMS = {form: set(family.split()) for family in FAMILIES for form in family.split()}
WORDS = [
    "Invoice",
    "invoices",
    "INVOICED",
    "report",
    "Reports",
    "reporting",
    "écran",
    "ECRANS",
    "big",
    "17",
    "b2b",
]
STRANGE = [
    "Straße",
    "Ελλάδα",
    "ёлка",
    "東京",
    "東京都",
    "京都タワー",
    "서울시",
    "e\u0301cran",
    "ﬁne",
    "don't",
    "…",
]
PEOPLE = [
    "Anna Cole <anna.cole@mail.acme.example>", "ben@acme.example", "Ben", "<Zoë.b@acme.example.org>",
    "cole.anna@example.org",
]  # fmt: skip
SOUGHT = [
    "anna", "cole", "acme", "org", "anna.cole", "ben@acme.example", "acme.example", "@acme.example",
    "example.org", "zoë.b", "Anna.Cole@MAIL.acme.example",
]  # fmt: skip
PATTERNS = [
    "inv*",
    "*voic*",
    "rep?rt",
    "*port*",
    "*cran",
    "anna.c*",
    "*acme*",
    "東*",
    "b2*",
    "str*e",
    "*@acme.ex*",
]
WORD_FIELDS = (Field.NAME, Field.FROM, Field.TO, Field.TEXT, Field.ATTACHMENT, Field.PLACE)

days = st.integers(0, 8).map(lambda number: START + number * DAY)
said = st.lists(st.sampled_from(WORDS + STRANGE), max_size=4).map(" ".join)
people = st.lists(st.sampled_from(PEOPLE), max_size=2).map(tuple)


@st.composite
def items(draw: st.DrawFn) -> list[Document]:
    """Some items, each with its life: versions that follow one another, the last one there or deleted."""
    documents: list[Document] = []
    for number in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(["mail", "tasks"]))
        changes = sorted(draw(st.lists(days, min_size=2, max_size=4, unique=True)))
        ended = draw(st.booleans())
        ends = changes[1:] if ended else [*changes[1:], None]
        for first, gone in zip(changes, ends, strict=False):
            document = Document(
                version_id=len(documents) + 1, entity_id=number % 2 + 1, sub_service=kind, item=number // 2 - 1,
                parent=draw(st.sampled_from([-5, 5])), name=draw(said), first_at=first, gone_at=gone,
                deleted=ended and gone == changes[-1],
                time=draw(st.none() | days.map(lambda day: day + timedelta(microseconds=1))),
                size=draw(st.integers(0, 3)), has_attachments=draw(st.booleans()), senders=draw(people),
                recipients=draw(people), text=draw(said), place=draw(said), attachments=(draw(said),),
                attachment_texts=(draw(said),),
            )  # fmt: skip
            documents.append(document)
    return documents


maybe = st.none() | days
sizes = st.none() | st.integers(0, 3)
numbers = st.frozensets(st.sampled_from([-5, 1, 2, 3, 5, 2**70]))
fields = st.sampled_from(Field)
leaves = st.one_of(
    st.builds(tree.Word, st.sampled_from(WORDS + STRANGE), fields),
    st.builds(tree.Word, st.sampled_from(SOUGHT), st.sampled_from([Field.FROM, Field.TO])),
    st.builds(tree.Phrase, st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join), fields),
    st.builds(tree.Part, st.sampled_from(PATTERNS), fields),
    st.builds(tree.Kind, st.sampled_from(["mail", "tasks", "nothing"])),
    st.builds(tree.Attached),
    st.builds(tree.Times, maybe, maybe),
    st.builds(tree.Sizes, sizes, sizes),
    st.builds(tree.Kept, days),
    st.builds(tree.Deleted, maybe, maybe),
    st.builds(tree.Appeared, maybe, maybe),
    st.builds(tree.Ids, st.sampled_from(tree.Column), numbers),
    st.builds(tree.Everything),
)
queries = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple).map(tree.All),
        st.lists(inner, max_size=3).map(tuple).map(tree.Some),
        inner.map(tree.Not),
    ),
    max_leaves=5,
)
scopes = st.just(tree.Everything()) | st.builds(tree.Ids, st.just(tree.Column.ENTITY), numbers) | leaves


def runs(text: str) -> list[str]:
    """The words of a text: letters and digits side by side, without accents; other scripts apart from ours."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = unicodedata.normalize(
        "NFC", "".join(letter for letter in apart if not unicodedata.combining(letter))
    )
    return re.findall(r"[a-z0-9]+|[\u03b1-\u03c9]+|[\u0430-\u044f]+|[\u3000-\uffff]+", plain)


def is_dense(word: str) -> bool:
    return word[0] >= "\u3000"


def values(document: Document, field: Field) -> list[list[str]]:
    """The texts of a field, as words; of people their name, what is before the @, and the domain backwards."""
    match field:
        case Field.FROM | Field.TO:
            return [spread(each) for each in sought_people(document, field)]
        case Field.ATTACHMENT:
            return [runs(each) for each in (*document.attachments, *document.attachment_texts)]
        case Field.ANY:
            return [each for every in WORD_FIELDS for each in values(document, every)]
        case _:
            return [runs(getattr(document, field.value))]


def sought_people(document: Document, field: Field) -> tuple[str, ...]:
    if field == Field.ANY:
        return document.senders + document.recipients
    return {Field.FROM: document.senders, Field.TO: document.recipients}.get(field, ())


def spread(person: str) -> list[str]:
    name, _, address = person.rpartition("<")
    local, at, domain = address.strip(">").partition("@")
    return runs(name) + (runs(local) + runs(domain)[::-1] if at else runs(person))


def wholes(document: Document, field: Field) -> Iterable[str]:
    """Addresses, their halves and the domains above theirs."""
    for person in sought_people(document, field):
        address = person.rpartition("<")[2].strip(">").casefold()
        if "@" in address:
            local, _, domain = address.partition("@")
            yield from (address, local, domain)
            labels = domain.split(".")
            yield from (".".join(labels[at:]) for at in range(1, len(labels) - 1))


def in_a_row(words: list[str], line: list[str]) -> bool:
    return any(line[at : at + len(words)] == words for at in range(len(line)))


def has_word(document: Document, text: str, field: Field) -> bool | None:  # noqa: PLR0911
    words = runs(text)
    if not words:
        return None
    if ("@" in text or "." in text) and text.casefold().lstrip("@") in wholes(document, field):
        return True
    if "@" in text:
        return False
    if len(words) > 1:
        return any(in_a_row(words, line) for line in values(document, field))
    (word,) = words
    if is_dense(word):
        return any(word in each for line in values(document, field) for each in line)
    parts = WORD_FIELDS if field == Field.ANY else (field,)
    for part in parts:
        forms = {word} if part in (Field.FROM, Field.TO) else FORMS.get(word, {word})
        if any(forms & set(line) for line in values(document, part)):
            return True
    return False


def has_part(document: Document, pattern: str, field: Field) -> bool | None:
    if is_dense(pattern):
        return has_word(document, pattern.strip("*"), field)
    shape = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    if any(re.fullmatch(shape, each) for each in wholes(document, field)):
        return True
    chunks = [re.sub(r"\*", ".*", each).replace("?", ".") for each in re.findall(r"[\w*?]+", pattern)]
    shapes = [chunk for chunk in chunks if re.search(r"\w", chunk)]
    return any(
        all(at + n < len(line) and re.fullmatch(each, line[at + n]) for n, each in enumerate(shapes))
        for line in values(document, field)
        for at in range(len(line))
    )


def within(value: object, low: object, high: object) -> bool:
    return value is not None and (low is None or low <= value) and (high is None or value < high)  # type: ignore[operator]


def fits(d: Document, query: tree.Query) -> bool | None:  # noqa: PLR0911
    """Tell whether a version fits; None for words that say nothing."""
    match query:
        case tree.Word(text, field):
            return has_word(d, text, field)
        case tree.Phrase(text, field):
            return any(in_a_row(runs(text), line) for line in values(d, field))
        case tree.Part(pattern, field):
            return has_part(d, pattern, field)
        case tree.All(parts):
            told = [each for each in (fits(d, part) for part in parts) if each is not None]
            return all(told) if told or not parts else None
        case tree.Some(parts):
            told = [each for each in (fits(d, part) for part in parts) if each is not None]
            return any(told) if told or not parts else None
        case tree.Not(part):
            inner = fits(d, part)
            return None if inner is None else not inner
        case _:
            return passes(d, query)


def passes(d: Document, query: tree.Query) -> bool:  # noqa: PLR0911
    match query:
        case tree.Kind(kind):
            return d.sub_service == kind
        case tree.Attached():
            return d.has_attachments
        case tree.Times(low, high):
            return within(d.time, low, high)
        case tree.Sizes(low, high):
            return within(d.size, low, high)
        case tree.Kept(at):
            return d.first_at <= at and (d.gone_at is None or d.gone_at > at)
        case tree.Deleted(low, high):
            return d.deleted and within(d.gone_at, low, high)
        case tree.Appeared(low, high):
            return within(d.first_at, low, high)
        case tree.Ids(column, numbers):
            of = {
                tree.Column.ENTITY: d.entity_id,
                tree.Column.PARENT: d.parent,
                tree.Column.VERSION: d.version_id,
            }
            return of[column] in numbers
    return True


def scan(documents: list[Document], query: tree.Query, scope: tree.Query) -> list[Document]:
    """The items that fit, oldest first, each by the newest of its versions that do."""
    newest: dict[tuple[int, str, int], Document] = {}
    for each in documents:  # the versions of an item stand in the order of time
        if fits(each, query) and fits(each, scope):
            newest[each.entity_id, each.sub_service, each.item] = each
    long_ago = START - 1_000 * DAY
    return sorted(newest.values(), key=lambda each: (each.time or long_ago, each.version_id))


def all_pages(reader: IndexReader, query: tree.Query, scope: tree.Query, sort: Order) -> list[int]:
    met, after = list[int](), None
    while True:
        page = reader.find(query, scope=scope, sort=sort, after=after, limit=3)
        met += [hit.version_id for hit in page.hits]
        after = page.next
        if after is None:
            return met


@given(documents=items(), asked=st.lists(st.tuples(queries, scopes), min_size=6, max_size=6))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_index_agrees_with_a_plain_scan(
    documents: list[Document], asked: list[tuple[tree.Query, tree.Query]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        with IndexWriter(Path(name), heap=16 << 20) as writer:
            writer.add(documents)
            writer.commit()
        reader = IndexReader(Path(name))
        for query, scope in asked:
            expected = scan(documents, query, scope)
            ids = [each.version_id for each in expected]
            assert all_pages(reader, query, scope, Order.OLDEST) == ids
            assert all_pages(reader, query, scope, Order.NEWEST) == ids[::-1]
            assert sorted(all_pages(reader, query, scope, Order.RELEVANCE)) == sorted(ids)
            assert reader.count(query, scope) == (len(ids), True)
            times = [each.time for each in expected if each.time]
            assert reader.facets(query, scope) == Facets(
                Counter(each.sub_service for each in expected),
                Counter(each.entity_id for each in expected),
                Counter(f"{time:%Y-%m}" for time in times),
                sum(each.has_attachments for each in expected),
                sum(each.deleted for each in expected),
            )
