"""Rules of a task: the list, one rule, what it did."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import ask_again
from apps.backups.access import task_for
from apps.backups.models import Entity
from apps.core import clock
from apps.core.errors import InvalidRequest
from apps.core.keyset import KeysetPage
from apps.core.permissions import Permission
from apps.core.sight import sees_everything
from apps.core.spreadsheet import csv_lines

from .. import deleting, selectors, services
from ..access import rule_for
from ..enums import Leaving, RuleKind, RuleState
from ..evaluate import read_list
from ..models import Rule
from ..plan import plan_of
from ..words import rule_words
from .context import activation_panel, uuids_of


@require_safe
@member_required(Permission.VIEW)
def page(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Ways to activate, and the rules of the task."""
    task = task_for(task_id)
    context = {**activation_panel(task), "rows": selectors.rules_of(task), "kinds": RuleKind}
    return render(request, "activation/rules.html", context)


@require_safe
@member_required(Permission.VIEW)
def rule(request: MemberRequest, rule_id: UUID) -> HttpResponse:
    """A rule in force with whom it holds; of a draft, what it would do."""
    found = rule_for(rule_id)
    context = {**activation_panel(found.task), "rule": found, "words": rule_words(found)}
    if found.state == RuleState.DRAFT:
        text = request.GET.get("q", "")[:100]
        review = selectors.review_of(found, text)
        asks = services.asks_about_all(found)
        context |= {"review": review, "text": text, "asks_about_all": asks}
        return render(request, "activation/review.html", context)
    shown = selectors.member_page(
        found, after=_place(request.GET, "after"), before=_place(request.GET, "before")
    )
    context |= {
        "page": shown,
        "look": selectors.look_of(found),
        "whole": sees_everything(),
        "asked_words": deleting.asked_words(found),
        **_pages("activation_rule", found, shown),
    }
    return render(request, "activation/rule.html", context)


@require_POST
@member_required(Permission.ACTIVATE)
def act(request: MemberRequest, rule_id: UUID) -> HttpResponse:
    """Pause, resume or remove a rule, or leave somebody out of it and take them in again."""
    found = rule_for(rule_id, Permission.ACTIVATE)
    action, _, only = request.POST.get("action", "").partition(":")
    who = list(Entity.objects.filter(task=found.task, public_id__in=uuids_of([only])))
    if action == "pause":
        services.pause(rule=found)
    elif action in ("resume", "allow") and found.leaving == Leaving.DELETE:
        return _with_proof(request, found, action)
    elif action == "resume":
        services.resume(rule=found)
    elif action == "leave_out":
        services.leave_out(rule=found, entities=who)
    elif action == "take_in":
        services.take_in(rule=found, entities=who)
    elif action == "remove":
        services.remove(rule=found)
        if found.state != RuleState.DRAFT:
            messages.info(request, f"The rule {found.name} is removed. Whom it activated goes on.")
        return redirect("activation", found.task.public_id)
    else:
        raise InvalidRequest("That is nothing that can be done to a rule.", do="Use the buttons of the page.")
    return redirect("activation_rule", found.public_id)


def _with_proof(request: MemberRequest, found: Rule, action: str) -> HttpResponse:
    if answer := ask_again(request):
        return answer
    if action == "resume":
        proposed = deleting.resume_deleting(rule=found)
    else:
        proposed = deleting.allow_deleting(rule=found, counted=request.POST.get("counted", ""))
    messages.info(request, "It takes effect within moments." if proposed.done else proposed.said)
    return redirect("activation_rule", found.public_id)


@require_safe
@member_required(Permission.VIEW)
def history(request: MemberRequest, rule_id: UUID) -> HttpResponse:
    """What a rule did to whom, and why."""
    found = rule_for(rule_id)
    shown = selectors.event_page(
        found, after=_place(request.GET, "after"), before=_place(request.GET, "before")
    )
    pages = _pages("activation_history", found, shown)
    context = {
        **activation_panel(found.task),
        "rule": found,
        "words": rule_words(found),
        "page": shown,
        **pages,
    }
    return render(request, "activation/history.html", context)


@require_safe
@member_required(Permission.VIEW)
def history_csv(request: MemberRequest, rule_id: UUID) -> StreamingHttpResponse:
    """The same as a file, all of it."""
    return _file("activation", csv_lines(selectors.EVENT_HEADER, selectors.event_rows(rule_for(rule_id))))


@require_safe
@member_required(Permission.VIEW)
def list_csv(request: MemberRequest, rule_id: UUID) -> StreamingHttpResponse:
    """Every line of the list that activates nobody: its number, what stood there, why."""
    found = rule_for(rule_id)
    rows = selectors.problems_of(found, plan_of(found, read_list(found, anew=False)))
    return _file("list-report", csv_lines(selectors.LIST_HEADER, rows))


def _file(name: str, lines: Iterable[str]) -> StreamingHttpResponse:
    file_name = f"everkeep-{name}-{clock.now():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


def _place(query: QueryDict, key: str) -> UUID | None:
    return next(iter(uuids_of([query.get(key, "")])), None)


def _pages(url_name: str, found: Rule, shown: KeysetPage[Any]) -> dict[str, str]:
    address = reverse(url_name, args=[found.public_id])
    return {
        "previous_url": f"{address}?before={shown.previous}" if shown.previous else "",
        "next_url": f"{address}?after={shown.following}" if shown.following else "",
        "sentence": f"{len(shown.items)} shown, newest first",
    }
