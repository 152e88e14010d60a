"""Letters about alerts: severe ones at once, all others once a day in one. Each reader gets their own."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.urls import reverse

from apps.core import clock
from apps.core.scope import current_account_id
from apps.notifications.letters import Letter
from apps.notifications.services import notify

from .enums import AlertState, Severity
from .models import Alert, AlertSettings
from .words import about, causes, sentence

KIND: Final = "alerts"
EVERY: Final = timedelta(days=1)
LISTED: Final = 20


def tell(alert: Alert) -> None:
    """Write of a severe alert, in the transaction that made it news. Several within minutes are one letter."""
    if alert.severity == Severity.CRITICAL:
        notify(KIND, lambda: _letter(alert))


def tell_of_the_day() -> int:
    """Write once a day of what was opened or grew since; returns to how many. Severe ones were told already."""
    AlertSettings.objects.get_or_create(account_id=current_account_id())
    now = clock.now()
    with transaction.atomic():
        kept = AlertSettings.objects.select_for_update().get()
        begin = kept.told_up_to or now - EVERY
        if kept.told_up_to and now - kept.told_up_to < EVERY:
            return 0
        kept.told_up_to = now
        kept.save(update_fields=["told_up_to"])
        rows = Alert.objects.filter(news_at__gt=begin, news_at__lte=now, state=AlertState.OPEN)
        if not rows.exclude(severity=Severity.CRITICAL).exists():
            return 0
        return notify(KIND, lambda: _day_letter(begin, now))


def _letter(alert: Alert) -> Letter | None:
    """None for a reader who does not see it: its mailbox, its task or its service."""
    seen = Alert.objects.filter(pk=alert.pk).select_related("entity", "task").first()
    if seen is None:
        return None
    said = {"kind": seen.get_kind_display(), "about": about(seen), "sentence": sentence(seen)}
    return Letter(
        "alert",
        {**said, "causes": causes(seen), "held": seen.hold is not None},
        link=reverse("alert", args=[seen.public_id]),
        link_words="Open the alert",
        facts={**said, "severity": seen.severity, "id": str(seen.public_id), "code": seen.kind},
        service=seen.service,
        entity_id=seen.entity.public_id if seen.entity else None,
        task_id=seen.task.public_id if seen.task else None,
        digest_key=KIND,
    )


def _day_letter(begin: datetime, until: datetime) -> Letter | None:
    rows = Alert.objects.filter(news_at__gt=begin, news_at__lte=until, state=AlertState.OPEN)
    rows = rows.exclude(severity=Severity.CRITICAL)
    count = rows.count()
    if not count:
        return None
    first = rows.select_related("entity", "task").order_by("-news_at", "-pk")[:LISTED]
    lines = [f"{about(each)}: {each.get_kind_display()}. {sentence(each)}" for each in first]
    return Letter(
        "alerts_day",
        {"count": count, "lines": lines, "more": max(count - LISTED, 0)},
        link=reverse("alerts"),
        link_words="Open the alerts",
        facts={"count": count, "alerts": lines},
    )
