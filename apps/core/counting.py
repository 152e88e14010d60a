"""How many there are, as far as somebody wants to know: history must not make a page slow."""

from typing import Any, Final

from django.db.models import QuerySet

COUNTED: Final = 1_000
"""Beyond this nothing is counted: one more says "more"."""


def count_up_to(rows: "QuerySet[Any]") -> int:
    """Count rows, COUNTED + 1 at the most."""
    return rows.order_by()[: COUNTED + 1].count()


def counted_words(number: int) -> str:
    """ "37", "1,000", and "1,000+" for more."""
    return f"{number:,}" if number <= COUNTED else f"{COUNTED:,}+"
