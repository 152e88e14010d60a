"""How the backups of several accounts stand, for who looks after them (accounts.registry)."""

from collections.abc import Collection, Mapping

from django.db.models import Count, Max, Q

from apps.accounts.registry import Standing
from apps.core import clock

from .enums import EntityState, Verdict
from .models import Entity


def standings(account_ids: Collection[int]) -> Mapping[int, Standing]:
    """One query over all of them, in a scope of just these accounts.

    A problem is a mailbox that should be backed up and is not: the last run says so, no backup was ever made,
    or the last good one is overdue.
    """
    now = clock.now()
    trouble = Q(last_verdict__in=[Verdict.FAILED, Verdict.PARTIAL]) | Q(last_snapshot_at=None)
    trouble |= Q(overdue_at__lt=now)
    rows = Entity.objects.filter(account_id__in=account_ids, state=EntityState.ACTIVE).values("account_id")
    counted = rows.annotate(last=Max("last_snapshot_at"), problems=Count("pk", filter=trouble))
    return {row["account_id"]: Standing(row["last"], row["problems"]) for row in counted.order_by("account_id")}
