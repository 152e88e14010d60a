"""The link by which whoever gets a letter ends letters of that kind: signed, without a session."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, dumps, loads
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from apps.accounts.models import Account
from apps.activity.audit import audit
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import NotFound
from apps.core.scope import account_scope

from .enums import Way
from .models import Delivery, Recipient, Refusal
from .registry import Kind, kind_of

_SALT = "notifications.unsubscribe"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a link says. Who holds it was written to: it names no account to anybody else."""

    account_id: UUID
    address: str
    kind: Kind


def unsubscribe_address(delivery: Delivery) -> str:
    """The link for the one who gets this letter; it holds as long as the installation's key."""
    token = dumps([delivery.account.public_id.hex, delivery.address.lower(), delivery.kind], salt=_SALT)
    return f"{settings.PORTAL_URL}{reverse('unsubscribe', args=[token])}"


def wish_of(token: str) -> Wish:
    """Read a link. Raises NotFound for one that we did not make."""
    try:
        account, address, kind = loads(token, salt=_SALT)
        return Wish(UUID(account), address, kind_of(kind))
    except (BadSignature, ValueError, TypeError) as error:
        raise NotFound("This link is not complete.", do="Open it from the mail once more.") from error


def wish_fulfil(wish: Wish) -> None:
    """Write no such letters to that address any more. Again, or of an account that is gone: nothing happens."""
    account = Account.objects.filter(public_id=wish.account_id).first()
    if account is None:
        return
    with account_scope(account.pk), acting_as(SYSTEM), transaction.atomic():
        _, is_new = Refusal.objects.get_or_create(
            account_id=account.pk, address=wish.address, kind=wish.kind.key
        )
        theirs = Q(address__iexact=wish.address) | Q(user__email__iexact=wish.address)
        for recipient in Recipient.objects.filter(theirs, way=Way.MAIL):
            recipient.kinds = [kind for kind in recipient.kinds if kind != wish.kind.key]
            recipient.save(update_fields=["kinds"])
        if is_new:
            audit("recipient.unsubscribed", description=f"{wish.address}: {wish.kind.label}")
