"""What keeps people out of an account, or lets programs in."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from ..address_ranges import AddressRange, range_between


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
