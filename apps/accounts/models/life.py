"""What comes and goes in the life of an account: a person's new address, and what is left when it has ended."""

from django.db import models

from apps.core import clock
from apps.core.ids import new_public_id

from ..enums import ClosingCause
from .people import User


class AddressChange(models.Model):
    """A person wants another address. One at a time; kept until the old address can object no more.

    Only digests of the two links are kept. `new` of somebody else's address is stored all the same, with a
    link that nobody gets: the page must look the same.
    """

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="address_change")
    old = models.EmailField()
    new = models.EmailField()
    confirm_digest = models.CharField(max_length=64, unique=True)
    object_digest = models.CharField(max_length=64, unique=True)
    asked_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(default=clock.now)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "address_change"

    def __str__(self) -> str:
        return f"change of address {self.public_id}"


class Tombstone(models.Model):
    """That an account was, and that it is gone. Written with its point of no return; names no person.

    No foreign key: it outlives what it tells. `proof` holds what each step of the deletion found, in numbers;
    `waiting_for` is emptied at the end.
    """

    account_public_id = models.UUIDField(unique=True)
    account_row = models.BigIntegerField()
    opened_at = models.DateTimeField()
    asked_at = models.DateTimeField()
    cause = models.CharField(max_length=10, choices=ClosingCause)
    begun_at = models.DateTimeField()
    busy_until = models.DateTimeField(null=True)
    waiting_for = models.TextField(blank=True)
    proof = models.JSONField(default=dict)
    steps_done_at = models.DateTimeField(null=True)  # all steps are through: rows alone are left
    shredded_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tombstone"

    def __str__(self) -> str:
        return str(self.account_public_id)
