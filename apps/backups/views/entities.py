"""The page of one mailbox, and of one of its runs."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.connectors.services import unreachable_of
from apps.core import clock
from apps.core.permissions import Permission, may_name_contents

from .. import selectors
from ..access import entity_for, run_for
from ..entity_facts import facts_of
from ..enums import IssueKind, Precedence
from ..models import Entity
from ..services.actions import ACTIONS, act_on
from .context import rights


@require_safe
@member_required(Permission.VIEW)
def page(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """Facts, thirty days, what is covered, and the runs; the bars alone when other days are asked for."""
    entity = entity_for(entity_id)
    if request.headers.get("HX-Target") == "days-chart":
        return render(request, "backups/_chart_days.html", _days(entity, request.GET))
    gaps = list(selectors.gaps_of(entity))
    context = {
        **_head(entity),
        **_days(entity, request.GET),
        "facts": facts_of(entity),
        "orders": _orders(entity),
        "names": may_name_contents(),
        "gaps": gaps,
        "may_choose": not all(gap.by_default for gap in gaps),
        "beyond": unreachable_of(entity.kind),
        "left_out": selectors.excluded_of(entity),
        "coverage": selectors.last_coverage(entity),
        **_runs(entity, request.GET),
    }
    return render(request, "backups/entity.html", context)


@require_safe
@member_required(Permission.VIEW)
def live(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """Status and progress; the page is loaded anew once a run has ended."""
    context = _head(entity_for(entity_id))
    response = render(request, "backups/_entity_live.html", context)
    if not context["live"]:
        response["HX-Refresh"] = "true"
    return response


@require_POST
@member_required(Permission.VIEW)
def act(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """Do one thing to this mailbox."""
    entity = entity_for(entity_id)
    chosen = Entity.objects.filter(pk=entity.pk)
    messages.info(request, act_on(task=entity.task, action=request.POST.get("action", ""), entities=chosen))
    return redirect("entity", entity_id)


@require_safe
@member_required(Permission.VIEW)
def run(request: MemberRequest, run_id: UUID) -> HttpResponse:
    """What a run did, and every item that it did not store with its cause."""
    found = run_for(run_id)
    after = request.GET.get("after", "")
    kind = IssueKind.SKIPPED if request.GET.get("kind") == IssueKind.SKIPPED else IssueKind.FAILED
    start = int(after) if after.isdecimal() and len(after) < 19 else 0
    parts = [
        (each, selectors.issue_page(found, each, start if each == kind else 0))
        for each in (IssueKind.FAILED, IssueKind.SKIPPED)
    ]
    context = {
        **_head(found.entity),
        "run": found,
        "parts": parts,
        "names": may_name_contents(),
        "took": selectors.took_words(found),
    }
    context["crumbs"][-1]["url"] = reverse("entity", args=[found.entity.public_id])
    context["crumbs"].append({"words": "Run", "url": ""})
    return render(request, "backups/run.html", context)


def _orders(entity: Entity) -> list[tuple[str, str, bool]]:
    """What may be chosen for when many are due: verb, words, whether it is so."""
    verbs = {"first": Precedence.FIRST, "in_turn": Precedence.USUAL, "last": Precedence.LAST}
    return [(verb, ACTIONS[verb].label, entity.precedence == each) for verb, each in verbs.items()]


def _head(entity: Entity) -> dict[str, Any]:
    task = entity.task
    word = selectors.word_of(entity, clock.now())
    running = selectors.running_run(entity) if word is selectors.Word.IN_PROGRESS else None
    return {
        "entity": entity,
        "tags": selectors.tags_of([entity.pk]).get(entity.pk, []),
        "task": task,
        "word": word,
        "running": running,
        "progress": selectors.progress_words(running) if running else "",
        "live": word in selectors.LIVE,
        "is_sample": selectors.is_sample(task.connection),
        "can": rights(),
        "area": "home",
        "crumbs": [
            {"words": "Home", "url": reverse("home")},
            {"words": task.name, "url": reverse("task", args=[task.public_id])},
            {"words": entity.name, "url": ""},
        ],
    }


def _days(entity: Entity, query: QueryDict) -> dict[str, Any]:
    """The bars of the days that the sliders leave, whichever of them is pushed past the other."""
    days = selectors.days_of(entity)
    newest = len(days) - 1
    first, last = sorted((_place(query.get("first"), 0, newest), _place(query.get("last"), newest, newest)))
    shown = days[first : last + 1]
    place = {"first": first, "last": last, "last_possible": newest, "end": shown[-1].date}
    return {"days": shown, "chart": selectors.chart_of(shown), "range": place}


def _place(text: str | None, otherwise: int, newest: int) -> int:
    return min(int(text), newest) if text and text.isdecimal() and len(text) < 4 else otherwise


def _runs(entity: Entity, query: QueryDict) -> dict[str, Any]:
    page = selectors.run_page(
        entity, before=selectors.uuid_of(query.get("before")), after=selectors.uuid_of(query.get("after"))
    )
    address = reverse("entity", args=[entity.public_id])
    return {
        "runs": [(each, selectors.took_words(each)) for each in page.items],
        "runs_previous_url": f"{address}?before={page.previous}#runs" if page.previous else "",
        "runs_next_url": f"{address}?after={page.following}#runs" if page.following else "",
    }
