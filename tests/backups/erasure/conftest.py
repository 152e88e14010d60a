"""A mailbox of which some mails are to be erased, and time that passes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.accounts.models import Membership
from apps.accounts.selectors import actor_of
from apps.backups.erasure.chosen import look_at
from apps.backups.erasure.order import erase_wish
from apps.backups.erasure.work import look_after_erasures
from apps.backups.models import Entity, Erasure, NodeVersion
from apps.backups.models.catalog import key_of
from apps.core import clock
from apps.core.actor import acting_as
from tests.cast import Cast

HOURS, DAY = timedelta(hours=6), timedelta(days=1)


@pytest.fixture
def olivia(cast: Cast) -> Iterator[Any]:
    with acting_as(actor_of(Membership.objects.get(account=cast.account, user=cast.owner))) as actor:
        yield actor


def order(entity: Entity, *remote_ids: str, kind: str = "mail") -> Erasure:
    """Order these to be erased, as the page does."""
    keys = {kind: [key_of(each) for each in remote_ids]}
    assert erase_wish(entity, keys, typed=look_at(entity, keys).typed, reason="Request 7").done
    return Erasure.objects.latest("pk")


def let_pass(days: float, since: datetime | None = None) -> datetime:
    """Let the hourly task look at it again and again; returns the time it is then."""
    now = since or clock.now()
    for _ in range(int(days * 4) + 1):
        with clock.travel(now):
            look_after_erasures()
        now += HOURS
    return now


def versions(entity: Entity, remote_id: str) -> int:
    return NodeVersion.objects.filter(entity_id=entity.pk, remote_id=remote_id).count()
