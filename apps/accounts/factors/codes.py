"""Codes of an authenticator app and recovery codes: setting up, asking, switching off."""

import base64
import hashlib
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import quote, urlencode

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.http import HttpRequest

from apps.activity.models import ActivityStatus
from apps.core import clock
from apps.core.errors import Conflict, EverkeepError

from ..limits import Limit, address_of, forget, give_back, take
from ..models import RecoveryCode, TotpDevice, User
from .notices import tell, write_down

OF_ONE = Limit("factor.user", 5, timedelta(minutes=5))
FROM_ONE_PLACE = Limit("factor.address", 30, timedelta(seconds=10))
CODES = 10
KEY_BYTES = 20
PENDING = timedelta(hours=1)


class TooManyTries(EverkeepError):
    """The budget of tries is spent; it fills up again by itself."""

    code, status = "too_many_tries", 429


def has_app(user: User) -> bool:
    """Whether an authenticator app is set up."""
    return TotpDevice.objects.filter(user=user, confirmed=True).exists()


def has_passkey(user: User) -> bool:
    """Whether this person has any passkey."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.WEBAUTHN).exists())


def has_factor(user: User) -> bool:
    """Whether anything beyond the password is set up."""
    return has_app(user) or has_passkey(user)


def factors_of(user_ids: Sequence[int]) -> Mapping[int, str]:
    """ "App, 2 passkeys" for each who has any, in two queries however many there are."""
    apps = set(
        TotpDevice.objects.filter(user_id__in=user_ids, confirmed=True).values_list("user_id", flat=True)
    )
    rows = Authenticator.objects.filter(user_id__in=user_ids, type=Authenticator.Type.WEBAUTHN)
    keys = Counter(rows.values_list("user_id", flat=True))
    return {
        user_id: ", ".join(
            [*(["App"] if user_id in apps else []), *([_passkeys(keys[user_id])] if user_id in keys else [])]
        )
        for user_id in apps | set(keys)
    }


def _passkeys(count: int) -> str:
    return "1 passkey" if count == 1 else f"{count} passkeys"


def codes_left(user: User) -> int:
    """How many recovery codes have not been used."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def app_waiting(user: User) -> TotpDevice | None:
    """The key that waits for its first code; None when there is none, or it is too old."""
    waiting = TotpDevice.objects.filter(user=user, confirmed=False).first()
    return waiting if waiting and clock.now() - waiting.created_at < PENDING else None


@transaction.atomic
def app_begin(user: User) -> TotpDevice:
    """The key that waits for its first code. The same for an hour, so that a reload shows what was scanned."""
    waiting = TotpDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
    if waiting and clock.now() - waiting.created_at < PENDING:
        return waiting
    if waiting:
        waiting.delete()
    device = TotpDevice(user=user, confirmed=False, name="Authenticator app")
    device.seal(secrets.token_bytes(KEY_BYTES))
    device.save()
    return device


@transaction.atomic
def app_confirm(request: HttpRequest, user: User, code: str) -> list[str] | None:
    """Turn the app on when `code` is right; returns the recovery codes, None for a wrong code.

    Raises Conflict when another one is on already, TooManyTries.
    """
    if has_app(user):
        raise Conflict("An authenticator app is set up already.", do="Turn it off first.")
    _count(request, user)
    device = TotpDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
    if device is None or not device.verify_token(code):
        return None
    _uncount(request, user)
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    tell(user, "second_factor.on", what="Codes from an app are now asked at your sign-in")
    return _codes_make(user)


@transaction.atomic
def app_off(user: User) -> None:
    """Switch the app off, with the recovery codes when no passkey is left either."""
    TotpDevice.objects.filter(user=user).delete()
    if not has_passkey(user):
        RecoveryCode.objects.filter(user=user).delete()
    tell(user, "second_factor.off", what="Codes from an app are no longer asked at your sign-in")


@transaction.atomic
def codes_renew(user: User) -> list[str]:
    """New recovery codes; the old ones stop working. Raises Conflict without a second factor."""
    if not has_factor(user):
        raise Conflict("Recovery codes belong to a second factor.", do="Set one up first.")
    codes = _codes_make(user)
    tell(user, "recovery_codes.made", what="You have new recovery codes", more="The old ones stopped working.")
    return codes


def code_check(request: HttpRequest, user: User, typed: str, *, recovery: bool = True) -> str:
    """How `typed` proves this person: "totp", "recovery_code", or "" for not at all. Raises TooManyTries.

    A code is good once. The try is counted before it is judged, also when two arrive at the same time.
    """
    _count(request, user)
    found = _totp(user, typed) or (_recovery(user, typed) if recovery else "")
    if found:
        _uncount(request, user)
    else:
        write_down(user, "second_factor.refused", status=ActivityStatus.FAILED)
    return found


def tries_forget(user: User) -> None:
    """A fresh budget: whoever used the old one up knew a password that has ended."""
    forget(OF_ONE, user.pk)


def app_address(device: TotpDevice) -> str:
    """What the QR code says to the app."""
    query = urlencode({"secret": app_key(device), "issuer": "Everkeep"}, quote_via=quote)
    return f"otpauth://totp/{quote(f'Everkeep:{device.user.email}')}?{query}"


def app_key(device: TotpDevice) -> str:
    """The key as text, for who cannot scan."""
    return base64.b32encode(device.key).decode("ascii")


def app_drawing(device: TotpDevice) -> str:
    """The QR code as inline SVG: no style, no script, nothing from elsewhere."""
    import segno  # noqa: PLC0415 - four megabytes that only this page needs

    svg = segno.make_qr(app_address(device), error="m").svg_inline(
        svgclass="ek-qr", lineclass=None, omitsize=True, border=3, dark="#1c1d21", light="#ffffff"
    )
    return str(svg).replace("<svg ", '<svg role="img" aria-label="QR code for your authenticator app" ', 1)


def _count(request: HttpRequest, user: User) -> None:
    if not (take(FROM_ONE_PLACE, address_of(request)) and take(OF_ONE, user.pk)):
        raise TooManyTries(
            "Too many codes were tried.", do="Wait five minutes. A new password, too, gives you new tries."
        )


def _uncount(request: HttpRequest, user: User) -> None:
    give_back(FROM_ONE_PLACE, address_of(request))
    give_back(OF_ONE, user.pk)


@transaction.atomic
def _totp(user: User, typed: str) -> str:
    device = TotpDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
    return "totp" if device and device.verify_token(typed) else ""


@transaction.atomic
def _recovery(user: User, typed: str) -> str:
    unused = RecoveryCode.objects.filter(user=user, hashed=_hashed(user, typed), used_at=None)
    if not unused.update(used_at=clock.now()):
        return ""
    left = codes_left(user)
    tell(
        user, "recovery_codes.used", what="One of your recovery codes was used",
        more=f"{left} of them {'is' if left == 1 else 'are'} left.", left=left,
    )  # fmt: skip
    return "recovery_code"


def _codes_make(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    plain = [base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower() for _ in range(CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, hashed=_hashed(user, code)) for code in plain)
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in plain]


def _hashed(user: User, code: str) -> str:
    # Fast on purpose: 80 random bits are not guessed, and one look-up finds the row.
    bare = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(f"{user.public_id}:{bare}".encode()).hexdigest()
