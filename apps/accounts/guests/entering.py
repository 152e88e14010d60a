"""Into a customer's account and out again. On what ground somebody is there is asked anew at every request.

The session keeps only where the guest went in and by which relation or grant. When that is gone, the guest is
nobody there: no page falls back to an account of their own, where a form meant for the customer would land.
"""

from dataclasses import replace
from typing import Final

from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from apps.activity.audit import audit
from apps.core import clock
from apps.core.actor import Actor, acting_as, current_actor
from apps.core.mails import mail_after_commit
from apps.core.permissions import Permission
from apps.core.scope import account_scope

from ..factors.codes import has_factor
from ..life.people import owner_of
from ..models import (
    Account,
    GuestMembership,
    Membership,
    PartnerCustomer,
    PartnerMembership,
    SupportGrant,
    User,
)
from ..registry import tell_leavers

KEY: Final = "entered"
SUPPORT: Final = "Everkeep support"
# Pages of the guest's own side: there they are themselves, not in the customer's account.
OUTSIDE: Final = ("/partner/", "/staff/", "/guest/", "/sign-out/")
# Nobody who looks after the platform may stay by making themselves a user, or change who gets in.
# No guest leads news of the account to a place that outlives their stay.
WITHHELD: Final = {
    "partner": frozenset({Permission.LIMITED_ACCESS.value, Permission.NOTIFICATIONS.value}),
    "support": frozenset(
        {
            Permission.LIMITED_ACCESS.value,
            Permission.NOTIFICATIONS.value,
            Permission.USERS.value,
            Permission.ACCOUNT_SETTINGS.value,
        }
    ),
}


def has_entered(request: HttpRequest) -> bool:
    """Whether this request is one of a guest in a customer's account."""
    return KEY in request.session and not request.path.startswith(OUTSIDE)


def guest_of(request: HttpRequest) -> GuestMembership | None:
    """What the guest may do there now; None when the relation or grant is gone."""
    entered = request.session[KEY]
    user: User = request.user  # type: ignore[assignment]
    kind = entered["kind"]
    found = _relation(user, id=entered["id"]) if kind == "partner" else _grant(user, entered)
    return _guest(user, kind, *found) if found else None


def guest_now(user_id: int, account_id: int) -> GuestMembership | None:
    """What somebody from outside may do in an account now, also when not in it: for work they began."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return None
    if relation := _relation(user, account=account_id):
        return _guest(user, "partner", *relation)
    grant = _grant(user, {"account": str(account_id)})
    return _guest(user, "support", *grant) if grant else None


def partner_enter(request: HttpRequest, seat: PartnerMembership, relation: PartnerCustomer) -> None:
    """A person of the partner goes into a customer's account; it stands in the customer's log."""
    _enter(request, "partner", str(relation.public_id), relation.account_id)
    _write("partner.entered", relation.account_id, f"{seat.user} ({seat.partner})", relation.get_role_display())


def support_enter(request: HttpRequest, grant: SupportGrant) -> None:
    """One of the staff goes in on a grant; it stands in the log, and the owner gets a mail."""
    _enter(request, "support", str(grant.public_id), grant.account_id)
    who = f"{request.user} ({SUPPORT})"
    _write("support.entered", grant.account_id, who, grant.get_role_display())
    owner = owner_of(grant.account_id)
    mail_after_commit(
        "support_entered",
        [owner.user.email] if owner else [],
        account=grant.account.name,
        who=str(request.user),
        grant=grant,
        link="/settings/account/#support",
        link_words="See or end it",
    )


def guest_left(user: User, account_id: int) -> None:
    """The ground on which a partner's person went into an account is gone: nothing goes to them any more."""
    with account_scope(account_id):
        if not Membership.objects.filter(account_id=account_id, user=user).exists():
            tell_leavers(account_id, user)


def leave(request: HttpRequest) -> None:
    """Out of the customer's account; written there, also when the ground is gone by now."""
    entered = request.session.pop(KEY, None)
    if entered is None:
        return
    user: User = request.user  # type: ignore[assignment]
    seat = PartnerMembership.objects.select_related("partner").filter(user=user).first()
    via = SUPPORT if entered["kind"] == "support" else str(seat.partner) if seat else "Partner"
    request.session.cycle_key()
    _write(f"{entered['kind']}.left", entered["account"], f"{user} ({via})", "")


def _enter(request: HttpRequest, kind: str, ground: str, account_id: int) -> None:
    leave(request)
    request.session[KEY] = {"kind": kind, "id": ground, "account": account_id}
    request.session.cycle_key()
    rotate_token(request)


def _guest(user: User, kind: str, ground: PartnerCustomer | SupportGrant, via: str) -> GuestMembership:
    guest = GuestMembership(account=ground.account, user=user, role=ground.role)
    guest.via, guest.withheld = via, WITHHELD[kind]
    return guest


def _relation(
    user: User, *, id: str | None = None, account: int | None = None
) -> tuple[PartnerCustomer, str] | None:
    rows = PartnerCustomer.objects.select_related("account", "partner").filter(partner__memberships__user=user)
    relation = (rows.filter(public_id=id) if id else rows.filter(account=account)).first()
    return (relation, str(relation.partner)) if relation else None


def _grant(user: User, entered: dict[str, str]) -> tuple[SupportGrant, str] | None:
    if not user.is_platform_staff or not has_factor(user):
        return None
    with account_scope(int(entered["account"])):
        open_now = SupportGrant.objects.filter(revoked_at=None, ends_at__gt=clock.now())
        if "id" in entered:
            open_now = open_now.filter(public_id=entered["id"])
        grant = open_now.select_related("account").order_by("-ends_at").first()
    return (grant, SUPPORT) if grant else None


def _write(code: str, account_id: int, who: str, role: str) -> None:
    if not Account.objects.filter(pk=account_id).exists():
        return  # deleted meanwhile: there is no log any more
    actor: Actor = replace(current_actor(), label=who)
    with account_scope(account_id), acting_as(actor):
        audit(code, description=f"{who} came in as {role}." if role else f"{who} left.")
