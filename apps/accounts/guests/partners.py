"""Partners (features MSP-01): their people, the accounts they look after, and how that begins and ends."""

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction

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
from ..members.invitations import invite_owner
from ..models import Account, Partner, PartnerCustomer, PartnerMembership
from ..registry import Standing, standings_of
from .entering import guest_left
from .seats import person_invite

log = logging.getLogger("everkeep.accounts")
PAGE_SIZE = 50
# What a customer can let a partner be. Not the owner; the owner is a person of the customer's.
ROLES = [Role.ADMINISTRATOR, Role.BACKUP_OPERATOR, Role.RESTORE_OPERATOR, Role.AUDITOR]


@transaction.atomic
def partner_create(*, name: str, email: str) -> Partner:
    """Make a partner and ask its first manager; for the operator, who may ask again while it has nobody."""
    partner = Partner.objects.filter(name=name, memberships=None).first() or Partner.objects.create(name=name)
    person_invite(partner=partner, email=email, role=PartnerRole.MANAGER, inviter=None)
    return partner


@transaction.atomic
def partner_rules(*, seat: PartnerMembership, second_factor: bool) -> bool:
    """Hold the partner's people to it from their next click on; False when nothing differs."""
    changed = Partner.objects.filter(pk=seat.partner_id).exclude(second_factor_required=second_factor)
    if not changed.update(second_factor_required=second_factor):
        return False
    more = f"Second factor: {'required' if second_factor else 'not required'}."
    log.info("partner %s: %s (%s)", seat.partner.public_id, more, seat.user.public_id)
    managers = PartnerMembership.objects.filter(partner=seat.partner, role=PartnerRole.MANAGER)
    mail_after_commit(
        "security_policy",
        list(managers.filter(user__is_active=True).values_list("user__email", flat=True)),
        link="/partner/people/",
        link_words="People",
        what=f"What {seat.partner} asks of its people was changed",
        more=more,
        who=str(seat.user),
    )
    return True


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
    """Ask a person of the customer to own the account. Raises Conflict when it has an owner."""
    with _as_partner(seat, relation.account_id):
        invite_owner(seat=seat, account=relation.account, email=email)


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
    for seat in PartnerMembership.objects.filter(partner=relation.partner).select_related("user"):
        guest_left(seat.user, relation.account_id)
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


def _as_partner(seat: PartnerMembership, account_id: int) -> ExitStack:
    stack = ExitStack()
    stack.enter_context(account_scope(account_id))
    stack.enter_context(acting_as(replace(current_actor(), label=f"{seat.user} ({seat.partner})")))
    return stack


def _role(relation: PartnerCustomer) -> str:
    return Role(relation.role).label
