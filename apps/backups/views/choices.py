"""What a form of a task's list asks for: one verb, and the rows it is for."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from .. import selectors
from ..models import BackupTask, Entity
from ..selectors.elsewhere import twice
from ..services.actions import ACTIONS, ASKED_TWICE

NAMED = 20
TAGS = "tags"
SWITCHED_ON = ("activate", "resume")


@dataclass(frozen=True)
class Choice:
    """One row (`one` = "action:id"), the ticked rows, or all that the filter of the address lets through."""

    task: BackupTask
    action: str
    ids: list[str]
    all_matching: bool
    filters: selectors.Filters
    query: str
    sure: bool
    counted: str
    back: str

    @classmethod
    def of(cls, task: BackupTask, request: HttpRequest) -> "Choice":
        action, _, only = request.POST.get("one", "").partition(":")
        return cls(
            task=task,
            action=action or request.POST.get("action", ""),
            ids=[only] if only else request.POST.getlist("entity"),
            all_matching=not only and "all_matching" in request.POST,
            filters=selectors.Filters.from_query(request.GET),
            query=request.GET.urlencode(),
            sure=request.POST.get("sure") == "yes",
            counted=request.POST.get("counted", ""),
            back=request.POST.get("back", ""),
        )

    @property
    def entities(self) -> QuerySet[Entity]:
        if self.all_matching:
            return selectors.matching_surely(self.task, self.filters)
        return selectors.chosen(self.task, self.ids)

    @cached_property
    def count(self) -> int:
        return self.entities.count()

    @cached_property
    def twice(self) -> int:
        """How many of them another task backs up already."""
        return twice(self.task, self.entities).count() if self.action in SWITCHED_ON else 0

    @property
    def is_out_of_sight(self) -> bool:
        """Tell whether it touches more than the page shows."""
        return self.all_matching and self.count > selectors.PAGE_SIZE

    @property
    def is_as_counted(self) -> bool:
        """Tell whether the number that was said to the person still holds."""
        if not self.all_matching:
            return True
        return self.counted == str(self.count) if self.counted else not self.is_out_of_sight

    @property
    def asks_again(self) -> bool:
        """Tell whether to ask before it is done: always for ASKED_TWICE, else for what is unseen or twice."""
        if self.action not in ACTIONS:
            return False
        if not self.sure:
            return self.action in ASKED_TWICE or self.is_out_of_sight or bool(self.twice)
        return not self.is_as_counted

    @property
    def url(self) -> str:
        """Where the person came from: the page of the one entity, or the list as it was filtered."""
        if self.back == "entity" and len(self.ids) == 1 and self.entities.exists():
            return reverse("entity", args=[self.ids[0]])
        address = reverse("task", args=[self.task.public_id])
        return f"{address}?{self.query}" if self.query else address

    def context(self, crumb: str) -> dict[str, Any]:
        """What every page needs that asks something about the choice, and hands it on."""
        return {
            "task": self.task,
            "choice": self,
            "count": self.count,
            "names": list(self.entities.order_by("name").values_list("name", flat=True)[:NAMED]),
            "nouns": selectors.nouns_of(self.task.service),
            "area": "home",
            "crumbs": [
                {"words": "Home", "url": reverse("home")},
                {"words": self.task.name, "url": reverse("task", args=[self.task.public_id])},
                {"words": crumb, "url": ""},
            ],
        }


def confirm_context(choice: Choice, action: str) -> dict[str, Any]:
    """The question before something is done that others notice, or that reaches beyond the page."""
    verb = ACTIONS[action]
    return {**choice.context(verb.label), "action": action, "verb": verb}
