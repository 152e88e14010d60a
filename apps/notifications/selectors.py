"""Reads of the settings page and of the list of deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Max, Q

from apps.accounts.models import Membership
from apps.accounts.selectors import actor_of
from apps.core import clock
from apps.core.keyset import KeysetPage, page_of
from apps.core.permissions import Permission
from apps.core.scope import current_account_id

from .enums import DeliveryState, Way
from .models import Delivery, Recipient, Refusal
from .registry import Kind, kind_of, offered_kinds

PAGE: Final = 50
LATELY: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Tick:
    """One kind of one recipient. `ended`: whoever gets it ended it by the link of a mail."""

    kind: Kind
    on: bool
    ended: bool

    @property
    def hint(self) -> str:
        return "ended by the recipient" if self.ended and not self.on else ""


@dataclass(frozen=True, slots=True)
class RecipientLine:
    """A recipient as the page shows it. `note` says what is out of the ordinary."""

    recipient: Recipient
    ticks: list[Tick]
    note: str
    fixed: bool


def recipient_lines() -> list[RecipientLine]:
    """All recipients of the account in force."""
    recipients = list(Recipient.objects.select_related("user").order_by("pk"))
    ended: dict[str, set[str]] = {}
    for address, kind in Refusal.objects.exclude(kind="").values_list("address", "kind"):
        ended.setdefault(address, set()).add(kind)
    members = _members([one.user_id for one in recipients if one.user_id])
    return [_line(one, ended.get(one.place.lower(), set()), members) for one in recipients]


def _line(recipient: Recipient, ended: set[str], members: Mapping[int, Membership]) -> RecipientLine:
    ticks = [Tick(kind, kind.key in recipient.kinds, kind.key in ended) for kind in offered_kinds()]
    outsider = recipient.user_id is None
    return RecipientLine(
        recipient, ticks, _note(recipient, members), outsider and not recipient.seen_by_actor()
    )


def _note(recipient: Recipient, members: Mapping[int, Membership]) -> str:
    if recipient.user_id is None:
        return "" if recipient.view else "Gets nothing about backups: who added it may not view them"
    member = members.get(recipient.user_id)
    if member is None:
        return "Cannot sign in here now: gets nothing"
    if Permission.VIEW not in actor_of(member).permissions:
        return "May not view backups: gets nothing about them"
    return ""


def _members(user_ids: list[int]) -> dict[int, Membership]:
    rows = Membership.objects.select_related("user").filter(
        account_id=current_account_id(), user_id__in=user_ids, is_active=True, user__is_active=True
    )
    return {row.user_id: row for row in rows}


def delivery_page(*, state: str, kind: str, before: UUID | None, after: UUID | None) -> KeysetPage[Delivery]:
    """One page of letters, newest first, of those that the actor in force sees."""
    rows = Delivery.objects.select_related("recipient").defer("sealed_body")
    if state:
        rows = rows.filter(state=state)
    if kind:
        rows = rows.filter(kind=kind)
    return page_of(rows, keys=("id",), size=PAGE, descending=True, before=before, after=after)


def last_failures() -> list[Delivery]:
    """Of each mailbox or hook not reached lately, nor since: the newest letter that failed.

    Many hooks share a host, so one is known by its recipient, as the daily limit knows it. Removed
    hooks are done with.
    """
    since = clock.now() - LATELY
    rows = Delivery.objects.filter(settled_at__gte=since, digest=None).exclude(state=DeliveryState.STOPPED)
    rows = rows.order_by()
    hooks = rows.exclude(way=Way.MAIL).filter(recipient__isnull=False).values("recipient")
    mails = rows.filter(way=Way.MAIL).values("address")
    newest = Q()
    for places in (hooks, mails):
        newest |= Q(pk__in=places.annotate(newest=Max("id")).values("newest"))
    found = Delivery.objects.filter(newest, state=DeliveryState.FAILED).select_related("recipient")
    return list(found.defer("sealed_body").order_by("-id")[:5])


def trouble() -> str:
    """What needs somebody there, in a few words, or ""."""
    return "Some mail does not arrive" if last_failures() else ""


def kind_choices() -> list[tuple[str, str]]:
    """The kinds that the list of deliveries knows."""
    found = Delivery.objects.order_by().values_list("kind", flat=True).distinct()
    return sorted(((key, kind_of(key).label) for key in found), key=lambda pair: pair[1])
