"""Partners (features MSP-01): their people, the accounts they look after, and how that begins and ends."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.activity.audit import audit
from apps.activity.services import record
from apps.core import clock
from apps.core.actor import acting_as, current_actor
from apps.core.errors import Conflict, NotFound
from apps.core.keyset import KeysetPage, page_of
from apps.core.mails import mail_after_commit
from apps.core.scope import account_scope, some_accounts
from apps.core.sight import whole_sight

from ..enums import PartnerRole, Role
from ..life.trial import trial_end
from ..models import Account, Membership, Partner, PartnerCustomer, PartnerMembership, User
from ..registry import Standing, standings_of

PAGE_SIZE = 50
# What a customer can let a partner be. Not the owner; the owner is a person of the customer's.
ROLES = [Role.ADMINISTRATOR, Role.BACKUP_OPERATOR, Role.RESTORE_OPERATOR, Role.AUDITOR]


@transaction.atomic
def partner_create(*, name: str, email: str) -> Partner:
    """Make a partner and its first manager; for the operator."""
    partner = Partner.objects.create(name=name)
    if not person_add(partner=partner, email=email, role=PartnerRole.MANAGER):
        raise Conflict("This person belongs to another partner.")
    return partner


@transaction.atomic
def person_add(*, partner: Partner, email: str, role: str) -> bool:
    """Let somebody work for the partner; False when they work for one already, which the page does not tell."""
    user = _person(email)
    _, is_new = PartnerMembership.objects.get_or_create(user=user, defaults={"partner": partner, "role": role})
    mail_after_commit(
        "partner_joined" if is_new else "partner_not_joined",
        [user.email],
        partner=partner.name,
        link=reverse("account_reset_password"),
        link_words="Set a password, if you have none",
    )
    return is_new


@transaction.atomic
def person_remove(*, partner: Partner, public_id: UUID, by: User) -> None:
    """Somebody leaves the partner; open sessions in customers' accounts end with their next request."""
    seat = PartnerMembership.objects.filter(partner=partner, public_id=public_id).first()
    if seat is None:
        raise NotFound("There is no such person in your organisation.")
    if seat.user_id == by.pk:
        raise Conflict("You cannot take yourself out.", do="Ask another manager.")
    seat.delete()


@transaction.atomic
def customer_create(*, seat: PartnerMembership, data: Mapping[str, Any]) -> PartnerCustomer:
    """Open an account for a customer. Without `email` the partner holds it until it is handed over."""
    now = clock.now()
    account = Account.objects.create(
        name=data["name"], location=data["location"], created_at=now, trial_ends_at=trial_end(now)
    )
    relation = PartnerCustomer.objects.create(partner=seat.partner, account=account, role=data["role"])
    with _as_partner(seat, account.pk):
        record("account.created", item_label=account.name, subject_id=account.public_id, by=str(seat.partner))
        audit(
            "partner.added",
            description=f"{seat.partner} opened the account, and enters it as {_role(relation)}.",
        )
    if data.get("email"):
        customer_hand_over(seat=seat, relation=relation, email=data["email"])
    return relation


@transaction.atomic
def customer_hand_over(*, seat: PartnerMembership, relation: PartnerCustomer, email: str) -> None:
    """Make a person of the customer the owner. Raises Conflict when there is one."""
    user = _person(email)
    try:
        with transaction.atomic():
            Membership.objects.create(
                account=relation.account, user=user, role=Role.ADMINISTRATOR, is_owner=True
            )
    except IntegrityError as error:
        raise Conflict("This account has its owner already.") from error
    with _as_partner(seat, relation.account_id):
        audit("account.handed_over", description=f"{seat.partner} handed the account over to its owner.")
    mail_after_commit(
        "partner_opened",
        [user.email],
        partner=seat.partner.name,
        link=reverse("account_reset_password"),
        link_words="Set a password, if you have none",
    )


@transaction.atomic
def customer_accept(*, account: Account, number: str, role: str) -> PartnerCustomer:
    """The owner lets a partner in, by the number that the partner told them."""
    try:
        partner = Partner.objects.filter(public_id=UUID(number.strip())).first()
    except ValueError:
        partner = None
    if partner is None:
        raise NotFound("There is no partner of this number.", do="Ask your partner for it.")
    relation, is_new = PartnerCustomer.objects.get_or_create(
        account=account, defaults={"partner": partner, "role": role}
    )
    if not is_new:
        raise Conflict("A partner looks after this account already.", do="End that first.")
    audit("partner.added", description=f"{partner} may enter the account as {_role(relation)}.")
    return relation


@transaction.atomic
def relation_end(*, relation: PartnerCustomer) -> None:
    """The partner is out at once, open sessions included. In the customer's scope."""
    audit("partner.ended", description=f"{relation.partner} does not look after the account any more.")
    relation.delete()


def relation_of(account: Account) -> PartnerCustomer | None:
    """Who looks after an account."""
    return PartnerCustomer.objects.select_related("partner").filter(account=account).first()


def customer_of(seat: PartnerMembership, public_id: UUID) -> PartnerCustomer:
    """One customer of this partner; another partner's and a missing one are the same NotFound."""
    rows = PartnerCustomer.objects.select_related("account", "partner")
    relation = rows.filter(partner=seat.partner, public_id=public_id).first()
    if relation is None:
        raise NotFound("There is no such customer.")
    return relation


def customers_page(
    partner: Partner, *, before: UUID | None, after: UUID | None
) -> tuple[KeysetPage[PartnerCustomer], Mapping[int, Standing]]:
    """One page of customers by name, and how their backups stand: two queries, however many there are."""
    rows = PartnerCustomer.objects.filter(partner=partner).select_related("account")
    page = page_of(rows, keys=("account__name", "pk"), size=PAGE_SIZE, before=before, after=after)
    ids = [relation.account_id for relation in page.items]
    with some_accounts(ids), whole_sight("states and counts of accounts that are looked after, no names"):
        return page, standings_of(ids)


def _person(email: str) -> User:
    """Who has this address. A new person proves by the mail that it is theirs, and sets a password then."""
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        user = User.objects.create_user(email, None)
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
    return user


def _as_partner(seat: PartnerMembership, account_id: int) -> ExitStack:
    stack = ExitStack()
    stack.enter_context(account_scope(account_id))
    stack.enter_context(acting_as(replace(current_actor(), label=f"{seat.user} ({seat.partner})")))
    return stack


def _role(relation: PartnerCustomer) -> str:
    return Role(relation.role).label
