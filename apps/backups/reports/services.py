"""How reports are set: the account's, and who gets one of a single task or mailbox."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.selectors import account_zone
from apps.activity.services import record
from apps.core import clock
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id
from apps.notifications.services import readers_of, wanted_again

from ..enums import ReportRhythm
from ..models import BackupTask, Entity, Report, ReportCopy, ReportSettings
from .timing import PERIODS, next_after, rhythm_words

RHYTHM = {"every", "at", "zone", "weekday", "day"}
FIELDS = ("is_on", "format", "way", "only_failures", *sorted(RHYTHM))


def settings_now() -> ReportSettings:
    """The account's settings, or what holds as long as nobody has set any."""
    return ReportSettings.objects.first() or _fresh()


def _fresh(**wanted: Any) -> ReportSettings:
    now = clock.now()
    settings = ReportSettings(account_id=current_account_id(), zone=account_zone(), **wanted)
    settings.next_at = next_after(settings, now)
    settings.since = min(
        now, settings.next_at - PERIODS[settings.every]
    )  # the first one tells of a whole period
    return settings


def begin_for_owner(account_id: int, user: User) -> None:
    """Let a new account have its summary every Monday: that backups stand still is told, not looked for."""
    weekly = _fresh(is_on=True, every=ReportRhythm.WEEKLY)
    ReportSettings.objects.bulk_create([weekly], ignore_conflicts=True)


def last_report() -> Report | None:
    """What became of the newest summary."""
    return Report.objects.filter(subject="").order_by("-until").first()


@transaction.atomic
def report_settings_save(**wanted: Any) -> bool:
    """Set these; tells whether anything changed. Another rhythm begins with its next hour."""
    require(Permission.NOTIFICATIONS)
    settings = _settings_for_change()
    changes = {key: wanted[key] for key in FIELDS if key in wanted and getattr(settings, key) != wanted[key]}
    if not changes:
        return False
    for key, value in changes.items():
        setattr(settings, key, value)
    if RHYTHM & changes.keys():
        settings.next_at = next_after(settings, clock.now())
    settings.save()
    words = f"{'On' if settings.is_on else 'Off'}, {settings.get_format_display()}, {rhythm_words(settings)}"
    record("report.changed", item_label="Summary report", audited=words, words=words)
    return True


def _settings_for_change() -> ReportSettings:
    ReportSettings.objects.bulk_create([_fresh()], ignore_conflicts=True)
    return ReportSettings.objects.select_for_update().get()


@transaction.atomic
def report_copy_save(*, task: BackupTask, addresses: Sequence[str], entity: Entity | None = None) -> bool:
    """Let these addresses get the report of one task, or one mailbox of it, alone; tells whether that is new.

    Who sets them decides with their own sight what a report to an address outside may name.
    """
    require(Permission.NOTIFICATIONS)
    found = ReportCopy.objects.filter(task=task, entity=entity).first()
    if list(addresses) == (found.addresses if found else []):
        return False
    if not addresses:
        ReportCopy.objects.filter(task=task, entity=entity).delete()
    else:
        _settings_for_change()
        readers = readers_of(addresses, found.readers if found else {})
        wanted_again(set(addresses) - set(found.addresses if found else ()))
        ReportCopy.objects.update_or_create(
            account_id=task.account_id,
            task=task,
            entity=entity,
            defaults={"addresses": list(addresses), "readers": readers},
        )
    record(
        "report.recipients",
        service=task.service,
        task_label=task.name,
        item_label=entity.name if entity else task.name,
        subject_id=entity.public_id if entity else task.public_id,
        entity_id=entity.public_id if entity else None,
        addresses=list(addresses),
        audited=", ".join(addresses) or "Nobody",
    )
    return True
