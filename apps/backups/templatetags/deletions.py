"""`{% load deletions %}{% deletions task=task %}`: what is being deleted, with its countdown."""

from typing import Any

from django import template

from apps.core.permissions import Permission, allowed

from ..deletion.facts import held_of, open_deletions
from ..models import BackupTask, Entity

register = template.Library()


@register.inclusion_tag("backups/_deletions.html", takes_context=True)
def deletions(
    context: dict[str, Any], task: BackupTask | None = None, entity: Entity | None = None
) -> dict[str, Any]:
    """Of the account, a task, or the one that holds an entity."""
    found = [(each, held_of(each)) for each in open_deletions(task=task, entity=entity)]
    # The form's token is the page's: an inclusion tag has a context of its own.
    return {"found": found, "may": allowed(Permission.DELETE), "csrf_token": context.get("csrf_token")}
