"""People, rights and agreements that addresses name."""

from datetime import timedelta
from uuid import uuid4

from apps.accounts.models import (
    AllowedAddress,
    ApiToken,
    Approval,
    Partner,
    PartnerCustomer,
    PartnerMembership,
    SupportGrant,
    User,
)
from apps.core import clock
from apps.core.scope import account_scope
from tests.cast import Cast


def an_account(cast: Cast) -> list[object]:
    return [cast.account.public_id]


def a_member(cast: Cast) -> list[object]:
    return [cast.viewer.memberships.get().public_id]


def a_grant(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        ends_at = clock.now() + timedelta(hours=1)
        return [SupportGrant.objects.create(account=cast.account, reason="Look", ends_at=ends_at).public_id]


def an_approval(cast: Cast) -> list[object]:
    """The operator proposed it."""
    with account_scope(cast.account.pk):
        now = clock.now()
        row = Approval.objects.create(
            account=cast.account, act="two_person.off", label="Switch the rule off", opens_at=now,
            expires_at=now + timedelta(days=7), proposer_id=cast.operator.pk, proposer_label="Oskar",
        )  # fmt: skip
        return [row.public_id]


def a_relation(cast: Cast) -> list[object]:
    return [_relation(cast).public_id]


def a_colleague(cast: Cast) -> list[object]:
    """Somebody else of the partner that looks after the account."""
    user = User.objects.create_user(f"{uuid4().hex}@partners.example")
    return [PartnerMembership.objects.create(partner=_relation(cast).partner, user=user).public_id]


def the_account(cast: Cast) -> list[object]:
    return [cast.account.public_id]


def an_invitation(cast: Cast) -> list[object]:
    """The open one of the cast; in another account one of its own."""
    found, _ = cast.account.invitations.get_or_create(
        email=cast.invited.email,
        defaults={"role": "auditor", "token_hash": "1" * 64, "expires_at": clock.now()},
    )
    return [found.public_id]


def an_address(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        entry = AllowedAddress.objects.create(account=cast.account, first="203.0.113.0", last="203.0.113.15")
    return [entry.public_id]


def a_token(cast: Cast) -> list[object]:
    """A token of the owner."""
    token = ApiToken.objects.create(
        membership=cast.owner.memberships.get(),
        name="Nightly",
        digest=uuid4().hex,
        expires_at=clock.now() + timedelta(days=1),
    )
    return [token.public_id]


def a_user(cast: Cast) -> list[object]:
    return [cast.viewer.memberships.get().public_id]


def _relation(cast: Cast) -> PartnerCustomer:
    """The one of the cast; another account gets a partner of its own."""
    found = PartnerCustomer.objects.filter(account=cast.account).first()
    return found or PartnerCustomer.objects.create(
        partner=Partner.objects.create(name="Sushi Support"), account=cast.account, role="auditor"
    )
