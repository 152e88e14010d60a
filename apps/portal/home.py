"""What the home page shows: one card a task, what needs somebody first, and the whole account in one bar."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from django.core.cache import cache

from apps.backups import selectors
from apps.backups.enums import DamagedState
from apps.backups.selectors.damage import damaged_counts
from apps.core import clock
from apps.core.sight import sight_key

from .cards import Card, card_of

# From here on the nights cost more than a page may: measured 0.5 s with 2,000 mailboxes and 120,000 runs.
LARGE = 500


@dataclass(frozen=True)
class HomePage:
    """The page's data. `counts` maps status words to entities over all tasks.

    `lost` counts the items that no backup can bring back any more.
    """

    cards: list[Card]
    counts: dict[str, int]
    lost: int = 0

    @property
    def sentence(self) -> str:
        """ "7 tasks. 3 need you, 1 is running." """
        total = len(self.cards)
        needing = sum(card.needs_somebody for card in self.cards)
        running = sum(card.status == selectors.Word.IN_PROGRESS for card in self.cards)
        parts = []
        if needing:
            parts.append(f"{needing} need{'s' if needing == 1 else ''} you")
        if running:
            parts.append(f"{running} {'is' if running == 1 else 'are'} running")
        state = ", ".join(parts) if parts else "None needs you"
        return f"{total} task{'' if total == 1 else 's'}. {state}."

    @property
    def size(self) -> int:
        """Bytes kept over all tasks."""
        return sum(card.task.size for card in self.cards)

    @property
    def entities(self) -> int:
        """Everything found over all tasks."""
        return sum(card.task.total for card in self.cards)

    @property
    def is_live(self) -> bool:
        """Whether something moves by itself, so that the page asks again soon."""
        moving = {selectors.Word.IN_PROGRESS, selectors.Word.PENDING}
        return any(card.task.is_discovering or moving & card.task.by_word.keys() for card in self.cards)


def home_page(account: UUID) -> HomePage:
    """Collect the cards of the account in force, what needs somebody first."""
    tasks = selectors.task_cards()
    nights = _nights(account, sum(task.total for task in tasks))
    page = page_of([card_of(task, nights.get(task.public_id, [])) for task in tasks])
    return replace(page, lost=damaged_counts().get(DamagedState.LOST, 0))


def _nights(account: UUID, entities: int) -> Mapping[UUID, list[str]]:
    """Count the last nights anew, but in a large account once a minute: an open page asks every 5 seconds."""
    if entities < LARGE:
        return selectors.nights_of_tasks(clock.now())
    key = f"portal:nights:{account}:{sight_key()}"
    kept: Mapping[UUID, list[str]] | None = cache.get(key)
    if kept is None:
        kept = selectors.nights_of_tasks(clock.now())
        cache.set(key, kept, timeout=60)
    return kept


def page_of(cards: list[Card]) -> HomePage:
    """Order the cards and count their entities by word, in the order of the vocabulary."""
    counts: dict[str, int] = {}
    for word in ORDER:
        number = sum(card.task.by_word.get(word, 0) for card in cards)
        if number:
            counts[str(word)] = number
    return HomePage(sorted(cards, key=lambda card: (not card.needs_somebody, card.task.name.lower())), counts)


ORDER = (
    selectors.Word.SUCCESS,
    selectors.Word.PARTIAL,
    selectors.Word.FAILED,
    selectors.Word.OVERDUE,
    *(word for word in selectors.Word if word not in ("success", "partial", "failed", "overdue")),
)
