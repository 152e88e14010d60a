"""One day of an account's billing."""

from datetime import date


def run_billing_day(account_id: int, today: date) -> None:
    """Do all that is due for an account up to `today`. May be killed anywhere and called again."""
    raise NotImplementedError
