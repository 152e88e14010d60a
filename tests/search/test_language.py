"""What people type, and the tree that it asks for."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.connectors.enums import SubService
from apps.search.language.parsing import parse
from apps.search.language.problems import QueryProblem
from apps.search.language.tree import (
    All,
    Appeared,
    Attached,
    Deleted,
    Entity,
    Everything,
    Field,
    Folder,
    Kept,
    Kind,
    Not,
    Part,
    Phrase,
    Query,
    Sizes,
    Some,
    Tag,
    Times,
    Word,
)
from apps.search.language.vocabulary import FIRST_NAMES, KINDS, NAMES

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)  # a Sunday


def typed(text: str) -> Query:
    return parse(text, now=NOW, zone=BERLIN)


def berlin(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=BERLIN)


INVOICE, ACME, DRAFT = Word("invoice"), Word("acme"), Word("draft")
ANN, BOB = Word("ann", Field.FROM), Word("bob", Field.FROM)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", Everything()),
        ("  \t ", Everything()),
        ("invoice", INVOICE),
        ("invoice acme", All((INVOICE, ACME))),
        ("invoice AND acme AND draft", All((INVOICE, ACME, DRAFT))),
        ("invoice and acme", All((INVOICE, Word("and"), ACME))),
        ("invoice OR acme", Some((INVOICE, ACME))),
        ("invoice OR acme draft", All((Some((INVOICE, ACME)), DRAFT))),
        ("invoice (acme OR draft)", All((INVOICE, Some((ACME, DRAFT))))),
        ("(invoice acme) OR draft", Some((All((INVOICE, ACME)), DRAFT))),
        ("invoice -draft", All((INVOICE, Not(DRAFT)))),
        ("NOT draft", Not(DRAFT)),
        ("-(acme OR draft)", Not(Some((ACME, DRAFT)))),
        ('-"annual report"', Not(Phrase("annual report"))),
        ('"annual  report" acme', All((Phrase("annual report"), ACME))),
        ("“annual report”", Phrase("annual report")),
        ('"invoice -draft * OR"', Phrase("invoice -draft * OR")),
        ("inv*", Part("inv*")),
        ("*voice", Part("*voice")),
        ("*inv*ce*", Part("*inv*ce*")),
        ("in**oice", Part("in*oice")),
        ("gr?y", Part("gr?y")),
        ("from:会*", Part("会*", Field.FROM)),
        ("invoice?", INVOICE),
        ("Re: invoice, acme!", All((Word("Re"), INVOICE, ACME))),
        ("e-mail well-known", All((Word("e-mail"), Word("well-known")))),
        ("http://example.com/a", Word("http://example.com/a")),
        ("10:30", Word("10:30")),
        ("invoice & - acme", All((INVOICE, ACME))),
        ("from:ann", ANN),
        ("From: ann", ANN),
        ("sender:ann", ANN),
        ("from:<ann@example.com>", Word("ann@example.com", Field.FROM)),
        ("from:ann,bob", Some((ANN, BOB))),
        ("from:(ann OR bob)", Some((ANN, BOB))),
        ("from:(ann bob)", All((ANN, BOB))),
        ("-from:ann,bob", Not(Some((ANN, BOB)))),
        ('from:"Ann Lee"', Phrase("Ann Lee", Field.FROM)),
        ("to:bob", Word("bob", Field.TO)),
        ("subject:inv*", Part("inv*", Field.NAME)),
        ("text:invoice", Word("invoice", Field.TEXT)),
        ("attachment:plan.pdf", Word("plan.pdf", Field.ATTACHMENT)),
        ("place:berlin", Word("berlin", Field.PLACE)),
        ("kind:mail", Kind("mail")),
        ("kind:Meetings,tasks", Some((Kind("calendars"), Kind("tasks")))),
        ("in:Inbox", Folder("Inbox")),
        ('in:"Sent Items"', Folder("Sent Items")),
        ("tag:finance", Tag("finance")),
        ("mailbox:ann@example.com", Entity("ann@example.com")),
        ("has:attachment", Attached()),
        ("-has:attachment", Not(Attached())),
        ("size>5mb", Sizes(low=5_000_001)),
        ("size >= 1.5 MB invoice", All((Sizes(low=1_500_000), INVOICE))),
        ("size<10kb", Sizes(high=10_000)),
        ("size:<=10", Sizes(high=11)),
        ("larger:2gb", Sizes(low=2_000_000_001)),
        ("smaller:1k", Sizes(high=1000)),
        ("before:2025-03-01", Times(high=berlin(2025, 3, 1))),
        ("after:2025-03-01", Times(low=berlin(2025, 3, 2))),
        ("since:2025-03-01", Times(low=berlin(2025, 3, 1))),
        ("until:2025-03-01", Times(high=berlin(2025, 3, 2))),
        ("on:2025-03-01", Times(berlin(2025, 3, 1), berlin(2025, 3, 2))),
        ("during:march 2025 invoice", All((Times(berlin(2025, 3, 1), berlin(2025, 4, 1)), INVOICE))),
        ("on:2025-03-01..2025-03-10", Times(berlin(2025, 3, 1), berlin(2025, 3, 11))),
        ("on:2025..", Times(low=berlin(2025, 1, 1))),
        ("before:(today)", Times(high=berlin(2026, 11, 22))),
        ("asof:2025-03-01", Kept(datetime(2025, 3, 1, 22, 59, 59, 999_999, tzinfo=UTC))),
        ("deleted:yes", Deleted()),
        ("deleted:no", Not(Deleted())),
        ("deleted:last-week", Deleted(berlin(2026, 11, 9), berlin(2026, 11, 16))),
        ("changed:yesterday", Appeared(berlin(2026, 11, 21), berlin(2026, 11, 22))),
        ("changed:yesterday..", Appeared(low=berlin(2026, 11, 21))),
    ],
)
def test_what_is_typed_asks_for_this(text: str, tree: Query) -> None:
    assert typed(text) == tree


@pytest.mark.parametrize(
    ("words", "first", "end"),
    [
        ("today", (2026, 11, 22), (2026, 11, 23)),
        ("yesterday", (2026, 11, 21), (2026, 11, 22)),
        ("the day before yesterday", (2026, 11, 20), (2026, 11, 21)),
        ("this week", (2026, 11, 16), (2026, 11, 23)),
        ("last week", (2026, 11, 9), (2026, 11, 16)),
        ("last_week", (2026, 11, 9), (2026, 11, 16)),
        ("next month", (2026, 12, 1), (2027, 1, 1)),
        ("last month", (2026, 10, 1), (2026, 11, 1)),
        ("last quarter", (2026, 7, 1), (2026, 10, 1)),
        ("last year", (2025, 1, 1), (2026, 1, 1)),
        ("3 days ago", (2026, 11, 19), (2026, 11, 20)),
        ("a week ago", (2026, 11, 15), (2026, 11, 16)),
        ("nine-months-ago", (2026, 2, 22), (2026, 2, 23)),
        ("last 3 days", (2026, 11, 19), (2026, 11, 23)),
        ("sunday", (2026, 11, 22), (2026, 11, 23)),
        ("last sunday", (2026, 11, 15), (2026, 11, 16)),
        ("friday", (2026, 11, 20), (2026, 11, 21)),
        ("next monday", (2026, 11, 23), (2026, 11, 24)),
        ("2025", (2025, 1, 1), (2026, 1, 1)),
        ("2025-03", (2025, 3, 1), (2025, 4, 1)),
        ("2025/3/1", (2025, 3, 1), (2025, 3, 2)),
        ("1.3.2025", (2025, 3, 1), (2025, 3, 2)),
        ("31/3/2025", (2025, 3, 31), (2025, 4, 1)),
        ("3/31/2025", (2025, 3, 31), (2025, 4, 1)),
        ("March 2025", (2025, 3, 1), (2025, 4, 1)),
        ("dec", (2025, 12, 1), (2026, 1, 1)),
        ("november", (2026, 11, 1), (2026, 12, 1)),
        ("1 march 2025", (2025, 3, 1), (2025, 3, 2)),
        ("the 1st of march, 2025", (2025, 3, 1), (2025, 3, 2)),
        ("March 1, 2025", (2025, 3, 1), (2025, 3, 2)),
        ("24 december", (2025, 12, 24), (2025, 12, 25)),
        ("29 february 2024", (2024, 2, 29), (2024, 3, 1)),
        ("q1 2025", (2025, 1, 1), (2025, 4, 1)),
    ],
)
def test_dates_in_words_are_days_of_the_persons_time_zone(
    words: str, first: tuple[int, int, int], end: tuple[int, int, int]
) -> None:
    asked = Times(berlin(*first), berlin(*end))

    assert typed(f"on:{words}") == asked
    assert typed(f'invoice on:"{words}" acme') == All((INVOICE, asked, ACME))
    assert typed(f"on:{words} acme") == All((asked, ACME))


def test_yesterday_is_another_day_where_the_clock_says_so() -> None:
    night = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)

    assert parse("on:yesterday", now=night, zone=BERLIN) == Times(berlin(2026, 11, 22), berlin(2026, 11, 23))


def test_a_day_has_the_hours_of_its_time_zone() -> None:
    day = typed("on:2025-03-30")  # the clock goes forward

    assert isinstance(day, Times) and day.low and day.high
    assert (day.high - day.low).total_seconds() == 23 * 3600


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('invoice "annual', "quotation mark", "Close"),
        ("(invoice", "never closed", ")"),
        ("invoice)", "never opened", "out"),
        ("(" * 16 + "a" + ")" * 16, "too many brackets", "less"),
        ("fro:ann", "“fro:”", "“from:”"),
        ("colour:red", "“colour:”", "quotation marks"),
        ("from:", "Nothing follows “from:”", "Write"),
        ("(invoice from:)", "Nothing follows “from:”", "Write"),
        ("from:to:ann", "followed by “to:”", "from:"),
        ("from:-ann", "minus", "-from:"),
        ("invoice OR", "Nothing follows “OR”", "small letters"),
        ("AND invoice", "Nothing stands before “AND”", "small letters"),
        ("invoice AND OR acme", "Nothing follows “AND”", "small letters"),
        ("NOT NOT invoice", "Two times not", "Leave"),
        ("before:someday", "“someday”", "yesterday"),
        ("before:2025-02-30", "“2025-02-30”", "2025-03-01"),
        ("before:1/3/2025", "two days", "2025-03-01 or 2025-01-03"),
        ("before:2025-03-10..2025-03-12", "one date", "on:2025-03-10..2025-03-12"),
        ("on:2025..2024", "ends before", "earlier"),
        ("on:9999 years ago", "not a date", "yesterday"),
        ("on:..", "no date", "2025-03-01..2025-03-31"),
        ('on:""', "not a date", "yesterday"),
        ("*", "nearly every word", "two letters"),
        ("from:a*", "nearly every word", "two letters"),
        ('"annual report"*', "one word", "quotation marks"),
        ("kind:ma*", "no “*”", "whole value"),
        ("kind:mial", "no kind of data", "mail, calendar, contacts, tasks, notes or settings"),
        ("has:wings", "“has:wings”", "has:attachment"),
        ("size>big", "not a size", "size>5mb"),
        ("size:5mb", "more or less", "size>5mb"),
        ("tag:***", "no “*”", "whole value"),
        ("in:!", "nothing that can be read", "in:name"),
        ("& ( - )", "nothing to look for", "Type"),
        ("x" * 2001, "too long", "Keep"),
        ("a " * 101, "more than 100 conditions", "fewer"),
    ],
)
def test_a_mistake_is_explained(text: str, message: str, hint: str) -> None:
    with pytest.raises(QueryProblem) as problem:
        typed(text)

    assert message in problem.value.message
    assert hint in problem.value.hint


PIECES = st.sampled_from(
    [
        *(
            '"',
            "(",
            ")",
            "-",
            "*",
            "?",
            ":",
            ",",
            "..",
            " ",
            " ",
            " OR ",
            " AND ",
            " NOT ",
            "\\",
            "\x00",
            "\ud800",
        ),
        *(
            "invoice",
            "é",
            "会議",
            "5",
            "mb",
            "last",
            "week",
            "2025-03-01",
            "march",
            "size",
            ">",
            "<",
            "~2",
            "^3",
        ),
        *(f"{name}:" for name in NAMES),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=30).map("".join)))
def test_whatever_is_typed_is_a_tree_or_a_problem_in_words(text: str) -> None:
    try:
        tree = typed(text)
    except QueryProblem as problem:
        assert problem.message and problem.hint
    else:
        hash(tree)


@pytest.mark.parametrize(
    "piece", ["(", "-", "NOT ", "a OR ", "from:", '"', "*", "a", "on:last ", "-(", "(a OR ", "?*", "1"]
)
def test_the_same_again_and_again_is_answered_too(piece: str) -> None:
    text = (piece * 2000)[:2000]
    for tried in (text, text.replace("(", "") + "x"):
        try:
            typed(tried)
        except QueryProblem as problem:
            assert problem.hint


def test_kinds_are_the_sub_services_of_the_connectors() -> None:
    assert set(KINDS.values()) == set(SubService.values)
    assert [KINDS[name] for name in FIRST_NAMES] == SubService.values
