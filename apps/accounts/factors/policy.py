"""What an account demands of everybody in it, and the gates that hold people to it (SEC-02, SEC-03)."""

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect

from apps.activity.audit import audit

from ..everywhere import factor_demanded_of
from ..models import Account, GuestMembership, Membership, TotpDevice, User
from ..passwords import is_too_old
from ..saml.gate import OPEN, asked_by_company
from ..saml.session import bound_to
from .codes import has_factor
from .notices import tell_administrators

# What somebody who does not meet the demand yet must still reach: to meet it, to read about it, or to leave.
_ALWAYS = {"account_logout", "help", "help_topic", "healthz", "readyz"}
_FACTOR_PAGES = _ALWAYS | OPEN | {"sudo", "sudo_passkey", "saml_confirm"}
_FIRST_FACTOR = {"second_factor_setup", "passkey_add"}
_PROOFS = _FIRST_FACTOR | {"sudo", "sudo_passkey"}
_PASSWORD_PAGES = _ALWAYS | {"password_change"}


def session_has_factor(request: HttpRequest) -> bool:
    """Whether this very session was proved by more than a password."""
    records = get_authentication_records(request, request.user)
    return any(record.get("method") == "mfa" for record in records)


def is_required(request: HttpRequest) -> bool:
    """Whether a second factor is demanded of this session: by the account's rule, its company's, or a guest's.

    Who is a guest elsewhere is asked also where an account of their own does not, but only at the pages where a
    factor is given or chosen: there it decides what is good enough.
    """
    account: Account | None = request.account  # type: ignore[attr-defined]
    asked = asked_by_company(request) if account else None
    if asked is not None:
        return asked
    membership = request.membership  # type: ignore[attr-defined]
    is_guest = account is None or isinstance(membership, GuestMembership) or _is_at(request, _PROOFS)
    by_account = account is not None and account.second_factor_required
    return by_account or (is_guest and factor_demanded_of(request.user))  # type: ignore[arg-type]


def wants_factor(request: HttpRequest) -> bool:
    """Whether it is demanded and this session has not given it."""
    return is_required(request) and not session_has_factor(request)


def factor_gate(request: HttpRequest) -> HttpResponseBase | None:
    """Gate 40: to the set-up for who has no factor, to the question for a session that has not given it."""
    if not wants_factor(request) or _is_at(request, _FACTOR_PAGES):
        return None
    if has_factor(request.user):  # type: ignore[arg-type]
        # A token cannot be asked for a code; that its person has a factor is what can be asked of it.
        return None if getattr(request, "token", None) else _to(request, "sudo")
    # Only who has none may choose one here: else a new one would do in place of the one that is asked for.
    return None if _is_at(request, _FIRST_FACTOR) else _to(request, "second_factor_setup")


def guests_factor(request: HttpRequest, back: str) -> HttpResponseBase | None:
    """The way to a second factor for who may not work in other people's accounts without; None to go on."""
    user: User = request.user  # type: ignore[assignment]
    if not factor_demanded_of(user) or session_has_factor(request):
        return None
    return _to(request, "sudo" if has_factor(user) else "second_factor_setup", otherwise=back)


def password_gate(request: HttpRequest) -> HttpResponseBase | None:
    """Gate 50: to a new password for whose old one has ended."""
    account: Account = request.account  # type: ignore[attr-defined]
    if bound_to(request) or getattr(request, "token", None):
        return None
    if not is_too_old(request.user, account.password_days):  # type: ignore[arg-type]
        return None
    return None if _is_at(request, _PASSWORD_PAGES) else _to(request, "password_change")


def without_factor(account: Account) -> int:
    """How many people of the account have no second factor yet."""
    passkeys = Authenticator.objects.filter(user_id=OuterRef("user_id"), type=Authenticator.Type.WEBAUTHN)
    apps = TotpDevice.objects.filter(user_id=OuterRef("user_id"), confirmed=True)
    rows = Membership.objects.filter(account=account, is_active=True, user__is_active=True)
    return rows.exclude(Exists(passkeys)).exclude(Exists(apps)).count()


@transaction.atomic
def policy_save(account_id: int, *, second_factor: bool, password_days: int | None) -> bool:
    """Hold everybody to it from the next click on, and tell administrators; False when nothing differs."""
    account = Account.objects.select_for_update(no_key=True).get(pk=account_id)
    if (account.second_factor_required, account.password_days) == (second_factor, password_days):
        return False
    account.second_factor_required, account.password_days = second_factor, password_days
    account.save(update_fields=["second_factor_required", "password_days"])
    more = f"Second factor: {'required' if second_factor else 'not required'}. Passwords end: "
    more += f"after {password_days} days." if password_days else "never."
    audit(
        "policy.changed", description=more, subject_id=account.public_id, second_factor=second_factor,
        password_days=password_days,
    )  # fmt: skip
    tell_administrators(account.pk, what=f"The sign-in rules of {account.name} were changed", more=more)
    return True


def _is_at(request: HttpRequest, names: set[str]) -> bool:
    match = request.resolver_match
    return match is not None and match.url_name in names


def _to(request: HttpRequest, name: str, *, otherwise: str = "") -> HttpResponseBase:
    """Lead to a page and back: to what was asked for, `otherwise` where that cannot be asked for again."""
    following = request.get_full_path() if request.method == "GET" else otherwise or reverse("home")
    if getattr(request, "htmx", False) or request.headers.get("HX-Request"):
        return HttpResponseClientRedirect(reverse(name))
    return HttpResponseRedirect(f"{reverse(name)}?{urlencode({'next': following})}")
