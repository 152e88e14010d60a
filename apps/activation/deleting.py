"""Rules that delete who leaves: starting one, and letting it delete more than it may by itself.

Both want a fresh proof, and a second administrator where the account wants two people. What a rule then orders
is an order as any other: seven days of grace, mails, holds, taken back by one click (backups/deletion).
"""

from typing import Any, Final

from apps.accounts.approvals import Proposed, propose
from apps.backups.models import Entity
from apps.backups.selectors import nouns_of
from apps.core.errors import Conflict, PermissionMissing
from apps.core.permissions import Permission, require
from apps.core.sight import sees_everything, whole_sight

from . import services
from .enums import RuleState
from .evaluate import say
from .models import Rule, RuleMember
from .plan import HOLDS
from .words import rule_words

START: Final = "activation.start"
ALLOW: Final = "activation.delete_left"
NAMED: Final = 10
OTHERS: Final = "The rule asks about others by now."
Payload = dict[str, Any]


def start_deleting(*, rule: Rule, all_new: str = "") -> Proposed:
    """Start a draft that deletes who leaves, or propose it. Raises what `services.start` raises."""
    require(Permission.DELETE)
    if services.asks_about_all(rule):
        services.check_all_new(all_new)
    return propose(START, {"rule": str(rule.public_id), "all_new": all_new}, f"Rule that deletes: {rule.name}")


def resume_deleting(*, rule: Rule) -> Proposed:
    """The same for one that was paused."""
    require(Permission.DELETE)
    payload = {"rule": str(rule.public_id), "resume": True}
    return propose(START, payload, f"Resume the rule that deletes: {rule.name}")


def start_approved(payload: Payload) -> None:
    """The act behind both."""
    rule = _rule(payload)
    if payload.get("resume"):
        services.resume_now(rule=rule)
    else:
        services.start_now(rule=rule, all_new=payload["all_new"])


def start_words(payload: Payload) -> str:
    """Say what it chooses by, and what becomes of who leaves."""
    rule = _rule(payload)
    before = f" It takes the place of “{rule.replaces}”." if rule.replaces else ""
    return (
        f"The rule “{rule.name}” of the task “{rule.task}” would be followed every day: {rule_words(rule)}. "
        f"Backups of who no longer fits would be deleted, each with seven days of grace.{before}"
    )


def allow_deleting(*, rule: Rule, counted: str) -> Proposed:
    """Let a rule delete those that it asks about and nobody else, or propose it.

    `counted` is their mark, as the page had it. Raises Conflict when it asks about others.
    """
    require(Permission.DELETE)
    if not sees_everything():
        raise PermissionMissing("Only who sees all mailboxes may allow this.", do="Ask an administrator.")
    if not rule.asks or counted != rule.asked_mark:
        raise Conflict(OTHERS, do="Load the page again.")
    payload = {"rule": str(rule.public_id), "asked": rule.asked_mark}
    return propose(ALLOW, payload, f"Delete {_count(rule)} who left the rule {rule.name}")


def allow_approved(payload: Payload) -> None:
    """The act behind it: the next turn deletes them, and asks anew when others left by then."""
    rule = _asking(payload)
    asking = Rule.objects.filter(pk=rule.pk, state=RuleState.ACTIVE, asked=rule.asked)
    if not asking.update(allowed=rule.asked, checked_at=None, problem=""):
        raise Conflict(OTHERS, do="Look at the rule again.")
    say(rule, "rule.may_delete", count=rule.asks)
    services.follow_soon(rule)


def allow_words(payload: Payload) -> str:
    """Say how many of how many, and some of their names."""
    rule = _asking(payload)
    held = RuleMember.objects.filter(rule=rule, outcome__in=HOLDS).count()
    return (
        f"{rule.asks} of {held} that the rule “{rule.name}” of the task “{rule.task}” holds no longer fit "
        f"({rule_words(rule)}){asked_words(rule)}. Their backups would be deleted, with seven days of grace."
    )


def asked_words(rule: Rule) -> str:
    """Name some of whom it asks about: the same to everybody, so nobody with limited access is among them."""
    with whole_sight("every reader of a proposal reads the same words"):
        rows = Entity.objects.filter(task=rule.task_id, pk__in=rule.asked, limited=False)
        names = list(rows.order_by("name", "pk").values_list("name", flat=True)[:NAMED])
    more = f" and {rule.asks - len(names)} more" if rule.asks > len(names) else ""
    return f": {', '.join(names)}{more}" if names else ""


def _asking(payload: Payload) -> Rule:
    rule = _rule(payload)
    if not rule.asks or rule.asked_mark != payload["asked"]:
        raise Conflict(OTHERS, do="Look at the rule again.")
    return rule


def _count(rule: Rule) -> str:
    return nouns_of(rule.task.service).count(rule.asks)


def _rule(payload: Payload) -> Rule:
    rule = Rule.objects.select_related("task__connection", "replaces", "tag").filter(public_id=payload["rule"])
    found = rule.first()
    if found is None:
        raise Conflict("The rule is not there any more.", do="Make it again.")
    return found
