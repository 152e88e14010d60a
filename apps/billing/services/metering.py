"""Storing what was counted."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from apps.accounts.models import Account
from apps.core.bulk import insert_rows
from apps.core.ids import new_public_id
from apps.core.scope import current_account_id

from ..enums import Unit
from ..models import InvoiceLine, MeterDay, MeterLine
from ..registry import Counted
from ..rules import LINES_KEPT

GB: Final = Decimal(10**9)
THOUSANDTH: Final = Decimal("0.001")
COLUMNS: Final = (
    "public_id", "account_id", "meter_day_id", "entity_public_id", "label", "size", "billable", "why",
)  # fmt: skip


@transaction.atomic
def meter_day_store(day: date, lines: Iterable[Counted]) -> bool:
    """Store the count of a day, once: False when this day is stored already.

    All of what is stored counts in GB, and no more; of entities, those marked billable are paid for.
    """
    Account.objects.select_for_update(no_key=True).get(pk=current_account_id())  # two workers, one count
    if MeterDay.objects.filter(day=day).exists():
        return False
    by_service: dict[str, list[Counted]] = defaultdict(list)
    for line in lines:
        by_service[line.service].append(line)
    if not by_service:
        # A day of nothing is counted too: without a row it would look like one on which Everkeep was off.
        by_service.update({service: [] for service in _services_before(day)})
    for service, counted in sorted(by_service.items()):
        _store(day, service, counted)
    return bool(by_service)


def _services_before(day: date) -> list[str]:
    """What the newest day before this one counted."""
    before = MeterDay.objects.filter(day__lt=day)
    newest = before.order_by("-day").values("day")[:1]
    return list(before.filter(day=newest, unit=Unit.ENTITY).values_list("service", flat=True))


def _store(day: date, service: str, counted: list[Counted]) -> None:
    account_id = current_account_id()
    stored = sum(line.size for line in counted)
    gigabytes = (Decimal(stored) / GB).quantize(THOUSANDTH, rounding=ROUND_HALF_UP)
    MeterDay.objects.create(
        account_id=account_id,
        day=day,
        service=service,
        unit=Unit.GB,
        quantity=gigabytes,
        billable=gigabytes,
    )
    entities = MeterDay.objects.create(
        account_id=account_id,
        day=day,
        service=service,
        unit=Unit.ENTITY,
        quantity=len(counted),
        billable=sum(line.billable for line in counted),
    )
    as_stored = MeterLine._meta.get_field("public_id").get_db_prep_value
    insert_rows(
        MeterLine,
        COLUMNS,
        [
            (
                as_stored(new_public_id(), connection),
                account_id,
                entities.pk,
                as_stored(line.entity_public_id, connection),
                line.label,
                line.size,
                line.billable,
                line.why,
            )
            for line in counted
        ],
    )


def lines_forget(today: date) -> None:
    """Counts stay for ever. Lists go, once no charge can rest on their day any more and none does."""
    resting = InvoiceLine.objects.filter(meter_day__isnull=False)
    kept = set(resting.values_list("meter_day__day", flat=True).distinct())
    # Asked every hour, so through the days, which are few, and not through their lines.
    has_lines = Exists(MeterLine.objects.filter(meter_day=OuterRef("pk")))
    days = MeterDay.objects.filter(has_lines, unit=Unit.ENTITY, day__lt=today - LINES_KEPT)
    old = list(days.exclude(day__in=kept).values_list("pk", flat=True))
    if old:
        MeterLine.objects.filter(meter_day__in=old).delete()
