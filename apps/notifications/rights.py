"""Who may read a letter: the one place that decides it, when it is written and again when it is sent."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from apps.accounts.models import Membership, User
from apps.accounts.selectors import is_unproved, own_addresses, person_now
from apps.core.actor import Actor, acting_as, current_actor
from apps.core.permissions import CONTENTS, Permission
from apps.core.scope import current_account_id
from apps.core.sight import sees_entity, serves

from .enums import DeliveryState, Way
from .models import Delivery, Recipient, Refusal
from .registry import kind_of

NOBODY: Final[Mapping[str, Any]] = {"services": [], "limited": False, "view": False}
"""What an address may see that is nobody's and that nobody vouched for."""


def reader_of(recipient: Recipient) -> Actor | None:
    """As whom a recipient reads: a member with today's rights, None for who is none any more.

    Who was put there before they came into the account reads as themselves once they are in it.
    """
    if recipient.user is not None:
        return _person(recipient.user)
    if recipient.way == Way.MAIL and (user := user_at(recipient.address)):
        return _person(user)
    kept = {"services": recipient.services, "limited": recipient.limited, "view": recipient.view}
    return _outsider(str(recipient), kept)


def reader_kept(address: str) -> dict[str, Any]:
    """Who an address is when somebody writes it down: a person by their id, or an outsider who may see what
    the actor in force sees.
    """
    user = user_at(address)
    if user is not None:
        return {"user": user.pk}
    actor = current_actor()
    everything = actor.kind == "system"
    return {
        "services": None if actor.services is None else sorted(actor.services),
        "limited": everything or Permission.LIMITED_ACCESS in actor.permissions,
        "view": everything or Permission.VIEW in actor.permissions,
    }


def reader_at(address: str, kept: Mapping[str, Any]) -> Actor | None:
    """As whom a plain address reads: as the person it was or is, as the recipient it is, else as `kept`."""
    user = User.objects.filter(pk=kept["user"]).first() if "user" in kept else user_at(address)
    if user is not None or "user" in kept:
        return _person(user)
    known = Recipient.objects.filter(way=Way.MAIL, address=address.lower()).first()
    return reader_of(known) if known and not kept else _outsider(address, kept or NOBODY)


def reader_now(delivery: Delivery) -> Actor | None:
    """As whom the one reads today to whom a letter was written a while ago."""
    if delivery.recipient is not None:
        return reader_of(delivery.recipient)
    if delivery.user is not None:
        return _person(delivery.user)
    return reader_at(delivery.address, delivery.reader) if delivery.way == Way.MAIL else None


def _outsider(label: str, kept: Mapping[str, Any]) -> Actor:
    rights = {Permission.VIEW: kept["view"], Permission.LIMITED_ACCESS: kept["limited"]}
    services = kept["services"]
    return Actor(
        "user",
        label=label,
        permissions=frozenset(right.value for right, has in rights.items() if has),
        services=None if services is None else frozenset(services),
    )


def _person(user: User | None) -> Actor | None:
    """What somebody may see now, as member or guest; None for who is neither, or never confirmed an address."""
    return None if user is None or is_unproved(user) else person_now(user.pk)


def user_at(address: str) -> User | None:
    """The person who signs in with an address: of this account, switched off or not, or a guest in it now.

    Everkeep's own people are themselves everywhere, so nothing goes to them but while the account lets them in.
    """
    user = User.objects.filter(email=address.lower()).first()
    if user is None:
        return None
    member = Membership.objects.filter(account_id=current_account_id(), user=user).exists()
    known = member or user.is_platform_staff
    return user if known or person_now(user.pk) is not None else None


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
    return {
        "services": services,
        "limited": Permission.LIMITED_ACCESS in reader.permissions,
        "contents": any(right in reader.permissions for right in CONTENTS),
    }


def still_sees(reader: Actor | None, made_for: Mapping[str, Any]) -> bool:
    """Whether a reader sees today what they saw when a letter was made for them."""
    if reader is None or reader.kind != "user" or not made_for:
        return reader is not None
    services, limited = made_for["services"], made_for["limited"]
    if limited and Permission.LIMITED_ACCESS not in reader.permissions:
        return False
    if made_for["contents"] and not any(right in reader.permissions for right in CONTENTS):
        return False
    return reader.services is None or (services is not None and reader.services.issuperset(services))


def has_refused(address: str, kind: str) -> bool:
    """Whether an address wants no such letters, or its person left the account and did not come back."""
    rows = Refusal.objects.filter(address=address.lower(), kind__in=[kind, ""])
    refused = dict(rows.values_list("kind", "but"))
    return kind in refused or ("" in refused and kind not in refused[""] and user_at(address) is None)


def still_goes_to(address: str, kind: str) -> bool:
    """Whether a kind that has readers of its own (`Kind.goes_to`) still goes to an address."""
    goes_to = kind_of(kind).goes_to
    return goes_to is None or goes_to(address.lower())


def has_left(account_id: int, user: User) -> None:
    """Write nothing more to who was taken out of the account, wherever one of their addresses stands."""
    addresses = own_addresses(user)
    mine = Q(user=user) | Q(user=None, way=Way.MAIL, address__in=addresses)
    Recipient.objects.filter(mine).delete()
    for address in addresses:
        _refuse(account_id, address)


def has_moved(account_id: int, user: User, old: str) -> None:
    """Let letters follow a person to their new address; the old one is nobody of the account's any more."""
    theirs = Q(user=user) | Q(user=None, address__in=[old.lower(), user.email])
    rows = list(Recipient.objects.filter(theirs, way=Way.MAIL).order_by("pk"))
    if rows:
        first, *doubles = rows
        Recipient.objects.filter(pk__in=[one.pk for one in doubles]).delete()
        first.user, first.address = user, user.email
        first.kinds = list(dict.fromkeys(kind for one in rows for kind in one.kinds))
        first.save(update_fields=["user", "address", "kinds"])
    open_ones = Delivery._base_manager.filter(
        account_id=account_id, way=Way.MAIL, user=user, state__in=[DeliveryState.WAITING, DeliveryState.FAILED]
    )
    open_ones.update(address=user.email)
    for kind in Refusal.objects.filter(address=old.lower()).exclude(kind="").values_list("kind", flat=True):
        Refusal.objects.get_or_create(account_id=account_id, address=user.email.lower(), kind=kind)
    _refuse(account_id, old)


def _refuse(account_id: int, address: str) -> None:
    """Whatever was sent there knowingly before: whose it is now is for somebody to judge anew."""
    Refusal.objects.update_or_create(
        account_id=account_id, address=address.lower(), kind="", defaults={"but": []}
    )
