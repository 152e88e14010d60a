"""Whom a proposal may name mailboxes to: who would read the same words with their own rights."""

from dataclasses import replace

from django.db.models import Q

from apps.activity.registry import services
from apps.core.actor import acting_as, current_actor
from apps.core.errors import EverkeepError
from apps.core.permissions import Permission
from apps.core.sight import seen_services, sees_limited, serves

from ..enums import Role
from ..models import Approval, Membership
from ..selectors import actor_of
from .registry import Act, Payload

UNSEEN = "A proposal about mailboxes that you do not see"
UNSEEN_WORDS = "It touches mailboxes that you do not see, so it names none of them to you."
UNSEEN_REASON = "It touches what you do not see: an administrator who sees all of it can approve it."


def touched(act: Act, payload: Payload, words: str) -> tuple[list[str], bool]:
    """Tell which services a proposal of the actor in force touches, and whether anything of limited access.

    Asked of the act itself: what reads different to who sees less is not for them to read.
    """
    actor, known = current_actor(), set(services())
    seen = known if actor.services is None else set(actor.services)
    rights = actor.permissions - {Permission.LIMITED_ACCESS.value}
    limited = sees_limited() and _words(act, payload, seen_services(), rights) != words
    return [each for each in sorted(seen) if _words(act, payload, seen - {each}, None) != words], limited


def _words(
    act: Act, payload: Payload, seen: set[str] | frozenset[str] | None, rights: frozenset[str] | None
) -> str:
    actor = current_actor()
    narrower = replace(
        actor,
        services=None if seen is None else frozenset(seen),
        permissions=actor.permissions if rights is None else rights,
    )
    with acting_as(narrower):
        try:
            return act.words(payload)
        except EverkeepError as error:
            return f"Not for them: {error.code}"


def in_sight(row: Approval) -> bool:
    """Tell whether the actor in force may read what a proposal names."""
    return (sees_limited() or not row.limited) and all(serves(each) for each in row.services)


def label_for_actor(row: Approval) -> str:
    """What the actor in force may call a proposal."""
    return row.label if in_sight(row) else UNSEEN


def readers_of(row: Approval) -> tuple[list[str], list[str]]:
    """Return the addresses of who is told of a proposal: of those who see what it names, and of the others."""
    about = Q(role=Role.ADMINISTRATOR) | Q(user_id=row.proposer_id)
    rows = Membership.objects.select_related("user").filter(about, account_id=row.account_id)
    told: list[str] = []
    untold: list[str] = []
    for each in rows.filter(is_active=True, user__is_active=True).order_by("-is_owner", "pk"):
        with acting_as(actor_of(each)):
            (told if in_sight(row) else untold).append(each.user.email)
    return told, untold
