"""What the pages of search show: results with their lives, what they can be narrowed to, months."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from apps.backups.models import Entity
from apps.backups.selectors.lives import Lived, lives_of
from apps.core.errors import InvalidRequest
from apps.core.permissions import Permission, allowed

from . import selectors
from .asked import ATTACHED, GONE, KIND, LIFE, MAILBOX, THERE, YEAR, Asked
from .index.engine import Total
from .kinds import Kind, kind_of
from .language.tree import Query
from .lifelines import LifeLine, life_line
from .marking import Marks, Piece, marked, marks_of
from .names import look_up
from .results import FacetCounts, Row
from .rights import may_look_inside, scope_of, within_rights
from .shown import Shown
from .timeline import Timeline, timeline_of

PAGE = 25
_ADDRESS = re.compile(r"(?<=\w)\"? <[^<>@\s]+@[^<>\s]+>")
OPTIONS = 12
ALL_LIMIT = 10_000
"""As many as can be selected one by one (`recovery.services.SELECTION_LIMIT`)."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One item that was found. `value` names it in forms: backup and item, as recovery knows them."""

    lived: Lived
    kind: Kind
    name: list[Piece]
    plain_name: str
    people: str
    life: LifeLine
    preview_url: str
    life_url: str

    @property
    def value(self) -> str:
        return f"{self.lived.snapshot.public_id}:{self.lived.node.key}"

    @property
    def place(self) -> str:
        """Where its excerpt goes."""
        return f"excerpt-{self.lived.snapshot.public_id.hex}-{self.lived.node.key}"

    @property
    def where(self) -> str:
        entity = self.lived.entity
        return " / ".join(filter(None, (entity.task.name, entity.name, self.lived.folder)))


@dataclass(frozen=True, slots=True)
class Option:
    """One box of the narrowing."""

    name: str
    value: str
    words: str
    count: int
    checked: bool


@dataclass(frozen=True, slots=True)
class Group:
    """`left_out` is how many further options with hits are not shown."""

    title: str
    options: list[Option]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Searched:
    """A question with the actor's rights in it: everything is asked through this."""

    account_id: int
    asked: Asked
    words: Query
    scope: Query

    def query(self, without: str = "") -> Query:
        return self.asked.narrowed(self.words, without)

    def facets(self, without: str = "") -> FacetCounts:
        return selectors.facets(self.account_id, self.query(without), scope=self.scope)

    def page(self, after: str | None, limit: int) -> tuple[list[Lived], str | None]:
        """Return results with their lives, and where the next page begins."""
        found = selectors.search(
            self.account_id, self.query(), scope=self.scope, sort=self.asked.order, after=after, limit=limit
        )
        return list(_lived(self.account_id, found.rows)), found.next

    def everything(self, limit: int) -> Iterator[list[Lived]]:
        """Yield all results page by page, `limit` at most."""
        after: str | None = None
        while limit > 0:
            lived, after = self.page(after, min(limit, 200))
            yield lived
            limit -= 200
            if after is None:
                return


@dataclass(frozen=True, slots=True)
class ResultsPage:
    """Without counts and months when it goes on below a page that has them."""

    asked: Asked
    hits: list[Hit]
    next_url: str
    excerpts_url: str
    total: Total
    groups: list[Group]
    timeline: Timeline | None

    @property
    def may_take_all(self) -> bool:
        return 0 < self.total.number <= ALL_LIMIT


def searched(account_id: int, asked: Asked) -> Searched:
    """Put what was asked and the actor's rights together. Raises QueryProblem, PermissionMissing."""
    scope = scope_of()
    return Searched(account_id, asked, look_up(within_rights(asked.words())), scope)


def results_page(found: Searched, after: str = "", *, goes_on: bool = False) -> ResultsPage:
    """Read one page of results, with counts and months unless it `goes_on` below one that has them."""
    asked = found.asked
    lived, following = found.page(after or None, PAGE)
    marks = marks_of(found.words)
    hits = [_hit(each, marks) for each in lived]
    counts = None if goes_on else found.facets()
    return ResultsPage(
        asked=asked,
        hits=hits,
        next_url=asked.url(extra={"after": following}) if following else "",
        excerpts_url=_excerpts_url(asked, hits) if may_look_inside() else "",
        total=Total(counts.total, counts.is_exact) if counts else Total(0),
        groups=_groups(found, counts) if counts else [],
        timeline=timeline_of(counts.months, found.asked) if counts else None,
    )


def _lived(account_id: int, rows: Iterable[Row]) -> Iterator[Lived]:
    wanted = [(row.entity_id, row.sub_service, row.node.id) for row in rows]
    lives = lives_of(account_id, wanted)
    return (lives[pk] for _, _, pk in wanted if pk in lives)


def _hit(lived: Lived, marks: Marks) -> Hit:
    kind, node = kind_of(lived.sub_service), lived.node
    address = [lived.snapshot.public_id, node.key]
    name = node.name or kind.unnamed
    return Hit(
        lived=lived,
        kind=kind,
        name=marked(name, marks),
        plain_name=name,
        people=_people(lived),
        life=life_line(lived),
        preview_url=reverse("recovery_item", args=address) if allowed(Permission.PREVIEW) else "",
        life_url=reverse("recovery_life", args=address),
    )


def _people(lived: Lived) -> str:
    author, recipients = _named(lived.node.author), _named(lived.node.recipients)
    if len(recipients) > 80:
        recipients = f"{recipients[:80].rsplit(' ', 1)[0]}…"
    return f"{author} to {recipients}" if author and recipients else author or recipients


def _excerpts_url(asked: Asked, hits: list[Hit]) -> str:
    """What stands inside is read after the list is there, for the items of this page alone."""
    if not asked.text or not hits:
        return ""
    shown = Shown(asked.text, " ".join(hit.value for hit in hits))
    return reverse("search_excerpts", query={"page": shown.signed()})


def _named(people: str) -> str:
    """Leave out the address of who has a name: the item itself shows both."""
    return _ADDRESS.sub("", people).strip()


def _groups(found: Searched, counts: FacetCounts) -> list[Group]:
    """Return what the results can be narrowed to.

    A group that is narrowed already counts without itself, or nothing else could be added to it.
    """
    asked = found.asked

    def of(group: str, narrowed: object) -> FacetCounts:
        return found.facets(group) if narrowed else counts

    life, attached = of(LIFE, asked.life), of(ATTACHED, asked.attached)
    kinds, years = of(KIND, asked.kinds).kinds, of(YEAR, asked.years).years
    groups = [
        Group("Life of the item", _lives(asked, life)),
        Group(
            "Kind",
            [
                Option(KIND, kind, kind_of(kind).label, count, kind in asked.kinds)
                for kind, count in sorted(kinds.items(), key=lambda pair: -pair[1])
            ],
        ),
        _mailboxes(asked, of(MAILBOX, asked.mailboxes).entities),
        _first_ones(
            "Year",
            [
                Option(YEAR, str(year), str(year), count, year in asked.years)
                for year, count in sorted(years.items(), reverse=True)
            ],
        ),
        Group("Attachments", [Option(ATTACHED, "yes", "With attachments", attached.attached, asked.attached)]),
    ]
    shown = (Group(g.title, [o for o in g.options if o.count or o.checked], g.left_out) for g in groups)
    return [group for group in shown if group.options]


def _lives(asked: Asked, counts: FacetCounts) -> list[Option]:
    there = counts.total - counts.deleted
    return [
        Option(LIFE, GONE, "Deleted since", counts.deleted, asked.life == GONE),
        Option(LIFE, THERE, "Still there", there, asked.life == THERE),
    ]


def _mailboxes(asked: Asked, counts: Any) -> Group:
    """Names are asked of what the actor sees: the index's own list is never shown as it is."""
    busiest = sorted(counts, key=lambda pk: (-counts[pk], pk))[: OPTIONS * 4]
    named = {entity.pk: entity for entity in Entity.objects.filter(pk__in=busiest)}
    chosen = Entity.objects.filter(public_id__in=asked.mailboxes) if asked.mailboxes else ()
    named |= {entity.pk: entity for entity in chosen}
    options = [
        Option(MAILBOX, str(e.public_id), e.name, counts.get(e.pk, 0), e.public_id in asked.mailboxes)
        for e in sorted(named.values(), key=lambda entity: (-counts.get(entity.pk, 0), entity.name))
    ]
    return _first_ones("Mailbox", options, len(counts) - len(named))


def _first_ones(title: str, options: list[Option], unnamed: int = 0) -> Group:
    shown = [option for place, option in enumerate(options) if place < OPTIONS or option.checked]
    return Group(title, shown, len(options) - len(shown) + max(unnamed, 0))


def all_of(found: Searched) -> list[Lived]:
    """Return all results, for one selection. Raises InvalidRequest when they are more than ALL_LIMIT."""
    total = selectors.count(found.account_id, found.query(), scope=found.scope)
    taken: list[Lived] = []
    if total.number <= ALL_LIMIT:
        taken = [lived for page in found.everything(ALL_LIMIT + 1) for lived in page]
    if max(total.number, len(taken)) > ALL_LIMIT:
        raise InvalidRequest(
            f"{total.words.capitalize()} were found, and no more than {ALL_LIMIT:,} can be taken at once.",
            do="Narrow the search down, or take whole folders from the mailbox's recovery page.",
        )
    return taken
