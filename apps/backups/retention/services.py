"""Change a rule: one that keeps no less at once, one that keeps less through the two-person rule."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, Sum

from apps.accounts.approvals import Proposed, propose
from apps.activity import services as activity
from apps.core.errors import InvalidRequest
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id
from apps.core.sight import whole_sight

from ..less_protected import tell_less_protected
from ..models import AccountRetention, BackupTask, Expiry
from .inforce import account_rule, rule_from
from .rules import Rule

SHORTER: Final = "retention.shorter"
Payload = dict[str, Any]


def keeps_less(*, task: BackupTask | None, rule: Rule | None) -> bool:
    """Tell whether this rule (None: the account's) would keep less than what is set now."""
    return not (rule or account_rule()).keeps_no_less_than(_set_now(task))


@transaction.atomic
def retention_change(*, task: BackupTask | None = None, rule: Rule | None) -> Proposed | None:
    """Set the rule of a task, or without one of the account; None when it is set already.

    A task's rule may be None: then the account's holds. A rule that keeps less needs the right to delete, and a
    second administrator where the account wants one. Nothing goes within a week in any case (marking.py).
    """
    require(Permission.MODIFY if task else Permission.ACCOUNT_SETTINGS)
    if task is None and rule is None:
        raise InvalidRequest("The account needs a rule.", do="Choose what stays.")
    if _stored(task) == (rule.to_json() if rule else None):
        return None
    payload = {
        "task": str(task.public_id) if task else "",
        "rule": rule.to_json() if rule else None,
    }
    if not keeps_less(task=task, rule=rule):
        _set(payload)
        return Proposed(done=True)
    return propose(SHORTER, payload, f"Shorter retention of {task.name if task else 'the account'}")


def shorten(payload: Payload) -> None:
    """The act that a second administrator approves."""
    require(Permission.DELETE)
    task, _ = _read(payload)
    words = words_of(payload)
    _set(payload)
    link = f"/tasks/{task.public_id}/retention/" if task else "/settings/retention/"
    tell_less_protected(task.name if task else "the account", words, link=link, link_words="Retention")


def words_of(payload: Payload) -> str:
    """Say what would hold from then on."""
    task, rule = _read(payload)
    whose = f"the task “{task.name}”" if task else "the account"
    return (
        f"For {whose}: {(rule or account_rule()).words()}. Until now: {_set_now(task).words()}. What the rule "
        "does not keep any more goes a week after the next night; until then a longer rule takes it back."
    )


def _set(payload: Payload) -> None:
    task, rule = _read(payload)
    before = _set_now(task)
    said = rule.to_json() if rule else None
    if task is not None:
        BackupTask.objects.filter(pk=task.pk).update(retention=said)
    else:
        AccountRetention.objects.update_or_create(
            account_id=current_account_id(), defaults={"rule": said}, create_defaults={"rule": said}
        )
    after = (rule or account_rule()).words()
    activity.record(
        "retention.changed",
        service=task.service if task else "",
        task_label=task.name if task else "",
        item_label=task.name if task else "The account",
        subject_id=task.public_id if task else None,
        changes={"retention": [before.words(), after]},
        audited=f"Retention of {task.name if task else 'the account'} from “{before.words()}” to “{after}”",
    )


@whole_sight("a rule is changed for everything it holds for")
def _read(payload: Payload) -> tuple[BackupTask | None, Rule | None]:
    rule = Rule.from_json(payload["rule"]) if payload["rule"] is not None else None
    if not payload["task"]:
        return None, rule
    task = BackupTask.objects.filter(public_id=payload["task"]).first()
    if task is None:
        raise InvalidRequest("The backup task is not there any more.")
    return task, rule


def _stored(task: BackupTask | None) -> object:
    if task is not None:
        return task.retention
    row = AccountRetention.objects.first()
    return row.rule if row else None


def _set_now(task: BackupTask | None) -> Rule:
    """Return what is set by the task or the account themselves; policies stand above it."""
    if task is None or task.retention is None:
        return account_rule()
    return rule_from(task.retention)


def dead_lately(account_id: int, since: datetime | None) -> int:
    """How many blobs may have lost their last reference by retention: gc need not be surprised (V16)."""
    rows = Expiry.objects.filter(account_id=account_id)
    if since is not None:
        rows = rows.filter(Q(finished_at=None) | Q(finished_at__gt=since))
    return rows.aggregate(all=Sum("blobs"))["all"] or 0
