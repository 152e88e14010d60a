"""The tenancy boundary."""

from django.db import models

from apps.core import clock
from apps.core.ids import new_public_id

from ..enums import AccountState, ClosingCause, Location


class Account(models.Model):
    """One customer of the portal. Everything a customer owns hangs on it."""

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    name = models.CharField(max_length=200)
    location = models.CharField(max_length=2, choices=Location)
    state = models.CharField(max_length=10, choices=AccountState, default=AccountState.TRIAL)
    created_at = models.DateTimeField(default=clock.now)
    # Days and weeks of retention are counted in it, and new schedules begin with it.
    time_zone = models.CharField(max_length=64, default="UTC")
    # Zones it had before, each with when it was last left: what was backed up until then keeps its days.
    zones_left = models.JSONField(default=dict)
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    # Whether the list of allowed addresses counts (features SEC-06).
    only_allowed_addresses = models.BooleanField(default=False)
    # Since when nothing is backed up for want of a paid plan (life/suspension.py). Recovery works all the same.
    suspended_at = models.DateTimeField(null=True, blank=True)
    trial_told = models.PositiveSmallIntegerField(null=True)  # days left at the last mail about the trial
    # Closing (life/closing.py): since when, until when it can be taken back, why, and its state before.
    closing_since = models.DateTimeField(null=True)
    closes_at = models.DateTimeField(null=True)
    closing_cause = models.CharField(max_length=10, choices=ClosingCause, blank=True)
    closing_told = models.BooleanField(default=False)  # the mail of the last day
    state_before = models.CharField(max_length=10, choices=AccountState, blank=True)
    # How much of the present grace was really seen to pass (life/grace.py).
    counted_at = models.DateTimeField(null=True)
    counted_seconds = models.PositiveIntegerField(default=0)

    # What the account demands of everybody in it (features SEC-02, SEC-03).
    second_factor_required = models.BooleanField(default=False)
    # Two-person rule (approvals/): what destroys backups wants a second administrator.
    two_person = models.BooleanField(default=False)
    password_days = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        db_table = "account"

    def __str__(self) -> str:
        return self.name
