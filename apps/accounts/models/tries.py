"""Tries that are counted, so that nobody guesses for long."""

from django.db import models


class TryCount(models.Model):
    """A leaky bucket: each try adds one to `level`, time takes it away. `key` is a hash that names nobody.

    In the database and not in the cache, so that every web process counts the same, with nothing to install.
    """

    key = models.CharField(max_length=64, primary_key=True)
    level = models.FloatField()
    counted_at = models.DateTimeField()
    empty_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "try_count"

    def __str__(self) -> str:
        return f"{self.level:.1f} tries"
