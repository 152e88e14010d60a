"""What was counted each day. Counts stay; the list behind a day stays as long as a charge may rest on it."""

from django.db import models

from apps.core.models import AccountModel

from ..enums import Unit


class MeterDay(AccountModel):
    """How much of one service was there on one day: all of it, and what is paid for."""

    day = models.DateField()
    service = models.CharField(max_length=20)
    unit = models.CharField(max_length=10, choices=Unit)
    quantity = models.DecimalField(max_digits=14, decimal_places=3)
    billable = models.DecimalField(max_digits=14, decimal_places=3)

    class Meta:
        db_table = "meter_day"
        constraints = [
            models.UniqueConstraint(fields=["account", "day", "service", "unit"], name="meter_day_once")
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.unit} {self.day:%Y-%m-%d}"


class MeterLine(AccountModel):
    """One entity of a day's count, whether it is paid for, and why.

    No name: `label` is the kind of entity. Who may see names is asked when they are read (`selectors.names`).
    """

    meter_day = models.ForeignKey(MeterDay, on_delete=models.CASCADE, related_name="lines")
    entity_public_id = models.UUIDField()
    label = models.CharField(max_length=60)
    size = models.BigIntegerField(default=0)  # bytes
    billable = models.BooleanField()
    why = models.CharField(max_length=20)  # `meter.WHY` has the words

    class Meta:
        db_table = "meter_line"
        constraints = [
            models.UniqueConstraint(fields=["meter_day", "entity_public_id"], name="meter_line_once")
        ]

    def __str__(self) -> str:
        return self.label
