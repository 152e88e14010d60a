"""People of a partner: asked by mail, there once they accept. Whether somebody works elsewhere is not told."""

import secrets
from datetime import timedelta
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.core import clock
from apps.core.errors import Conflict, InvalidRequest, NotFound
from apps.core.mails import mail_after_commit, plain_name

from ..enums import PartnerRole
from ..limits import Limit, take
from ..members.invitations import hashed
from ..models import Partner, PartnerCustomer, PartnerMembership, SeatInvitation, User
from .entering import guest_left

VALID_FOR = timedelta(hours=24)
SENT = Limit("seat invitation", burst=100, refill=timedelta(minutes=10))


@transaction.atomic
def person_invite(*, partner: Partner, email: str, role: str, inviter: User | None) -> SeatInvitation:
    """Ask somebody to work for the partner. Asking anew sends a new link; the one before opens nothing more."""
    if not take(SENT, partner.pk):
        raise Conflict("Too many invitations were sent.", do="Wait an hour, then go on.")
    email, token = email.strip().lower(), secrets.token_urlsafe(32)
    if PartnerMembership.objects.filter(partner=partner, user__email=email).exists():
        raise Conflict("This person works for you already.")
    invitation, _ = SeatInvitation.objects.update_or_create(
        partner=partner,
        email=email,
        defaults={
            "role": role,
            "token_hash": hashed(token),
            "inviter": inviter,
            "inviter_label": str(inviter or "Everkeep")[:200],
            "expires_at": clock.now() + VALID_FOR,
        },
    )
    mail_after_commit(
        "partner_joined",
        [email],
        partner=plain_name(partner.name),
        link=reverse("partner_join", args=[token]),
        link_words="Look at the invitation",
        secret=True,
    )
    return invitation


@transaction.atomic
def person_remove(*, partner: Partner, public_id: UUID, by: User) -> None:
    """Somebody leaves the partner, or is asked no more; open sessions end with their next request."""
    asked = SeatInvitation.objects.filter(partner=partner, public_id=public_id).first()
    if asked is not None:
        asked.delete()
        return
    seat = PartnerMembership.objects.filter(partner=partner, public_id=public_id).first()
    if seat is None:
        raise NotFound("There is no such person in your organisation.")
    if seat.user_id == by.pk:
        raise Conflict("You cannot take yourself out.", do="Ask another manager.")
    for relation in PartnerCustomer.objects.filter(partner=partner):
        guest_left(seat.user, relation.account_id)
    seat.delete()


def seat_invitation_of(token: str) -> SeatInvitation | None:
    """The open invitation of a link; None when it is used, replaced, too old, or its sender manages no more."""
    rows = SeatInvitation.objects.select_related("partner")
    found = rows.filter(token_hash=hashed(token), expires_at__gt=clock.now()).first()
    if found is None or found.inviter_id is None:
        return found
    managers = PartnerMembership.objects.filter(partner=found.partner, role=PartnerRole.MANAGER)
    return found if managers.filter(user=found.inviter_id, user__is_active=True).exists() else None


@transaction.atomic
def seat_accept(*, token: str, user: User) -> Partner:
    """Take the seat, signed in with the address that was asked. Raises InvalidRequest, Conflict."""
    invitation = _taken(token)
    if user.email != invitation.email:
        raise InvalidRequest("This invitation is for another address.", do=f"Sign in as {invitation.email}.")
    return _sit(invitation, user)


@transaction.atomic
def seat_accept_as_new(*, token: str, name: str, password: str) -> Partner:
    """Make the login of somebody who is new here, and give the seat; the link has proved the address."""
    invitation = _taken(token)
    try:
        with transaction.atomic():
            user = User.objects.create_user(invitation.email, password, name=name)
            EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    except IntegrityError as error:
        raise Conflict("This address has a login already.", do="Sign in, then accept.") from error
    return _sit(invitation, user)


def _taken(token: str) -> SeatInvitation:
    found = seat_invitation_of(token)
    rows = SeatInvitation.objects.select_related("partner").select_for_update(of=("self",))
    held = rows.filter(pk=found.pk).first() if found else None
    if held is None or held.token_hash != hashed(token):
        raise InvalidRequest("This link is not valid any more.", do="Ask for a new invitation.")
    return held


def _sit(invitation: SeatInvitation, user: User) -> Partner:
    seat, _ = PartnerMembership.objects.get_or_create(
        user=user, defaults={"partner": invitation.partner, "role": invitation.role}
    )
    if seat.partner_id != invitation.partner_id:
        raise Conflict("You work for another partner already.", do="Leave it first: ask its manager.")
    invitation.delete()
    return invitation.partner
