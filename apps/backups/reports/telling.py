"""News as letters: one of a task and kind, made when the burst is over, and not one after the other.

Whoever moves `NewsTold` on writes the letters and takes the news away, in one transaction: of two workers one
finds nothing to do, and a worker that dies has told nothing.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.sight import sees_limited, sight_key
from apps.notifications.letters import Letter
from apps.notifications.services import notify

from ..enums import EntityState, Topic
from ..models import BackupTask, News, NewsTold
from ..service_list import nouns_of

logger = logging.getLogger("everkeep.reports")
EXCEPTIONS: Final = (Topic.LOST, Topic.FAILED, Topic.PARTIAL, Topic.PAUSED, Topic.ARCHIVED, Topic.RULE)
DISCOVERY: Final = (Topic.FOUND, Topic.ACTIVATED, Topic.RETURNED, Topic.GONE)
KINDS: Final = {"exceptions": EXCEPTIONS, "discovery": DISCOVERY}
PAUSES: Final = {"exceptions": timedelta(hours=3), "discovery": timedelta(days=1)}
"""Between two letters of a kind about one task. A lost connection does not wait."""
BURST: Final = timedelta(minutes=10)
NAMED: Final = 20


@dataclass(slots=True)
class Part:
    """All news of one topic, as one reader sees them. `words` are the first of `reasons` that name nobody."""

    topic: Topic
    number: int = 0
    named: list[tuple[str, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    reasons: int = 0

    @property
    def label(self) -> str:
        return str(self.topic.label)

    @property
    def more(self) -> int:
        return max(0, self.number - len(self.named))

    @property
    def more_words(self) -> int:
        return self.reasons - len(self.words)


def tasks_with_news() -> list[tuple[int, int]]:
    """(account, task) of what is to be told, in the operator's scope."""
    rows = News.objects.order_by().values_list("account_id", "task_id").distinct()
    return list(rows)


def tell(task_id: int) -> int:
    """Tell what is to be told of a task by now, each kind to its recipients; returns how many letters."""
    task = BackupTask.objects.filter(pk=task_id).first()
    return sum(_tell_kind(task, kind) for kind in KINDS) if task else 0


@transaction.atomic
def _tell_kind(task: BackupTask, kind: str) -> int:
    now, waiting = clock.now(), News.objects.filter(task=task, topic__in=KINDS[kind])
    # The letter may come a day after somebody was found: who was activated meanwhile does not wait any more.
    found = waiting.filter(topic=Topic.FOUND, entity__isnull=False)
    found.exclude(entity__state=EntityState.NOT_ACTIVE).delete()
    oldest = waiting.aggregate(at=Min("at"))["at"]
    if oldest is None:
        return 0
    fresh = NewsTold(account_id=task.account_id, task=task, kind=kind)
    NewsTold.objects.bulk_create([fresh], ignore_conflicts=True)
    told = NewsTold.objects.get(task=task, kind=kind)
    lost = waiting.filter(topic=Topic.LOST).exists()
    if not lost and not _is_time(told, kind, oldest, now):
        return 0
    if not NewsTold.objects.filter(pk=told.pk, at=told.at).update(at=now):
        return 0
    waiting.update(taken=True)  # what comes meanwhile is told by the next letter
    letters = notify(kind, _letters(task, kind))
    waiting.filter(taken=True).delete()
    return letters


def _is_time(told: NewsTold, kind: str, oldest: datetime, now: datetime) -> bool:
    rested = told.at is None or now - told.at >= PAUSES[kind]
    return rested and now - oldest >= BURST


def _letters(task: BackupTask, kind: str) -> Callable[[], Letter | None]:
    """What writes the letter to each reader in their sight, made once for all who see the same."""
    made: dict[str, Letter | None] = {}

    def letter() -> Letter | None:
        key = sight_key()
        if key not in made:
            made[key] = letter_of(task, kind)
        return made[key]

    return letter


def letter_of(task: BackupTask, kind: str) -> Letter | None:
    """The letter to the actor in force about what is taken; None where they see nothing of it."""
    parts = parts_of(News.objects.filter(task=task, taken=True), KINDS[kind])
    if not parts:
        return None
    return Letter(
        f"backup_{kind}",
        {
            "task": task,
            "parts": parts,
            "first": parts[0],
            "counted": nouns_of(task.service).count(parts[0].number),
            "many": nouns_of(task.service).many,
        },
        link=reverse("task", args=[task.public_id]),
        link_words=_("Open the backup task"),
        facts={"task": str(task.public_id), "name": task.name, "news": [_facts(part) for part in parts]},
        service=task.service,
        task_id=task.public_id,
    )


def parts_of(rows: "QuerySet[News]", topics: Sequence[Topic]) -> list[Part]:
    """News by topic, the gravest first; of each the first by name. Thousands of rows are counted, not read."""
    of_many = Q(entity=None)
    numbers = rows.order_by().values("topic").annotate(
        singly=Count("entity"),
        many=Sum("count", filter=of_many, default=0),
        limited=Sum("limited", filter=of_many, default=0),
        reasons=Count("words", filter=of_many & ~Q(words=""), distinct=True),
    )  # fmt: skip
    parts = []
    for each in sorted(numbers, key=lambda row: topics.index(Topic(row["topic"]))):
        number = each["singly"] + each["many"] - (0 if sees_limited() else each["limited"])
        if number:
            own = rows.filter(topic=each["topic"])
            named = own.filter(entity__isnull=False).order_by("pk").values_list("entity__name", "words")
            said = own.filter(of_many).exclude(words="").values("words").annotate(first=Min("pk"))
            words = [row["words"] for row in said.order_by("first")[:NAMED]]
            parts.append(Part(Topic(each["topic"]), number, list(named[:NAMED]), words, each["reasons"]))
    return parts


def _facts(part: Part) -> dict[str, Any]:
    return {
        "topic": part.topic.value,
        "count": part.number,
        "names": [name for name, _words in part.named],
        "reasons": part.words,
    }
