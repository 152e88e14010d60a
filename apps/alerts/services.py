"""What happens to alerts: they are raised, acknowledged, put on hold, and over."""

from typing import Any, Final

from django.db import transaction

from apps.activity import services as activity
from apps.backups.models import BackupTask, Entity, Hold
from apps.backups.services.holds import hold_by_itself
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import Conflict, InvalidRequest
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id
from apps.core.sight import whole_sight

from . import registry
from .enums import AlertState, Severity
from .growth import Growth, latest
from .models import Alert

_RANK: Final = {severity: rank for rank, severity in enumerate(Severity.values)}
HOLD_NAME: Final = "Expiry on hold"


@transaction.atomic
def alert_raise(
    kind: str,
    key: str,
    *,
    severity: str,
    facts: dict[str, Any],
    entity: Entity | None = None,
    task: BackupTask | None = None,
    service: str = "",
    sub_service: str = "",
    metric: str = "",
    snapshot_number: int | None = None,
    growth: Growth = latest,
) -> Alert:
    """Open an alert, or note that what an open one is about was seen again. One per `key` until it is over.

    Listeners hear of a new one, of one that has become more severe, and of one whose `growth` is news; the
    last two open it again if somebody had acknowledged it.
    """
    now, of_task = clock.now(), task or (entity.task if entity else None)
    with whole_sight("an alert is there whoever sees it"):
        alert, is_new = Alert.objects.select_for_update().get_or_create(
            account_id=current_account_id(),
            key=key,
            state__in=(AlertState.OPEN, AlertState.ACKNOWLEDGED),
            defaults={
                "state": AlertState.OPEN, "kind": kind, "severity": severity, "facts": facts, "metric": metric,
                "entity": entity, "task": of_task, "service": service or (of_task.service if of_task else ""),
                "sub_service": sub_service, "snapshot_number": snapshot_number, "opened_at": now,
                "news_at": now, "last_seen_at": now,
            },
        )  # fmt: skip
        is_news = is_new or _seen_again(alert, severity, facts, snapshot_number, growth)
        if is_news:
            _note(alert, "alert.raised", f"{alert.get_kind_display()}: {_about(alert)}")
            registry.raised(alert)
    return alert


def _seen_again(
    alert: Alert, severity: str, facts: dict[str, Any], snapshot_number: int | None, growth: Growth
) -> bool:
    """Write down how it stands now; returns whether that is news."""
    is_worse = _RANK[severity] > _RANK[alert.severity]
    alert.facts, is_more = growth(alert.facts, facts)
    alert.last_seen_at = clock.now()
    if is_worse:
        alert.severity = severity
    if is_news := is_worse or is_more:
        alert.state, alert.news_at, alert.snapshot_number = AlertState.OPEN, clock.now(), snapshot_number
    alert.save(update_fields=["last_seen_at", "news_at", "facts", "severity", "state", "snapshot_number"])
    return is_news


@transaction.atomic
def alert_close(key: str) -> bool:
    """End the alert of this key, because what it is about is over. Tells whether there was one."""
    with whole_sight("an alert is over whoever sees it"):
        alert = Alert.objects.select_for_update().filter(key=key).exclude(state=AlertState.CLOSED).first()
        if alert is None:
            return False
        alert.state, alert.closed_at = AlertState.CLOSED, clock.now()
        alert.save(update_fields=["state", "closed_at"])
        _note(alert, "alert.closed", f"{alert.get_kind_display()}: {_about(alert)}")
    return True


@transaction.atomic
def alert_acknowledge(alert: Alert, words: str) -> Alert:
    """Say that somebody has looked at it. Raises Conflict when it is not open any more."""
    require(Permission.MODIFY)
    alert = Alert.objects.select_for_update().get(pk=alert.pk)
    if alert.state != AlertState.OPEN:
        raise Conflict("This alert is not open any more.", do="Load the page again.")
    actor = current_actor()
    alert.state, alert.acknowledged_at = AlertState.ACKNOWLEDGED, clock.now()
    alert.acknowledged_by, alert.acknowledged_by_id = actor.label[:320], actor.user_id
    alert.acknowledged_words = words.strip()[:500]
    alert.save(
        update_fields=[
            "state", "acknowledged_at", "acknowledged_by", "acknowledged_by_id", "acknowledged_words",
        ]
    )  # fmt: skip
    said = f": {alert.acknowledged_words}" if alert.acknowledged_words else ""
    _note(alert, "alert.acknowledged", f"{alert.get_kind_display()}: {_about(alert)}{said}")
    return alert


@transaction.atomic
def alert_hold(alert: Alert) -> Hold:
    """Keep every backup of the alert's mailbox until somebody lifts the hold. One per alert.

    No right is asked here: what calls this for a person asks for it, and an alert may do it by itself.
    """
    alert = Alert.objects.select_for_update().get(pk=alert.pk)
    if alert.entity is None:
        raise InvalidRequest("This alert is about no single mailbox.", do="Put the mailboxes on hold by name.")
    if alert.hold is not None and alert.hold.lifted_at is None:
        return alert.hold
    alert.hold = hold_by_itself(
        alert.entity,
        # Holds are named to administrators who may not see the mailbox itself.
        name=f"{HOLD_NAME}, {clock.now():%-d %B %Y}",
        reason="" if alert.entity.limited else str(alert.get_kind_display()),
    )
    alert.save(update_fields=["hold"])
    return alert.hold


def _about(alert: Alert) -> str:
    if alert.entity is not None:
        return alert.entity.name
    return alert.task.name if alert.task is not None else str(alert.facts.get("label", "the account"))


def _note(alert: Alert, code: str, audited: str) -> None:
    activity.record(
        code,
        service=alert.service,
        sub_service=alert.sub_service,
        task_label=alert.task.name if alert.task else "",
        item_label=alert.entity.name if alert.entity else "",
        subject_id=alert.public_id,
        entity_id=alert.entity.public_id if alert.entity else None,
        audited=audited,
    )
