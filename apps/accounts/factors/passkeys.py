"""Passkeys: the ceremonies are allauth's and fido2's, what is kept, told and counted is ours."""

import struct
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from fido2.utils import websafe_decode

from apps.core.errors import InvalidRequest, NotFound

from ..limits import address_of, take
from ..models import RecoveryCode, User
from .codes import FROM_ONE_PLACE, TooManyTries, has_app, has_passkey
from .notices import tell

Purpose = Literal["sign in", "second factor", "proof"]
# What allauth and fido2 raise at an answer that somebody has made up.
_BROKEN = (ValidationError, ValueError, TypeError, KeyError, IndexError, AttributeError, struct.error)


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Named by MFA_ADAPTER. Keys are bound to the portal's own name, never to the host of a request."""

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": urlsplit(settings.PORTAL_URL).hostname or "localhost", "name": "Everkeep"}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        return {"id": user.public_id.bytes, "display_name": str(user), "name": user.email}


def passkeys_of(user: User) -> QuerySet[Any]:
    """A person's passkeys, oldest first."""
    rows: QuerySet[Any] = Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.WEBAUTHN)
    return rows.order_by("created_at")


def options_for_a_new_one(user: User) -> dict[str, Any]:
    """What the browser is asked to make: a key that knows its person and asks for a finger, face or PIN."""
    options = dict(auth.begin_registration(user, passwordless=True))
    _asked_for("add")
    return options


def options_to_sign_in(user: User | None, purpose: Purpose) -> dict[str, Any]:
    """What the browser is asked to sign, good for `purpose`; with None, by whichever key the person picks."""
    options = dict(auth.begin_authentication(user))
    _asked_for(purpose)
    return options


@transaction.atomic
def passkey_add(user: User, name: str, answer: Any) -> None:
    """Keep the key that the browser made. Raises InvalidRequest."""
    try:
        auth.parse_registration_response(answer)
        _require_asked_for("add")
        if not auth.complete_registration(answer).is_user_verified():
            raise ValueError("nobody was asked for a finger, face or PIN")
    except _BROKEN as error:
        raise InvalidRequest("The browser's answer does not fit.", do="Try again.") from error
    auth.WebAuthn.add(user, name, answer)
    tell(
        user,
        "passkey.added",
        what="A passkey was added to your sign-in",
        more=f"Its name is {name}.",
        name=name,
    )


@transaction.atomic
def passkey_rename(user: User, passkey_id: int, name: str) -> None:
    """Give it another name. Raises NotFound."""
    row = _one(user, passkey_id)
    row.data["name"] = name
    row.save(update_fields=["data"])


@transaction.atomic
def passkey_remove(user: User, passkey_id: int) -> None:
    """It opens nothing any more. Raises NotFound."""
    row = _one(user, passkey_id)
    name = row.data["name"]
    row.delete()
    if not (has_app(user) or has_passkey(user)):
        RecoveryCode.objects.filter(user=user).delete()
    tell(user, "passkey.removed", what="A passkey was removed from your sign-in", more=f"Its name was {name}.")


def passkey_check(request: HttpRequest, user: User | None, answer: Any, purpose: Purpose) -> Any:
    """The passkey that signed for `user`, or for whoever it names; None when it does not fit.

    A question that was asked for another purpose is not answered by it. Raises TooManyTries. Limited by address
    alone: whom a passkey names is anybody's word until it has signed.
    """
    if not take(FROM_ONE_PLACE, address_of(request)):
        raise TooManyTries("Too many tries.", do="Wait a minute, then try again.")
    try:
        parsed = auth.parse_authentication_response(answer)
        _require_asked_for(purpose)
        if not parsed.response.authenticator_data.is_user_verified():
            raise ValueError("nobody was asked for a finger, face or PIN")
        owner = user or _named_by(answer)
        return auth.complete_authentication(owner, answer) if owner else None
    except _BROKEN:
        return None


def passkey_used(request: HttpRequest, passkey: Any, *, instead_of_password: bool = False) -> None:
    """Keep in the session, and with the key, that it was used."""
    post_authentication(request, passkey, passwordless=instead_of_password)


def _asked_for(purpose: str) -> None:
    auth.set_state({**(auth.get_state() or {}), "purpose": purpose})


def _require_asked_for(purpose: str) -> None:
    if (auth.get_state() or {}).get("purpose") != purpose:
        raise ValueError("this was asked for something else")


def _named_by(answer: Any) -> User | None:
    handle = answer["response"]["userHandle"]
    return User.objects.filter(public_id=UUID(bytes=websafe_decode(handle))).first()


def _one(user: User, passkey_id: int) -> Any:
    row = passkeys_of(user).select_for_update().filter(pk=passkey_id).first()
    if row is None:
        raise NotFound("There is no such passkey.")
    return row
