"""Who may read a letter: the one place that decides it, when it is written and again when it is sent."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.accounts.models import Membership, User
from apps.accounts.selectors import person_now
from apps.core.actor import SYSTEM, Actor, acting_as
from apps.core.permissions import Permission
from apps.core.scope import current_account_id
from apps.core.sight import sees_entity, serves

from .enums import Way
from .models import Delivery, Recipient, Refusal
from .registry import kind_of


def reader_of(recipient: Recipient) -> Actor | None:
    """As whom a recipient reads: a member with today's rights, None for who is none any more."""
    if recipient.user_id is not None:
        return person_now(recipient.user_id)
    return Actor(
        "user",
        label=str(recipient),
        permissions=frozenset(
            {Permission.VIEW.value} | ({Permission.LIMITED_ACCESS.value} if recipient.limited else set())
        ),
        services=None if recipient.services is None else frozenset(recipient.services),
    )


def reader_at(address: str) -> Actor | None:
    """As whom a plain address reads: as the member or the recipient that it is.

    Of one that is neither, the caller has decided already.
    """
    user = user_at(address)
    if user is not None:
        return person_now(user.pk)
    known = Recipient.objects.filter(way=Way.MAIL, address=address.lower()).first()
    return reader_of(known) if known else SYSTEM


def reader_now(delivery: Delivery) -> Actor | None:
    """As whom the one reads today to whom a letter was written a while ago."""
    if delivery.recipient is not None:
        return reader_of(delivery.recipient)
    return person_now(delivery.user_id) if delivery.user_id is not None else reader_at(delivery.address)


def user_at(address: str) -> User | None:
    """The person of this account, switched off or not, who signs in with an address."""
    mine = Membership.objects.filter(account_id=current_account_id(), user__email=address.lower())
    found = mine.select_related("user").first()
    return found.user if found else None


def may_read(reader: Actor | None, kind: str, *, service: str, entity_id: UUID | None) -> bool:
    """Whether somebody may be told of a kind, and of what a letter names."""
    if reader is None:
        return False
    if reader.kind == "user" and kind_of(kind).sight_needed and Permission.VIEW not in reader.permissions:
        return False
    with acting_as(reader):
        return (not service or serves(service)) and (entity_id is None or sees_entity(entity_id))


def sight_of(reader: Actor) -> dict[str, Any]:
    """What a letter may hold that is made in the sight of this reader; {} where nothing is hidden from them."""
    if reader.kind != "user":
        return {}
    services = None if reader.services is None else sorted(reader.services)
    return {"services": services, "limited": Permission.LIMITED_ACCESS in reader.permissions}


def still_sees(reader: Actor | None, made_for: Mapping[str, Any]) -> bool:
    """Whether a reader sees today what they saw when a letter was made for them."""
    if reader is None or reader.kind != "user" or not made_for:
        return reader is not None
    services, limited = made_for["services"], made_for["limited"]
    if limited and Permission.LIMITED_ACCESS not in reader.permissions:
        return False
    return reader.services is None or (services is not None and reader.services.issuperset(services))


def has_refused(address: str, kind: str) -> bool:
    """Whether an address wants no such letters, or its person left the account and did not come back."""
    refused = set(
        Refusal.objects.filter(address=address.lower(), kind__in=[kind, ""]).values_list("kind", flat=True)
    )
    return kind in refused or ("" in refused and user_at(address) is None)


def has_left(account_id: int, user: User) -> None:
    """Write nothing more to who was taken out of the account, wherever their address stands."""
    Recipient.objects.filter(user=user).delete()
    Refusal.objects.get_or_create(account_id=account_id, address=user.email.lower(), kind="")
