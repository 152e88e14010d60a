"""What keeps people out of an account, or lets programs in."""

from django.db import models

from apps.core import clock
from apps.core.ids import new_public_id
from apps.core.models import AccountModel

from ..address_ranges import AddressRange, range_between
from .people import Membership, User


class AllowedAddress(AccountModel):
    """One entry of the list of addresses that an account may be reached from (features SEC-05)."""

    first = models.GenericIPAddressField()
    last = models.GenericIPAddressField()
    description = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    added_by = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "allowed_address"
        constraints = [
            models.UniqueConstraint(fields=["account", "first", "last"], name="allowed_address_once")
        ]

    def __str__(self) -> str:
        return str(self.range)

    @property
    def range(self) -> AddressRange:
        return range_between(self.first, self.last)


class UserSession(models.Model):
    """One browser that a person is signed in with. The session of the browser names it; without it, it is over.

    Hangs on the person, not on an account: a person of several accounts has one session for all.
    """

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=100, blank=True)

    class Meta:
        db_table = "user_session"
        indexes = [models.Index(fields=["last_seen_at"], name="user_session_seen")]

    def __str__(self) -> str:
        return self.browser


class ApiToken(models.Model):
    """Lets a program act in one account as one of its members, with at most `permissions` and `services`.

    Only a digest is kept. Hangs on the membership, so that it ends with it; read before a scope exists, hence
    not an AccountModel. `services` None is all that the member sees.
    """

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    ending = models.CharField(max_length=4)
    permissions = models.JSONField(default=list)
    services = models.JSONField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    last_used_from = models.CharField(max_length=45, blank=True)

    class Meta:
        db_table = "api_token"

    def __str__(self) -> str:
        return self.name

    @property
    def is_over(self) -> bool:
        return self.expires_at <= clock.now()
