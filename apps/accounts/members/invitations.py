"""Invitations: sent, sent again, withdrawn, accepted.

Whether the address has a login already is asked by nobody before its owner follows the link: for both the
same row is written and the same mail is sent, so that neither words nor time tell it.
"""

import hashlib
import secrets
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse

from apps.activity.audit import audit
from apps.core import clock
from apps.core.actor import Actor, acting_as, current_actor
from apps.core.errors import Conflict, InvalidRequest, PermissionMissing
from apps.core.mails import mail_after_commit, plain_name
from apps.core.permissions import Permission
from apps.core.scope import account_scope

from ..enums import PartnerRole, Role
from ..limits import Limit, take
from ..models import Account, Invitation, Membership, PartnerMembership, User
from ..registry import tell_owner
from ..selectors import owner_of_address, person_now
from .rights import Grant, require_within

VALID_FOR = timedelta(hours=24)
# A trial account is quickly made: it must not become a way to mail the world.
SENT = Limit("invitation", burst=100, refill=timedelta(minutes=10))


@transaction.atomic
def invite(*, inviter: Membership, email: str, grant: Grant) -> Invitation:
    """Ask somebody to join the inviter's account. Raises PermissionMissing, Conflict."""
    require_within(grant)
    email, account = email.strip().lower(), inviter.account
    if Membership.objects.filter(account=account, user__email=email).exists():
        raise Conflict("This address belongs to a user of the account.", do="Look for it in the list.")
    token = secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            invitation = Invitation.objects.create(
                account=account,
                email=email,
                inviter=inviter.user,
                inviter_label=str(inviter.user)[:200],
                token_hash=hashed(token),
                expires_at=clock.now() + VALID_FOR,
                **grant.columns(),
            )
    except IntegrityError as error:
        raise Conflict("This address is invited already.", do="Send it again from the list.") from error
    _send(invitation, token)
    _write("user.invited", invitation, "Invited {}", **grant.columns())
    return invitation


@transaction.atomic
def invitation_resend(*, invitation: Invitation, inviter: Membership) -> None:
    """Send a new link, in the name of who asks; the one before opens nothing any more."""
    _not_to_own(invitation)
    require_within(Grant.of(invitation))
    token = secrets.token_urlsafe(32)
    invitation.token_hash, invitation.expires_at = hashed(token), clock.now() + VALID_FOR
    invitation.inviter, invitation.inviter_label = inviter.user, str(inviter.user)[:200]
    invitation.save(update_fields=["token_hash", "expires_at", "inviter", "inviter_label"])
    _send(invitation, token)
    _write("user.invitation_resent", invitation, "Sent the invitation of {} again")


@transaction.atomic
def invitation_withdraw(*, invitation: Invitation) -> None:
    """Take an invitation back: its link opens nothing any more."""
    _not_to_own(invitation)
    require_within(Grant.of(invitation))
    _write("user.invitation_withdrawn", invitation, "Took the invitation of {} back")
    invitation.delete()


@transaction.atomic
def invite_owner(*, seat: PartnerMembership, account: Account, email: str) -> Invitation:
    """A partner asks somebody to own an account that nobody owns. In the account's scope. Raises Conflict.

    Until it is accepted the partner holds the account. Asking anew ends what was asked before.
    """
    Account.objects.select_for_update().get(pk=account.pk)
    if _is_owned(account):
        raise Conflict("This account has its owner already.")
    email, token = email.strip().lower(), secrets.token_urlsafe(32)
    Invitation.objects.filter(Q(is_owner=True) | Q(email=email), account=account).delete()
    invitation = Invitation.objects.create(
        account=account,
        email=email,
        is_owner=True,
        inviter=seat.user,
        inviter_label=f"{seat.user} ({seat.partner})"[:200],
        token_hash=hashed(token),
        expires_at=clock.now() + VALID_FOR,
        **Grant(Role.ADMINISTRATOR).columns(),
    )
    _send(invitation, token, "partner_opened", partner=plain_name(seat.partner.name))
    _write("user.invited", invitation, "Asked {} to own the account", is_owner=True)
    return invitation


def invitation_of(token: str) -> Invitation | None:
    """The open invitation of a link; None for one that is used, replaced, too old, or no longer the inviter's.

    What is given must still be the inviter's to give when it is taken.
    """
    rows = Invitation.objects.select_related("account")
    found = rows.filter(token_hash=hashed(token), expires_at__gt=clock.now()).first()
    if found is not None and found.is_owner:
        return found if _may_hand_over(found) else None
    if found is None or found.inviter_id is None:
        return found
    with account_scope(found.account_id):
        inviter = person_now(found.inviter_id)
    if inviter is None or Permission.USERS not in inviter.permissions:
        return None
    return found if Grant.of(found).is_within(inviter) else None


def known_person(invitation: Invitation) -> User | None:
    """Who signs in with the invited address already."""
    return owner_of_address(invitation.email)


@transaction.atomic
def accept_as_new(*, token: str, name: str, password: str) -> User:
    """Make the login of somebody who is new here, and let them in; the link has proved the address.

    Raises InvalidRequest when the link opens nothing any more, Conflict when the address has a login by now.
    """
    invitation = _taken(token)
    try:
        with transaction.atomic():
            user = User.objects.create_user(invitation.email, password, name=name, by_invitation=True)
            EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    except IntegrityError as error:
        raise Conflict("This address has a login already.", do="Sign in, then accept.") from error
    _join(invitation, user)
    return user


@transaction.atomic
def accept_as(*, token: str, user: User) -> Account:
    """Let somebody in who is signed in with the invited address. Raises InvalidRequest."""
    invitation = _taken(token)
    if user.email != invitation.email:
        raise InvalidRequest("This invitation is for another address.", do=f"Sign in as {invitation.email}.")
    _join(invitation, user)
    return invitation.account


def _is_owned(account: Account) -> bool:
    return Membership.objects.filter(account=account, is_owner=True).exists()


def _may_hand_over(invitation: Invitation) -> bool:
    """Whether who asked still manages the partner that holds the account, and nobody owns it yet."""
    seats = PartnerMembership.objects.filter(
        user=invitation.inviter_id,
        user__is_active=True,
        role=PartnerRole.MANAGER,
        partner__customers__account=invitation.account_id,
    )
    return seats.exists() and not _is_owned(invitation.account)


def _not_to_own(invitation: Invitation) -> None:
    if invitation.is_owner:
        raise PermissionMissing(
            "Who is asked to own the account is for the partner to say.", do="See the partner's page of it."
        )


def _taken(token: str) -> Invitation:
    """Hold the invitation: of two clicks at once the second finds it gone."""
    found = invitation_of(token)
    held = Invitation.objects.select_for_update().filter(pk=found.pk).first() if found else None
    if held is None or held.token_hash != hashed(token):
        raise InvalidRequest("This link is not valid any more.", do="Ask for a new invitation.")
    return held


def _join(invitation: Invitation, user: User) -> None:
    account = invitation.account
    grant = Grant.of(invitation)
    rights = grant.columns()
    if invitation.is_owner:
        Account.objects.select_for_update().get(pk=account.pk)
        if _is_owned(account):
            raise Conflict("This account has its owner already.")
        rights |= {"is_owner": True, "is_active": True}
    member, is_new = Membership.objects.get_or_create(account=account, user=user, defaults=rights)
    if invitation.is_owner and not is_new:
        Membership.objects.filter(pk=member.pk).update(**rights)
    invitation.delete()
    if invitation.is_owner:
        with account_scope(account.pk), acting_as(_arriving(user)):
            audit(
                "account.handed_over",
                description=f"{user} owns the account now, as {invitation.inviter_label} asked",
                person=user.email,
            )
            tell_owner(account.pk, user)
    elif is_new:
        with account_scope(account.pk), acting_as(_arriving(user)):
            audit(
                "user.joined",
                description=f"{user} accepted the invitation of {invitation.inviter_label}",
                person=user.email,
                **grant.columns(),
            )


def _arriving(user: User) -> Actor:
    return Actor("user", label=str(user), user_id=user.pk, address=current_actor().address)


def _send(invitation: Invitation, token: str, name: str = "invitation", **context: str) -> None:
    if not take(SENT, invitation.account_id):
        raise Conflict("Too many invitations were sent.", do="Wait an hour, then go on.")
    mail_after_commit(
        name,
        [invitation.email],
        link=reverse("invitation", args=[token]),
        link_words="Look at the invitation",
        secret=True,
        account=plain_name(invitation.account.name),
        inviter=plain_name(invitation.inviter_label),
        **context,
    )


def _write(code: str, invitation: Invitation, sentence: str, **details: object) -> None:
    with account_scope(invitation.account_id):
        audit(
            code,
            description=sentence.format(invitation.email),
            subject_id=invitation.public_id,
            person=invitation.email,
            **details,  # type: ignore[arg-type]
        )


def hashed(token: str) -> str:
    """What is kept of the token of a link."""
    return hashlib.sha256(token.encode()).hexdigest()
