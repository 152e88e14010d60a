"""Numbers of invoices: each series counts from 1 without a gap, whoever issues and whoever breaks off."""

from django.db import connection

from .models import NumberSeries


def number_next(series: str) -> int:
    """Give out the next number, in the transaction of the invoice that bears it.

    The row of the series stays locked until that transaction ends: who rolls back gives the number back before
    anybody else takes one. Call it late, before nothing but the audit.
    """
    assert connection.in_atomic_block, "a number without its invoice would be a gap"
    NumberSeries.objects.get_or_create(series=series)
    row = NumberSeries.objects.select_for_update().get(series=series)
    row.last += 1
    row.save(update_fields=["last"])
    return row.last
