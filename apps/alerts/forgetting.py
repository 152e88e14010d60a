"""Alerts that are over are forgotten, so that lists do not grow for ever. The audit keeps its entries."""

import logging
from datetime import timedelta
from typing import Final

from django.db.models import Q, QuerySet

from apps.core import clock
from apps.core.scope import every_account

from .enums import AlertState
from .models import Alert

log = logging.getLogger("everkeep.alerts")
KEPT: Final = timedelta(days=2 * 365)
BATCH: Final = 2000


def forget_over() -> int:
    """Remove what has been over for two years; returns how many alerts went."""
    gone = 0
    with every_account("old alerts of all accounts are forgotten"):
        while keys := list(_over_for_long().values_list("pk", flat=True)[:BATCH]):
            gone += _over_for_long().filter(pk__in=keys).delete()[0]
    if gone:
        log.info("%d alerts that were over for two years are forgotten", gone)
    return gone


def _over_for_long() -> "QuerySet[Alert]":
    """Closed, or looked at by somebody and never seen again since. One whose hold is in force explains it."""
    limit = clock.now() - KEPT
    closed = Q(state=AlertState.CLOSED, closed_at__lt=limit)
    looked_at = Q(state=AlertState.ACKNOWLEDGED, acknowledged_at__lt=limit, last_seen_at__lt=limit)
    return Alert.objects.filter(closed | looked_at).exclude(hold__isnull=False, hold__lifted_at=None)
