"""The tenancy boundary."""

from django.db import models

from apps.core import clock
from apps.core.ids import new_public_id

from ..enums import AccountState, Location


class Account(models.Model):
    """One customer of the portal. Everything a customer owns hangs on it."""

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    name = models.CharField(max_length=200)
    location = models.CharField(max_length=2, choices=Location)
    state = models.CharField(max_length=10, choices=AccountState, default=AccountState.TRIAL)
    created_at = models.DateTimeField(default=clock.now)
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    # Whether the list of allowed addresses counts (features SEC-06).
    only_allowed_addresses = models.BooleanField(default=False)

    class Meta:
        db_table = "account"

    def __str__(self) -> str:
        return self.name
