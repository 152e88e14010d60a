"""Tags: the account's list of them, and putting them on mailboxes."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import is_fresh
from apps.core.errors import Conflict, InvalidRequest
from apps.core.permissions import Permission, allowed, require

from .. import selectors
from ..access import tag_for, task_for
from ..services.actions import ACTIONS
from ..services.tag_rules import tags_keep_less
from ..services.tags import tag_create, tag_delete, tag_rename, tags_change
from .choices import Choice, confirm_context
from .context import rights

BOTH = "A tag was to be put on and taken off. Nothing was changed."
PROVE = "These tags make us keep less. Nothing was changed yet: prove that it is you, then change them again."
CHANGED = "The list has changed meanwhile. Nothing was changed yet: look at the number, and apply again."


@require_safe
@member_required(Permission.MODIFY)
def page(request: MemberRequest) -> HttpResponse:
    """Every tag of the account, with how many mailboxes have it."""
    counts = selectors.tag_counts()
    context = {
        "tags": [(tag, counts.get(tag.pk, 0)) for tag in selectors.tag_list()],
        "area": "home",
        "crumbs": [{"words": "Home", "url": reverse("home")}, {"words": "Tags", "url": ""}],
    }
    return render(request, "backups/tags.html", context)


@require_POST
@member_required(Permission.MODIFY)
def create(request: MemberRequest) -> HttpResponse:
    """Make a tag that nothing has yet."""
    try:
        tag = tag_create(name=request.POST.get("name", ""))
        messages.info(request, f"Tag {tag.name} created.")
    except (Conflict, InvalidRequest) as error:
        messages.error(request, str(error))
    return redirect("tags")


@require_POST
@member_required(Permission.MODIFY)
def change(request: MemberRequest, tag_id: UUID) -> HttpResponse:
    """Rename a tag, or delete it."""
    tag = tag_for(tag_id, Permission.MODIFY)
    try:
        if request.POST.get("action") == "delete":
            tag_delete(tag=tag)
            messages.info(request, f"Tag {tag.name} deleted.")
        else:
            tag_rename(tag=tag, name=request.POST.get("name", ""))
            messages.info(request, f"The tag is called {tag.name} now.")
    except (Conflict, InvalidRequest) as error:
        messages.error(request, str(error))
    return redirect("tags")


def ask(request: MemberRequest, choice: Choice) -> HttpResponse:
    """Show all tags, ticked as the chosen mailboxes have them."""
    return render(request, "backups/tag_choice.html", _choice_context(choice))


@require_POST
@member_required(Permission.MODIFY)
def apply(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Put ticked tags on the chosen mailboxes, take unticked ones off; limiting is asked for once more."""
    choice = Choice.of(task_for(task_id, Permission.MODIFY), request)
    on, off = _wishes(request)
    limiting = _limiting(choice, on, off)
    if limiting:
        require(ACTIONS[limiting].permission)
    if on & off or not choice.is_as_counted:
        messages.error(request, BOTH if on & off else CHANGED)
        return ask(request, choice)
    put, taken = list(selectors.tag_by_key(on)), list(selectors.tag_by_key(off))
    ids = list(choice.entities.values_list("pk", flat=True))
    if tags_keep_less(task=choice.task, entity_ids=ids, on=put, off=taken) and not is_fresh(request):
        messages.info(request, PROVE)
        return redirect(f"{reverse('sudo')}?{urlencode({'next': choice.url})}")
    try:
        said = tags_change(
            task=choice.task,
            entities=choice.entities,
            on=put,
            off=taken,
            new=request.POST.get("new", ""),
        )
    except (Conflict, InvalidRequest) as error:
        messages.error(request, str(error))
        return ask(request, choice)
    if said or not limiting:
        messages.info(request, " ".join(said) or "Nothing was changed.")
    if limiting:
        return render(request, "backups/confirm_act.html", confirm_context(choice, limiting))
    return redirect(choice.url)


def _choice_context(choice: Choice) -> dict[str, Any]:
    entities, count = choice.entities, choice.count
    tags = selectors.tag_choices(entities, count)
    if allowed(Permission.LIMITED_ACCESS):
        limited = entities.filter(limited=True).count()
        tags.insert(0, selectors.TagChoice(selectors.LIMITED, "Limited access", limited, count))
    return {**choice.context("Tags"), "tags": tags, "can": rights()}


def _wishes(request: MemberRequest) -> tuple[set[str], set[str]]:
    """What to put on and what to take off: a box that stood ticked and is not any more means off."""
    ticked, off = set(request.POST.getlist("on")), set(request.POST.getlist("off"))
    return ticked, off | (set(request.POST.getlist("was")) - ticked)


def _limiting(choice: Choice, on: set[str], off: set[str]) -> str:
    """The act that the built-in tag asks for, "" when it stays as it is."""
    if selectors.LIMITED in on and choice.entities.filter(limited=False).exists():
        return "limit"
    if selectors.LIMITED in off and choice.entities.filter(limited=True).exists():
        return "unlimit"
    return ""
