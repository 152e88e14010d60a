"""A person's new address: in force once the new mailbox says so, and for seven days the old one may object.

Nobody learns whether an address has an account: the page and the time are the same, the mail says it to the
owner of the address. The old address stays its person's while it may object, so that nobody else takes it.
"""

import hashlib
import secrets
from datetime import timedelta
from functools import partial
from typing import Final

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse

from apps.activity.audit import audit
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.mails import mail_after_commit
from apps.core.scope import account_scope

from ..everywhere import accounts_of, accounts_that_know
from ..models import AddressChange, User
from ..registry import tell_movers
from ..selectors import is_anothers
from ..sessions import sessions_end
from ..ways_in import ways_in_void_since
from .trying import tried

LINK_LASTS: Final = timedelta(days=3)
MAY_OBJECT: Final = timedelta(days=7)


def change_of(user: User) -> AddressChange | None:
    """The change that waits for its confirmation, or can still be objected to."""
    return AddressChange.objects.filter(user=user).first()


@transaction.atomic
def change_ask(*, user: User, email: str) -> AddressChange:
    """Write to both addresses. Replaces a change that waits; raises Conflict while one can be objected to."""
    known = AddressChange.objects.select_for_update().filter(user=user).first()
    if known and known.confirmed_at:
        raise Conflict(
            "Your address was changed less than seven days ago.",
            do="Until then the old one can object, so it cannot be changed again.",
        )
    AddressChange.objects.filter(user=user).delete()
    objecting = secrets.token_urlsafe(32)
    change = AddressChange.objects.create(
        user=user,
        old=user.email,
        new=email.lower(),
        confirm_digest=_digest(secrets.token_urlsafe(32)),
        object_digest=_digest(objecting),
    )
    _audit(user, "email.asked", "Asked to sign in with another address.")
    mail_after_commit(
        "address_asked",
        [user.email],
        link=reverse("email_object", args=[objecting]),
        link_words="That was not me",
        secret=True,
    )
    _send_link(change)
    return change


@transaction.atomic
def change_send_again(*, user: User) -> None:
    """Send the mail to the new address once more; the link before ends."""
    change = AddressChange.objects.select_for_update().filter(user=user, confirmed_at=None).first()
    if change is None:
        raise Conflict("No new address waits for its confirmation.", do="Load the page again.")
    change.sent_at = clock.now()
    _send_link(change)


@transaction.atomic
def change_withdraw(*, user: User) -> None:
    """Forget a change that waits."""
    if AddressChange.objects.filter(user=user, confirmed_at=None).delete()[0]:
        _audit(user, "email.withdrawn", "Stays with the address as it is.")


def waiting_for(token: str) -> AddressChange | None:
    """The change that the link to the new address confirms, while it lasts."""
    rows = AddressChange.objects.filter(confirm_digest=_digest(token), confirmed_at=None)
    return rows.filter(sent_at__gt=clock.now() - LINK_LASTS).select_related("user").first()


def change_confirm(token: str) -> bool:
    """Put the new address in force. False when the link has ended or the address is another person's."""
    try:
        with transaction.atomic():
            change = waiting_for(token)
            if change is None or is_anothers(change.new, change.user):
                return False
            # The state in the WHERE: an objection at this moment has either gone before, or finds it confirmed.
            unconfirmed = AddressChange.objects.filter(pk=change.pk, confirmed_at=None)
            if not unconfirmed.update(confirmed_at=clock.now()):
                return False
            _put(change.user, change.new, keep=change.old)
            _audit(change.user, "email.changed", "Signs in with another address now.")
            mail_after_commit("address_changed", [change.old], until=clock.now() + MAY_OBJECT)
            return True
    except IntegrityError:
        return False


def objected_by(token: str) -> AddressChange | None:
    """The change that the link to the old address undoes, while it lasts."""
    since = clock.now()
    alive = Q(confirmed_at=None, asked_at__gt=since - LINK_LASTS) | Q(confirmed_at__gt=since - MAY_OBJECT)
    return AddressChange.objects.filter(alive, object_digest=_digest(token)).select_related("user").first()


def change_object(token: str) -> bool:
    """Undo a change, wherever it stands. Every session ends and the password is void: somebody knew it.

    So is every way in that was set up since the change was asked for.
    """
    with transaction.atomic():
        change = objected_by(token)
        if change is None:
            return False
        user = User.objects.select_for_update().get(pk=change.user_id)
        _put(user, change.old, keep="")
        user.set_unusable_password()
        user.save(update_fields=["password"])
        sessions_end(user)
        ways_in_void_since(user, change.asked_at)
        change.delete()
        _audit(user, "email.objected", "The owner of the old address took a change of address back.")
        mail_after_commit(
            "address_kept",
            [user.email],
            link=reverse("account_reset_password"),
            link_words="Set a new password",
        )
    return True


def changes_settle() -> int:
    """Let go of old addresses that can object no more, and of links that nobody followed. Returns how many."""
    now, settled = clock.now(), 0
    for change in AddressChange.objects.filter(confirmed_at__lt=now - MAY_OBJECT).select_related("user"):
        settled += tried(f"the change of address {change.pk}", partial(_settle, change), False)
    AddressChange.objects.filter(confirmed_at=None, sent_at__lt=now - LINK_LASTS - MAY_OBJECT).delete()
    return settled


def _settle(change: AddressChange) -> bool:
    with transaction.atomic():
        EmailAddress.objects.filter(user=change.user, email=change.old, primary=False).delete()
        change.delete()
    return True


def _send_link(change: AddressChange) -> None:
    """To the new address: the link, or to somebody whose it is that somebody tried."""
    token = secrets.token_urlsafe(32)
    change.confirm_digest = _digest(token)
    change.save(update_fields=["confirm_digest", "sent_at"])
    if is_anothers(change.new, change.user):
        mail_after_commit("address_taken", [change.new], link=reverse("account_login"), link_words="Sign in")
    else:
        link = reverse("email_confirm", args=[token])
        mail_after_commit(
            "address_confirm", [change.new], link=link, link_words="Confirm this address", secret=True
        )


def _put(user: User, email: str, *, keep: str) -> None:
    """Make `email` the address of a person; `keep` stays theirs, so that nobody else signs up with it."""
    EmailAddress.objects.filter(user=user).exclude(email__in=[email, keep]).delete()
    EmailAddress.objects.filter(user=user).update(primary=False)
    if keep:
        EmailAddress.objects.update_or_create(user=user, email=keep, defaults={"verified": True})
    EmailAddress.objects.update_or_create(user=user, email=email, defaults={"verified": True, "primary": True})
    old, user.email = user.email, email
    user.save(update_fields=["email"])
    for account_id in accounts_that_know(user):
        with account_scope(account_id):
            tell_movers(account_id, user, old)


def _audit(user: User, code: str, description: str) -> None:
    """Into the log of every account that the person belongs to, without either address."""
    for account_id in accounts_of(user):
        with account_scope(account_id):
            audit(code, description=f"{user}: {description}", subject_id=user.public_id)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
