"""What stands on the pages about the account."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.urls import reverse

from ..enums import WANT_OF_A_PLAN, AccountState
from ..http import MemberRequest
from .access import is_administrator
from .address import MAY_OBJECT, change_of
from .closing import GRACE
from .forms import AccountForm, AddressForm, ConsentForm
from .people import owner_of
from .trial import AFTER_END, days_left, is_over

# Further cards of the page, each with what fills it; who owns them adds them in `ready`.
CARDS: list[tuple[str, Callable[[MemberRequest], dict[str, Any]]]] = []


def account_initial(request: MemberRequest) -> dict[str, Any]:
    """What the form shows before anybody types."""
    return {"name": request.account.name, "time_zone": request.account.time_zone}


def account_page(
    request: MemberRequest, form: AccountForm, *, consent: ConsentForm | None = None
) -> dict[str, Any]:
    """Settings → Account. `consent` was posted: valid, the question is asked; else its error is shown."""
    return {
        "crumbs": [{"words": "Settings", "url": reverse("settings")}, {"words": "Account", "url": ""}],
        "form": form,
        "owner": owner_of(request.account.pk),
        "card": address_card(request),
        "consent": consent or ConsentForm(),
        "asks": bool(consent and consent.is_valid()),
        "grace": GRACE.days,
        "trial_days": days_left(request.account),
        "cards": [(template, context(request)) for template, context in CARDS],
    }


def address_card(request: MemberRequest) -> dict[str, Any]:
    """One's own address: a panel of one's security page, and a card of the account's."""
    change = change_of(request.user)
    return {
        "form": AddressForm(user=request.user),
        "change": change,
        "until": change.confirmed_at + MAY_OBJECT if change and change.confirmed_at else None,
        "next": request.path,
    }


def state_page(request: MemberRequest) -> dict[str, Any]:
    """How the life of the account stands."""
    account = request.account
    left = days_left(account)
    return {
        "crumbs": [{"words": account.name, "url": ""}],
        "closing": account.state == AccountState.CLOSING,
        "ending": account.state == AccountState.ENDING,
        "for_want_of_a_plan": account.closing_cause in WANT_OF_A_PLAN,
        "needs_a_plan": settings.BILLING and account.closing_cause in WANT_OF_A_PLAN,
        "trial_days": left,
        "trial_over": is_over(account),
        "closed_on": account.trial_ends_at + AFTER_END if left is not None and account.trial_ends_at else None,
        "may_reactivate": is_administrator(request),
        "grace": GRACE.days,
    }
