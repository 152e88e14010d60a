"""What a search page was asked: the words, what they are narrowed to, the order. Lives in the address alone."""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from apps.backups.models import Entity
from apps.connectors.enums import SubService
from apps.core import clock
from apps.core.typed import typed

from .index.engine import Order
from .language.parsing import parse
from .language.tree import (
    All,
    Attached,
    Column,
    Deleted,
    Everything,
    Ids,
    Kept,
    Kind,
    Not,
    Query,
    Some,
    Times,
)

TEXT_LIMIT = 1_000
YEARS = range(1970, 2200)
ORDERS = ((Order.RELEVANCE, "Best match"), (Order.NEWEST, "Newest first"), (Order.OLDEST, "Oldest first"))
# What each group of the narrowing is called in the address.
KIND, MAILBOX, YEAR, ATTACHED, LIFE = "kind", "mailbox", "year", "attached", "life"
GONE, THERE = "deleted", "there"


@dataclass(frozen=True, slots=True)
class Asked:
    """`mailboxes` are public ids, `life` GONE, THERE or "", `day` looks at the backups of that day alone."""

    text: str = ""
    kinds: tuple[str, ...] = ()
    mailboxes: tuple[UUID, ...] = ()
    years: tuple[int, ...] = ()
    attached: bool = False
    life: str = ""
    day: date | None = None
    month: str = ""
    sort: str = ""

    @classmethod
    def of(cls, data: QueryDict) -> Self:
        """Read an address or a form; what makes no sense is left out."""
        years = {int(year) for year in data.getlist(YEAR)[:200] if re.fullmatch(r"[12]\d{3}", year)}
        month = data.get("month", "")
        lives = [life for life in (GONE, THERE) if life in data.getlist(LIFE)]
        return cls(
            text=typed(data, most=TEXT_LIMIT),
            kinds=tuple(kind for kind in SubService.values if kind in data.getlist(KIND)),
            mailboxes=tuple(dict.fromkeys(filter(None, map(_uuid, data.getlist(MAILBOX)[:200])))),
            years=tuple(sorted(years & set(YEARS))),
            attached=data.get(ATTACHED) == "yes",
            life=lives[0] if len(lives) == 1 else "",
            day=_day(data.get("day", "")),
            month=month if _month_span(month) else "",
            sort=data.get("sort", "") if data.get("sort") in set(map(str, Order)) else "",
        )

    @property
    def is_narrowed(self) -> bool:
        return replace(self, text="", sort="") != Asked()

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was asked at all."""
        return not self.text and not self.is_narrowed

    @property
    def order(self) -> Order:
        """Without words nothing matches better than anything else: the newest comes first."""
        if self.sort:
            return Order(self.sort)
        return Order.RELEVANCE if self.text else Order.NEWEST

    def words(self) -> Query:
        """Return what was typed as a query. Raises QueryProblem."""
        if not self.text:
            return Everything()
        return parse(self.text, now=clock.now(), zone=timezone.get_current_timezone())

    def narrowed(self, words: Query, without: str = "") -> Query:
        """Return the words and what they are narrowed to; `without` one of the groups, for its own counts."""
        parts: list[Query] = [words]
        if self.kinds and without != KIND:
            parts.append(Some(tuple(Kind(kind) for kind in self.kinds)))
        if self.mailboxes and without != MAILBOX:
            parts.append(Ids(Column.ENTITY, frozenset(_entity_ids(self.mailboxes))))
        if self.years and without != YEAR:
            parts.append(Some(tuple(Times(*_year_span(year)) for year in self.years)))
        if self.attached and without != ATTACHED:
            parts.append(Attached())
        if self.life and without != LIFE:
            parts.append(Deleted() if self.life == GONE else Not(Deleted()))
        if self.day:
            parts.append(Kept(_midnight(self.day + timedelta(days=1)) - timedelta(microseconds=1)))
        if self.month and (span := _month_span(self.month)):
            parts.append(Times(*span))
        return All(tuple(parts)) if len(parts) > 1 else words

    @property
    def month_words(self) -> str:
        return f"{date.fromisoformat(f'{self.month}-01'):%B %Y}" if self.month else ""

    @property
    def plain_url(self) -> str:
        """The same words over everything."""
        return Asked(text=self.text, sort=self.sort).url()

    @property
    def csv_url(self) -> str:
        return self.url("search_csv")

    @property
    def save_url(self) -> str:
        return self.url("search_saved")

    def pairs(self, **changes: Any) -> list[tuple[str, str]]:
        """Return what stands in the address; `changes` are fields of this class."""
        asked = replace(self, **changes) if changes else self
        pairs = [("q", asked.text)] if asked.text else []
        pairs += [(KIND, kind) for kind in asked.kinds]
        pairs += [(MAILBOX, str(public_id)) for public_id in asked.mailboxes]
        pairs += [(YEAR, str(year)) for year in asked.years]
        pairs += [(ATTACHED, "yes")] if asked.attached else []
        pairs += [(LIFE, asked.life)] if asked.life else []
        pairs += [("day", asked.day.isoformat())] if asked.day else []
        pairs += [("month", asked.month)] if asked.month else []
        pairs += [("sort", asked.sort)] if asked.sort else []
        return pairs

    def url(self, name: str = "search", extra: dict[str, str] | None = None, **changes: Any) -> str:
        """Return an address that asks this."""
        pairs = self.pairs(**changes) + list((extra or {}).items())
        return reverse(name) + (f"?{urlencode(pairs)}" if pairs else "")


def _entity_ids(public_ids: tuple[UUID, ...]) -> list[int]:
    """Of those that the actor sees: another's id finds nothing, as one that is not there does."""
    return list(Entity.objects.filter(public_id__in=public_ids).values_list("pk", flat=True))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in YEARS else None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def _year_span(year: int) -> tuple[datetime, datetime]:
    return _midnight(date(year, 1, 1)), _midnight(date(year + 1, 1, 1))


def _month_span(text: str) -> tuple[datetime, datetime] | None:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        return None
    first = date.fromisoformat(f"{text}-01")
    if first.year not in YEARS:
        return None
    return _midnight(first), _midnight((first + timedelta(days=32)).replace(day=1))
