"""Prices: the operator's, the same for all accounts. A list is never changed once it is stored."""

from django.db import models

from apps.core import clock

from ..enums import Interval, Unit


class PriceList(models.Model):
    """Prices of one currency from one day on. `name` is what invoices and commands call it."""

    name = models.CharField(max_length=60)
    currency = models.CharField(max_length=3)
    valid_from = models.DateField()
    stored_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "price_list"
        constraints = [
            models.UniqueConstraint(fields=["name", "currency", "valid_from"], name="price_list_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.currency} from {self.valid_from:%Y-%m-%d}"


class Price(models.Model):
    """What one entity, or one GB, of a service costs for a month or a year, in minor units."""

    list = models.ForeignKey(PriceList, on_delete=models.CASCADE, related_name="prices")
    service = models.CharField(max_length=20)
    unit = models.CharField(max_length=10, choices=Unit)
    noun = models.CharField(max_length=30)  # what one of it is called: "mailbox", "GB"
    interval = models.CharField(max_length=10, choices=Interval)
    amount_minor = models.PositiveBigIntegerField()

    class Meta:
        db_table = "price"
        constraints = [
            models.UniqueConstraint(fields=["list", "service", "unit", "interval"], name="price_once")
        ]

    def __str__(self) -> str:
        return f"{self.service} per {self.unit} and {self.interval}"
