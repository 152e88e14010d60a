"""When each account last had its turn in the queue of backups."""

from django.db import models

from apps.core.models import AccountModel


class AccountTurn(AccountModel):
    """Written by the tick: of accounts that wait alike, who was served the longest ago comes first."""

    served_at = models.DateTimeField()

    class Meta:
        db_table = "account_turn"
        constraints = [models.UniqueConstraint(fields=["account"], name="one_turn_per_account")]

    def __str__(self) -> str:
        return f"{self.account_id} at {self.served_at}"
