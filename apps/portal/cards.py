"""One backup task as a card of the home page: its facts, its one note, its buttons."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from apps.backups.selectors import TaskCard, Word, icon_of
from apps.core.permissions import Permission, allowed

NIGHT_WORDS = ("partial", "failed", "missed")


@dataclass(frozen=True)
class CardNote:
    """The one thing to know about a task, and the one way forward."""

    tone: str
    icon: str
    strong: str
    text: str
    url: str = ""
    words: str = ""


@dataclass(frozen=True)
class Card:
    """A task, the words of its last nights (oldest first), and what this person may do with it."""

    task: TaskCard
    nights: list[str]
    may_run: bool
    may_change: bool
    may_recover: bool
    may_delete: bool = False
    alerts: int = 0

    @property
    def icon(self) -> str:
        return icon_of(self.task.service)

    @cached_property
    def url(self) -> str:
        return reverse("task", args=[self.task.public_id])

    @property
    def recovery_url(self) -> str:
        """Where its mailboxes are opened, or "" as long as nothing is kept."""
        if not self.may_recover or self.task.last_snapshot_at is None:
            return ""
        return f"{reverse('recovery')}?task={self.task.public_id}"

    @property
    def can_run_now(self) -> bool:
        return bool(self.task.active) and self.task.is_connected

    @property
    def status_label(self) -> str:
        """Says more than the word where nothing is active (TSK-04) or the service is being looked through."""
        if self.task.is_discovering and not self.task.total:
            return f"Looking for {self.task.nouns.many}"
        if self.task.status == Word.NOT_ACTIVE and self.task.total:
            return f"0 of {self.task.total} activated"
        return ""

    @cached_property
    def status(self) -> str:
        looking = self.task.is_discovering and not self.task.total
        return str(Word.IN_PROGRESS if looking else self.task.status)

    @property
    def connection_sentence(self) -> str:
        return f"since {date_format(timezone.localtime(self.task.connection_since), 'j M, H:i')}"

    @property
    def nights_sentence(self) -> str:
        """ "12 of 14 complete, 2 partial": the strip in words."""
        count = Counter(self.nights)
        due = len(self.nights) - count["none"]
        if not due:
            return "No backup so far"
        rest = "".join(f", {count[word]} {word}" for word in NIGHT_WORDS if count[word])
        return f"{count['success']} of {due} complete{rest}"

    @property
    def entities_sentence(self) -> str:
        parts = [
            f"{number} {word}"
            for number, word in ((self.task.paused, "paused"), (self.task.archived, "archived"))
            if number
        ]
        return ", ".join(parts) or ("None paused" if self.task.active else "")

    @property
    def active_sentence(self) -> str:
        """ "8 of 12 mailboxes"."""
        return f"{self.task.active:,} of {self.task.nouns.count(self.task.total)}"

    @property
    def next_words(self) -> str:
        """Said instead of a time where there is none."""
        if not self.task.active:
            return "Not scheduled"
        if not self.task.is_connected:
            return "When connected"
        if self.task.status == Word.IN_PROGRESS:
            return "Running now"
        following = self.task.next_run_at
        return "When a worker is free" if following and following <= timezone.now() else ""

    @cached_property
    def note(self) -> CardNote | None:
        """The worst first; None when nobody has to do anything."""
        for make in (self._disconnected, self._not_listed, self._incomplete, self._nothing_active):
            note = make()
            if note is not None:
                return note
        return None

    def _disconnected(self) -> CardNote | None:
        if self.task.is_connected:
            return None
        strong = "The provider no longer accepts our sign-in."
        safe = "What is kept is safe and can be restored."
        way = f"{reverse('connection', args=[self.task.connection_id])}?next=/"
        url = way if self.may_change else ""
        return CardNote(
            "bad", "unplug", strong, f"{self.task.connection_reason} {safe}".strip(), url, "Connect again"
        )

    def _not_listed(self) -> CardNote | None:
        if not self.task.discovery_error:
            return None
        strong = f"The {self.task.nouns.many} could not be listed."
        return CardNote("part", "part", strong, self.task.discovery_error, self.url, "Open the task")

    def _incomplete(self) -> CardNote | None:
        for word, tone, icon, says in (
            (Word.FAILED, "bad", "bad", "could not be backed up."),
            (Word.OVERDUE, "part", "late", "should have been backed up by now."),
            (Word.PARTIAL, "part", "part", "not complete: what is missing is named."),
        ):
            number = self.task.by_word.get(word, 0)
            if number:
                strong = f"{self.task.nouns.count(number)} {_be(number, word)}{says}"
                earlier = "Earlier backups are still there." if word == Word.FAILED else ""
                url = f"{self.url}?status={word}"
                return CardNote(tone, icon, strong, earlier, url, "See which")
        return None

    def _nothing_active(self) -> CardNote | None:
        if not self.task.reminder:
            return None
        found = f"We found {self.task.nouns.count(self.task.total)}; choose the ones to protect."
        return CardNote(
            "", "info", "Nothing is backed up yet.", found, self.url, f"Choose {self.task.nouns.many}"
        )

    @property
    def needs_somebody(self) -> bool:
        return self.note is not None


def card_of(task: TaskCard, nights: list[str], alerts: int = 0) -> Card:
    """Put together what the page shows to the person who is acting."""
    return Card(
        task=task,
        nights=nights,
        alerts=alerts,
        may_run=allowed(Permission.EXECUTE),
        may_change=allowed(Permission.MODIFY),
        may_delete=allowed(Permission.DELETE),
        may_recover=any(
            allowed(right) for right in (Permission.PREVIEW, Permission.RESTORE, Permission.EXPORT)
        ),
    )


def _be(number: int, word: Word) -> str:
    if word != Word.PARTIAL:
        return ""
    return "is " if number == 1 else "are "
