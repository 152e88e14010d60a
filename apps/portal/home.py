"""What the home page shows: a card or row a task, what needs somebody first, and the whole account in a bar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.core.cache import cache

from apps.alerts.selectors import open_by_task
from apps.backups import selectors
from apps.backups.enums import DamagedState
from apps.backups.selectors import Nouns
from apps.backups.selectors.damage import damaged_counts
from apps.core import clock
from apps.core.sight import sight_key

from .cards import Card, card_of
from .wishes import Wishes

# From here on the nights cost more than a page may: measured 0.5 s with 2,000 mailboxes and 120,000 runs.
LARGE = 500
CARDS_A_PAGE = 24
ROWS_A_PAGE = 50
NO_WISHES = Wishes()


@dataclass(frozen=True)
class HomePage:
    """The page's data. `counts` maps status words to entities over all tasks; `shown` are this page's cards.

    `lost` counts the items that no backup can bring back any more.
    """

    cards: list[Card]
    counts: dict[str, int]
    wishes: Wishes = NO_WISHES
    matching: int = 0
    shown: Sequence[Card] = ()
    previous: str = ""
    next: str = ""
    lost: int = 0

    @property
    def sentence(self) -> str:
        """ "7 tasks. 3 need you, 1 is running." """
        total, needing = len(self.cards), self.needing
        running = sum(card.status == selectors.Word.IN_PROGRESS for card in self.cards)
        parts = []
        if needing:
            parts.append(f"{needing:,} need{'s' if needing == 1 else ''} you")
        if running:
            parts.append(f"{running:,} {'is' if running == 1 else 'are'} running")
        if alerts := sum(card.alerts for card in self.cards):
            parts.append(f"{alerts:,} alert{' is' if alerts == 1 else 's are'} open")
        state = ", ".join(parts) if parts else "None needs you"
        return f"{total:,} task{'' if total == 1 else 's'}. {state}."

    @property
    def needing(self) -> int:
        """Tasks that somebody should look after."""
        return sum(card.needs_somebody for card in self.cards)

    @property
    def shown_sentence(self) -> str:
        """ "24 of 200 shown", and how many the filter hides."""
        hidden = len(self.cards) - self.matching
        said = f"{len(self.shown):,} of {self.matching:,} shown"
        return f"{said}, {hidden:,} hidden by the filter" if hidden else said

    @property
    def services(self) -> list[tuple[str, str]]:
        """The services that there are tasks of, with their names."""
        found = {card.task.service: card.task.service_label for card in self.cards}
        return sorted(found.items(), key=lambda pair: pair[1])

    @property
    def words(self) -> list[selectors.Word]:
        """The words that a task may be filtered by: those there are, and the one that is asked for."""
        present = {card.status for card in self.cards} | {self.wishes.status}
        return [word for word in ORDER if word in present]

    @property
    def size(self) -> int:
        """Bytes kept over all tasks."""
        return sum(card.task.size for card in self.cards)

    @property
    def entities_words(self) -> str:
        """ "44 mailboxes, 7 sites": everything found over all tasks."""
        found: dict[Nouns, int] = {}
        for card in self.cards:
            found[card.task.nouns] = found.get(card.task.nouns, 0) + card.task.total
        return ", ".join(nouns.count(number) for nouns, number in found.items() if number)

    @property
    def is_live(self) -> bool:
        """Whether something moves by itself, so that the page asks again soon."""
        moving = {selectors.Word.IN_PROGRESS, selectors.Word.PENDING}
        return any(card.task.is_discovering or moving & card.task.by_word.keys() for card in self.cards)


def home_page(account: UUID, wishes: Wishes = NO_WISHES, *, rows: bool = False) -> HomePage:
    """Collect the cards of the account in force; only those of one page are drawn (`shown`)."""
    tasks = selectors.task_cards()
    alerts = open_by_task() if tasks else {}
    cards = [card_of(task, [], alerts.get(task.public_id, 0)) for task in tasks]
    page = page_of(cards, wishes, rows=rows)
    shown = page.shown if rows else _with_nights(account, page.shown, sum(task.total for task in tasks))
    return replace(page, shown=shown, lost=damaged_counts().get(DamagedState.LOST, 0))


def _with_nights(account: UUID, cards: Sequence[Card], entities: int) -> Sequence[Card]:
    """Add the last nights, which rows do not show and no order or filter asks for."""
    nights = _nights(account, [card.task.public_id for card in cards], entities)
    return [replace(card, nights=nights.get(card.task.public_id, [])) for card in cards]


def _nights(account: UUID, public_ids: list[UUID], entities: int) -> Mapping[UUID, list[str]]:
    """Count the last nights anew, but in a large account once a minute: an open page asks every 5 seconds."""
    if entities < LARGE:
        return selectors.nights_of_tasks(clock.now(), public_ids)
    key = f"portal:nights:{account}:{sight_key()}"
    kept: Mapping[UUID, list[str]] | None = cache.get(key)
    if kept is None:
        kept = selectors.nights_of_tasks(clock.now())
        cache.set(key, kept, timeout=60)
    return kept


def page_of(cards: list[Card], wishes: Wishes = NO_WISHES, *, rows: bool = False) -> HomePage:
    """Count the entities of all cards by word, and cut the page that was asked for.

    A card takes a millisecond to draw: two hundred of them made the page three times as slow as it may be.
    """
    counts: dict[str, int] = {}
    for word in ORDER:
        number = sum(card.task.by_word.get(word, 0) for card in cards)
        if number:
            counts[str(word)] = number
    fitting = wishes.sort([card for card in cards if wishes.fits(card)])
    keys = [str(card.task.public_id) for card in fitting]
    size = ROWS_A_PAGE if rows else CARDS_A_PAGE
    first = keys.index(wishes.start) if wishes.start in keys else 0
    return HomePage(
        cards=cards,
        counts=counts,
        wishes=wishes,
        matching=len(fitting),
        shown=fitting[first : first + size],
        previous=_address(wishes, keys[max(first - size, 0)]) if first else "",
        next=_address(wishes, keys[first + size]) if first + size < len(keys) else "",
    )


def _address(wishes: Wishes, start: str) -> str:
    return f"/{wishes.but(start=start).query}"


ORDER = (
    selectors.Word.SUCCESS,
    selectors.Word.PARTIAL,
    selectors.Word.FAILED,
    selectors.Word.OVERDUE,
    *(word for word in selectors.Word if word not in ("success", "partial", "failed", "overdue")),
)
