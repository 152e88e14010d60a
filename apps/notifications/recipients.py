"""What a person does with recipients: put one there, tick kinds, try it, remove it; and retry a letter."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.accounts.models import Membership, User
from apps.accounts.selectors import administrators
from apps.activity import services as activity
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import Conflict, PermissionMissing
from apps.core.mails import mail_after_commit, plain_name
from apps.core.permissions import Permission, require
from apps.core.public_web import networks
from apps.core.scope import current_account_id
from apps.core.sealing import seal
from apps.core.webhooks import check_address, host_of

from .enums import TEST, DeliveryState, Way
from .letters import Letter
from .models import Delivery, Recipient, Refusal
from .registry import kind_of, offered_kinds
from .rights import user_at
from .services import hand_over, letter_store

AT_MOST: Final = 100
TRIES_A_MINUTE: Final = 5
TO_ONE_A_DAY: Final = 10
OUTSIDE_A_DAY: Final = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a form gathered. `address` of a mail, `url` of a hook."""

    way: str
    name: str
    kinds: Iterable[str]
    address: str = ""
    url: str = ""


def recipient_add(wanted: Wanted) -> tuple[Recipient, str]:
    """Put somebody on the list; returns the secret of a signed webhook too, which nobody is shown again.

    Raises Conflict for who is there already; InvalidRequest or Unavailable for a hook that may not, or cannot,
    be reached.
    """
    require(Permission.NOTIFICATIONS)
    if wanted.way != Way.MAIL:
        check_address(wanted.url, networks(settings.HOOK_PRIVATE_NETWORKS))
    with transaction.atomic():
        _room_for(wanted)
        recipient = Recipient(account_id=current_account_id(), way=wanted.way, name=wanted.name.strip())
        recipient.added_by = current_actor().label[:200]
        recipient.kinds = _known(wanted.kinds)
        recipient.sees_as(current_actor())
        secret = ""
        if wanted.way == Way.MAIL:
            recipient.address = wanted.address.strip().lower()
            recipient.user = user_at(recipient.address)
            Refusal.objects.filter(address=recipient.address).delete()
        else:
            secret = _point(recipient, wanted.url, new_secret=True)
        recipient.save()
        _say("recipient.added", recipient, f"{_place(recipient)}: {_words(recipient.kinds)}")
        if recipient.user is None or not _is_member(recipient.user):
            _tell_of_outsider(recipient)
    return recipient, secret if wanted.way == Way.WEBHOOK else ""


def owner_begins(account_id: int, user: User) -> None:
    """Put who owns the account from now on onto the list, unless they are there: nobody notices silence.

    With the ticks that everybody begins with; what they ended by the link of a mail stays ended.
    """
    known = Q(user=user) | Q(user=None, address=user.email)
    if Recipient.objects.filter(known, way=Way.MAIL).exists():
        return
    kinds = [kind.key for kind in offered_kinds() if kind.begins]
    recipient = Recipient.objects.create(
        account_id=account_id,
        user=user,
        address=user.email,
        name=user.name[:100],
        kinds=kinds,
        added_by="Everkeep",
    )
    _say("recipient.added", recipient, f"{_place(recipient)}, the owner: {_words(kinds)}")


def recipient_change(recipient: Recipient, wanted: Wanted, *, new_secret: bool = False) -> str:
    """Change name and kinds, of a hook the address too when one is given; returns a new secret."""
    require(Permission.NOTIFICATIONS)
    if wanted.url:
        check_address(wanted.url, networks(settings.HOOK_PRIVATE_NETWORKS))
    with transaction.atomic():
        recipient = Recipient.objects.select_for_update().get(pk=recipient.pk)
        _may_change(recipient)
        before = recipient.kinds
        recipient.name, recipient.kinds = wanted.name.strip(), _known(wanted.kinds)
        _wants_again(recipient, before)
        secret = ""
        if recipient.way != Way.MAIL and (wanted.url or new_secret):
            secret = _point(recipient, wanted.url, new_secret=new_secret)
        recipient.save()
        _say("recipient.changed", recipient, f"{_place(recipient)}: {_words(recipient.kinds)}")
        if wanted.url:
            _tell_of_outsider(recipient, "Its address was changed")
    return secret if recipient.way == Way.WEBHOOK else ""


@transaction.atomic
def ticks_set(ticks: Mapping[UUID, Iterable[str]]) -> int:
    """Set the kinds of many recipients at once; returns how many changed. Those that are gone are left out."""
    require(Permission.NOTIFICATIONS)
    changed = 0
    for recipient in Recipient.objects.select_for_update().filter(public_id__in=list(ticks)).order_by("pk"):
        wanted, before = _known(ticks[recipient.public_id]), recipient.kinds
        hidden = [kind for kind in before if kind not in {each.key for each in offered_kinds()}]
        if sorted(wanted) == sorted(set(before) - set(hidden)):
            continue
        _may_change(recipient)
        recipient.kinds = wanted + hidden
        _wants_again(recipient, before)
        recipient.save(update_fields=["kinds"])
        _say("recipient.changed", recipient, f"{_place(recipient)}: {_words(recipient.kinds)}")
        changed += 1
    return changed


@transaction.atomic
def recipient_remove(recipient: Recipient) -> None:
    """Take somebody off the list; what waits for them is not sent any more."""
    require(Permission.NOTIFICATIONS)
    theirs = Delivery._base_manager.filter(recipient=recipient)
    theirs.filter(state=DeliveryState.FAILED).update(sealed_body=b"")  # so that nobody sends it again
    theirs.filter(state=DeliveryState.WAITING).update(
        state=DeliveryState.STOPPED,
        said="The recipient was removed.",
        settled_at=clock.now(),
        next_try_at=None,
        claimed_until=None,
    )
    _say("recipient.removed", recipient, _place(recipient))
    recipient.delete()


@transaction.atomic
def recipient_try(recipient: Recipient) -> Delivery:
    """Send a letter that means nothing; what becomes of it stands in the list of deliveries."""
    require(Permission.NOTIFICATIONS)
    Recipient.objects.select_for_update().get(pk=recipient.pk)
    lately = Delivery.objects.filter(kind=TEST, created_at__gt=clock.now() - timedelta(minutes=1))
    if lately.count() >= TRIES_A_MINUTE:
        raise Conflict(f"{TRIES_A_MINUTE} tests a minute are the most.", do="Wait a minute.")
    _no_flood(recipient)
    letter = Letter(
        "notification_test",
        {"who": plain_name(current_actor().label)},
        link="/settings/notifications/",
        link_words="Notifications",
    )
    delivery = letter_store(TEST, letter, recipient.place, recipient)
    _say("recipient.tried", recipient, _place(recipient))
    return delivery


@transaction.atomic
def delivery_retry(delivery: Delivery) -> None:
    """Try a letter that was given up once more, from the beginning. Raises Conflict when that cannot be."""
    require(Permission.NOTIFICATIONS)
    delivery = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if delivery.state != DeliveryState.FAILED or not delivery.sealed_body or delivery.digest_id is not None:
        raise Conflict("This letter cannot be sent again.", do="Its words are kept for 30 days.")
    again = {"state": DeliveryState.WAITING, "settled_at": None, "claimed_until": None}
    Delivery._base_manager.filter(digest=delivery, state=DeliveryState.FAILED).update(**again)
    Delivery.objects.filter(pk=delivery.pk).update(**again, tries=0, next_try_at=clock.now())
    activity.record(
        "delivery.retried",
        service=delivery.service,
        entity_id=delivery.entity_id,
        item_label=delivery.log_subject,
        subject_id=delivery.public_id,
        audited=f"“{delivery.log_subject}” to {delivery.address}",
    )
    hand_over(delivery.account_id)


def _no_flood(recipient: Recipient) -> None:
    """Who is outside has not asked for tests: a day takes few of them, of one and of all together."""
    if recipient.way != Way.MAIL or recipient.user_id is not None:
        return
    today = Delivery._base_manager.filter(
        account_id=recipient.account_id, kind=TEST, way=Way.MAIL, user=None,
        created_at__gt=clock.now() - timedelta(days=1),
    )  # fmt: skip
    if today.filter(address=recipient.address).count() >= TO_ONE_A_DAY:
        raise Conflict(f"{TO_ONE_A_DAY} tests a day are the most to an address.", do="Try again tomorrow.")
    if today.count() >= OUTSIDE_A_DAY:
        raise Conflict(
            f"{OUTSIDE_A_DAY} tests a day are the most to all addresses outside.", do="Try again tomorrow."
        )


def _is_member(user: User) -> bool:
    return Membership.objects.filter(account_id=current_account_id(), user=user).exists()


def _tell_of_outsider(recipient: Recipient, what: str = "Added") -> None:
    """Administrators know of each place outside that news of the account go to."""
    mail_after_commit(
        "recipient_outside",
        administrators(recipient.account_id),
        link="/settings/notifications/",
        link_words="See all recipients",
        what=what,
        way=recipient.get_way_display(),
        address=recipient.place,
        who=current_actor().label,
        kinds=_words(recipient.kinds),
    )


def _room_for(wanted: Wanted) -> None:
    rows = Recipient.objects.select_for_update()
    if len(rows.values_list("pk", flat=True)) >= AT_MOST:
        raise Conflict(f"{AT_MOST} recipients are the most.", do="Use a list of your mail system.")
    if wanted.way == Way.MAIL and rows.filter(way=Way.MAIL, address__iexact=wanted.address.strip()).exists():
        raise Conflict("This address is on the list already.", do="Change its ticks there.")


def _may_change(recipient: Recipient) -> None:
    """An outsider sees what somebody else let them see: who sees less must not lead that elsewhere."""
    if recipient.user_id is None and not recipient.seen_by_actor():
        raise PermissionMissing(
            f"{recipient} gets letters about mailboxes that you do not see.", do="Ask an administrator."
        )


def _point(recipient: Recipient, url: str, *, new_secret: bool) -> str:
    """Seal where a hook leads, and its secret."""
    account_id = recipient.account_id
    if url:
        recipient.address = host_of(url)[0][:254]
        recipient.sealed_url = seal(
            account_id=account_id, purpose=recipient.url_purpose, plaintext=url.encode()
        )
    secret = secrets.token_hex(32) if new_secret else ""
    if secret:
        recipient.sealed_secret = seal(
            account_id=account_id, purpose=recipient.secret_purpose, plaintext=secret.encode()
        )
    return secret


def _wants_again(recipient: Recipient, before: Iterable[str]) -> None:
    """Ticked anew by hand, so that an end by the link of a mail holds no longer."""
    new = set(recipient.kinds) - set(before)
    if recipient.way == Way.MAIL:
        Refusal.objects.filter(address=recipient.place.lower(), kind__in=new).delete()


def _known(kinds: Iterable[str]) -> list[str]:
    chosen = set(kinds)
    return [kind.key for kind in offered_kinds() if kind.key in chosen]


def _words(kinds: Iterable[str]) -> str:
    return ", ".join(kind_of(kind).label for kind in kinds) or "nothing"


def _place(recipient: Recipient) -> str:
    return f"{recipient.get_way_display()}, {recipient.place}"


def _say(code: str, recipient: Recipient, words: str) -> None:
    details: dict[str, Any] = {"way": recipient.way}
    activity.record(code, item_label=words[:300], subject_id=recipient.public_id, audited=words, **details)
