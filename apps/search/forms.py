"""The advanced search: one form for each kind of data, which writes what could have been typed.

A further kind is one more entry of `KINDS_OF_DATA`; its fields are those of the language.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django import forms
from django.utils import timezone

from apps.core import clock

from .asked import TEXT_LIMIT
from .language import tree
from .language.parsing import parse
from .language.problems import QueryProblem
from .language.vocabulary import Typed, kind_of
from .language.writing import clause, joined

LONGEST: Final = 300
WORDS: Final = "words"
ATTACHED: Final = "attached"
_DATES: Final = (Typed.SINCE, Typed.UNTIL)


@dataclass(frozen=True)
class Ask:
    """One field of a form: what it is called, and the field of the language that it fills."""

    typed: Typed
    label: str
    hint: str = ""


@dataclass(frozen=True)
class KindOfData:
    """`name` follows "kind:" in the text; `words` labels the field for words that may stand anywhere."""

    name: str
    label: str
    words: str
    asks: tuple[Ask, ...] = ()
    attached: bool = False

    @property
    def sub_service(self) -> str:
        return kind_of(self.name)


_KEYWORD: Final = "Words"
_SINCE: Final = Ask(Typed.SINCE, "Date from")
_UNTIL: Final = Ask(Typed.UNTIL, "Date to", "This day is included.")
_PERSON: Final = "A name or an address, or a part of it with *."
KINDS_OF_DATA: Final = (
    KindOfData(
        "mail",
        "Mail",
        _KEYWORD,
        (
            Ask(Typed.FROM, "From", _PERSON),
            Ask(Typed.TO, "To", _PERSON),
            Ask(Typed.SUBJECT, "Subject"),
            Ask(Typed.MAILBOX, "Mailbox", "Name or address, or a part of it."),
            _SINCE,
            _UNTIL,
        ),
        attached=True,
    ),
    KindOfData(
        "calendar",
        "Calendars",
        _KEYWORD,
        (
            Ask(Typed.TEXT, "Description", "Words of the text of the event."),
            Ask(Typed.PLACE, "Place"),
            Ask(Typed.MAILBOX, "Owner", "Name or address of whose calendar it is, or a part of it."),
            _SINCE,
            _UNTIL,
        ),
    ),
    KindOfData("contacts", "Contacts", "Name", (Ask(Typed.MAILBOX, "Mailbox", "Whose contacts."),)),
    KindOfData("tasks", "Tasks", _KEYWORD, (Ask(Typed.MAILBOX, "Mailbox", "Whose tasks."), _SINCE, _UNTIL)),
    KindOfData("notes", "Notes", _KEYWORD, (Ask(Typed.MAILBOX, "Mailbox", "Whose notes."), _SINCE, _UNTIL)),
)
BY_NAME: Final = {kind.name: kind for kind in KINDS_OF_DATA}


class AdvancedForm(forms.Form):
    """The form of one kind of data; valid, it has a `text` to search for."""

    text = ""

    def __init__(self, kind: KindOfData, data: Mapping[str, Any] | None = None, words: str = "") -> None:
        super().__init__(data)
        self.kind = kind
        self.fields[WORDS] = forms.CharField(
            label=kind.words, max_length=LONGEST, required=False, initial=words, strip=True
        )
        self.fields[WORDS].help_text = "Everything that the search field understands works here too."
        for ask in kind.asks:
            self.fields[ask.typed.value] = _field_of(ask)
        if kind.attached:
            self.fields[ATTACHED] = forms.BooleanField(label="Only with attachments", required=False)

    def clean_words(self) -> str:
        """Read the words alone: an open bracket would swallow what the other fields say."""
        words = str(self.cleaned_data[WORDS])
        _read(words)
        return words

    def clean(self) -> dict[str, Any]:
        """Write the text."""
        said = self.cleaned_data
        first, last = (said.get(typed.value) for typed in _DATES)
        if first and last and last < first:
            self.add_error(Typed.UNTIL.value, "This day is before the first one.")
        if self.errors:
            return said
        parts = [clause(ask.typed, said[ask.typed.value]) for ask in self.kind.asks if said[ask.typed.value]]
        has = f"{Typed.HAS}:attachment" if said.get(ATTACHED) else ""
        text = joined(clause(Typed.KIND, self.kind.name), said[WORDS], *parts, has)
        _read(text)
        if len(text) > TEXT_LIMIT:
            raise forms.ValidationError(f"That is more than {TEXT_LIMIT} letters in all. Keep what matters.")
        self.text = text
        return said


def _read(text: str) -> tree.Query:
    try:
        return parse(text, now=clock.now(), zone=timezone.get_current_timezone())
    except QueryProblem as problem:
        raise forms.ValidationError(f"{problem.message} {problem.hint}") from problem


def _field_of(ask: Ask) -> forms.Field:
    if ask.typed in _DATES:
        return forms.DateField(
            label=ask.label,
            help_text=ask.hint,
            required=False,
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            input_formats=["%Y-%m-%d"],
            validators=[_a_year_of_ours],
        )
    return forms.CharField(label=ask.label, help_text=ask.hint, required=False, max_length=LONGEST)


def _a_year_of_ours(day: date) -> None:
    if not 1900 <= day.year < 2200:
        raise forms.ValidationError("Give a year between 1900 and 2199.")
