"""The advanced search writes what could have been typed; typed, it asks for the same."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.connectors.enums import SubService
from apps.search.forms import BY_NAME, KINDS_OF_DATA, AdvancedForm
from apps.search.language.parsing import parse
from apps.search.language.tree import All, Attached, Entity, Field, Kind, Part, Phrase, Query, Times, Word
from apps.search.language.vocabulary import Typed
from apps.search.language.writing import clause


def filled(kind: str, **values: Any) -> AdvancedForm:
    form = AdvancedForm(BY_NAME[kind], values)
    assert form.is_valid(), form.errors
    return form


def asked(text: str) -> Query:
    return parse(text, now=datetime(2026, 11, 22, tzinfo=UTC), zone=UTC)


def test_mail_by_words_people_subject_and_dates() -> None:
    form = filled(
        "mail",
        words="invoice",
        **{"from": "Ann Lee", "to": "bob@example.com", "subject": '"annual report"'},
        since="2025-03-01",
        until="2025-03-31",
        attached="on",
    )

    assert form.text == (
        'kind:mail invoice from:(Ann Lee) to:bob@example.com subject:"annual report"'
        " since:2025-03-01 until:2025-03-31 has:attachment"
    )
    assert asked(form.text) == All(
        (
            Kind("mail"),
            Word("invoice"),
            Word("Ann", Field.FROM),
            Word("Lee", Field.FROM),
            Word("bob@example.com", Field.TO),
            Phrase("annual report", Field.NAME),
            Times(low=datetime(2025, 3, 1, tzinfo=UTC)),
            Times(high=datetime(2025, 4, 1, tzinfo=UTC)),
            Attached(),
        )
    )


def test_the_other_kinds_ask_for_what_they_have() -> None:
    contacts = filled("contacts", words="ann*")
    calendar = filled("calendar", words="a2 OR b2", text="agenda", mailbox="Ann Lee", place="Berlin")

    assert asked(contacts.text) == All((Kind("contacts"), Part("ann*")))
    assert calendar.text == 'kind:calendar a2 OR b2 text:agenda place:Berlin mailbox:"Ann Lee"'
    assert Entity("Ann Lee") in asked(calendar.text).parts  # type: ignore[union-attr]
    assert asked(filled("tasks").text) == Kind("tasks")
    assert asked(filled("notes", since="2025-03-01").text) == All(
        (Kind("notes"), Times(low=datetime(2025, 3, 1, tzinfo=UTC)))
    )


def test_each_kind_that_people_look_for_has_a_form() -> None:
    assert {kind.sub_service for kind in KINDS_OF_DATA} == set(SubService.values) - {SubService.SETTINGS}


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"words": "(invoice"}, "words", "never closed"),
        ({"words": "invoice OR"}, "words", "Nothing follows"),
        ({"since": "2025-03-02", "until": "2025-03-01"}, "until", "before the first"),
        ({"since": "1025-03-02"}, "since", "year"),
        ({"since": "soon"}, "since", "valid date"),
    ],
)
def test_a_mistake_stands_at_its_field(values: dict[str, str], field: str, said: str) -> None:
    form = AdvancedForm(BY_NAME["mail"], values)

    assert not form.is_valid()
    assert said in str(form.errors[field])
    assert not form.text


VALUES = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            ['"', "(", ")", "-", "*", "?", ":", ",", " ", "OR", "from", "ann", "é", "5", "\x00", "<", "]"]
        ),
        max_size=12,
    ).map("".join),
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([Typed.FROM, Typed.TO, Typed.SUBJECT, Typed.TEXT, Typed.PLACE, Typed.MAILBOX, Typed.IN]),
    VALUES,
)
def test_whatever_stands_in_a_field_is_about_that_field(typed: Typed, value: str) -> None:
    text = clause(typed, value)
    tree = asked(f"{text} kind:mail {text}")

    assert isinstance(tree, All) or (tree == Kind("mail") and not text)
    assert not text or all(
        isinstance(part, Entity | Kind)
        or typed is Typed.IN
        or getattr(part, "field", Field.ANY) is not Field.ANY
        for part in tree.parts  # type: ignore[union-attr]
    )


def test_a_day_is_written_as_people_can_read_it() -> None:
    assert clause(Typed.SINCE, date(2025, 3, 1)) == "since:2025-03-01"
