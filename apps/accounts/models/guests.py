"""Who may enter an account without belonging to it: people of a partner, and Everkeep's staff while allowed."""

from typing import Any, NoReturn

from django.db import models

from apps.core import clock
from apps.core.ids import new_public_id
from apps.core.models import AccountModel

from ..enums import PartnerRole, Role
from .account import Account
from .people import Membership, User


class Partner(models.Model):
    """An organisation that looks after accounts of others (features MSP-01)."""

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=clock.now)
    # Whether its people need a second factor to work for it.
    second_factor_required = models.BooleanField(default=False)

    class Meta:
        db_table = "partner"

    def __str__(self) -> str:
        return self.name


class PartnerMembership(models.Model):
    """A person of a partner. One partner a person."""

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="memberships")
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="partner_membership")
    role = models.CharField(max_length=12, choices=PartnerRole, default=PartnerRole.TECHNICIAN)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "partner_membership"

    def __str__(self) -> str:
        return f"{self.user} of {self.partner}"


class SeatInvitation(models.Model):
    """Somebody who may join a partner until `expires_at`, by the link that was mailed to `email`.

    No seat before it is accepted: it would be nobody's wish, and keep the person from another partner.
    """

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="seat_invitations")
    email = models.EmailField()
    role = models.CharField(max_length=12, choices=PartnerRole)
    token_hash = models.CharField(max_length=64, unique=True)
    # None is the operator.
    inviter = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    inviter_label = models.CharField(max_length=200)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "seat_invitation"
        constraints = [models.UniqueConstraint(fields=["partner", "email"], name="seat_invitation_once")]

    def __str__(self) -> str:
        return self.email

    @property
    def is_open(self) -> bool:
        return self.expires_at > clock.now()


class PartnerCustomer(models.Model):
    """That a partner looks after an account, and as what its people enter. Gone when either side ends it.

    Not an AccountModel: a partner's dashboard reads it across accounts, always by its own partner.
    """

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="customers")
    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="partner_relation")
    role = models.CharField(max_length=20, choices=Role)
    since = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "partner_customer"

    def __str__(self) -> str:
        return f"{self.partner} looks after {self.account}"


class SupportGrant(AccountModel):
    """A customer lets Everkeep's staff in for some hours, as what, and why. Ends by itself."""

    role = models.CharField(max_length=20, choices=Role, default=Role.AUDITOR)
    reason = models.CharField(max_length=300)
    given_by = models.CharField(max_length=200)
    given_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "support_grant"
        indexes = [models.Index(fields=["account", "-given_at"], name="support_grant_newest")]

    def __str__(self) -> str:
        return f"{self.get_role_display()} until {self.ends_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.revoked_at is None and self.ends_at > clock.now()


class GuestMembership(Membership):
    """What somebody from outside may do in an account, made anew for each request and never stored.

    So it counts among nobody's users, owns nothing, and ends the moment its ground is gone. `via` names whom
    the guest comes from; `withheld` are rights that no guest of this kind has, whatever the role.
    """

    withheld: frozenset[str] = frozenset()

    class Meta:
        proxy = True

    @property
    def permissions(self) -> frozenset[str]:
        return super().permissions - self.withheld

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("A guest's membership is never stored.")
