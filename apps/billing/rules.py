"""The numbers of billing, in one place. docs/billing.md says why."""

from datetime import timedelta
from typing import Final

from .enums import Interval

WINDOW: Final = timedelta(days=7)  # a charge rests on the highest count of so many days
LINES_KEPT: Final = timedelta(days=10)  # lists behind days that no invoice rests on

# A failed charge is tried again so many days after the first one that failed.
RETRY_DAYS: Final = (1, 3, 5, 7, 14)
# So many days after trouble begins, nothing new is backed up.
GRACE: Final = {Interval.MONTH: timedelta(days=21), Interval.YEAR: timedelta(days=30)}
# Without a plan the account is closed after this, with the seven days of every closing.
AFTER_STOP: Final = timedelta(days=30)
TOLD_AT: Final = (14, 7, 1)  # days before that
# So long an account is neither closed for want of a plan nor deleted: a request that the operator has not
# answered, a charge or a payment page whose end nobody knows.
HELD_FOR_REQUEST: Final = timedelta(days=30)
HELD_FOR_MONEY: Final = timedelta(days=7)

# Without a card processor nobody can ask for the end of a charge: after this it counts as failed.
UNHEARD_OF: Final = timedelta(days=7)

# So many new pages at the card processor an account opens within an hour, to pay and to add cards.
PAGES_AN_HOUR: Final = 12

# A first year may begin so long after the first day that could be paid for: those days are free.
LATEST_START: Final = timedelta(days=31)

PAYABLE: Final = {Interval.MONTH: timedelta(days=14), Interval.YEAR: timedelta(days=30)}
AHEAD: Final = {Interval.MONTH: timedelta(0), Interval.YEAR: timedelta(days=30)}  # when it is billed
# Reminders of an invoice that is not charged by itself, in days from its due day.
REMINDED_AT: Final = (-7, -1, 1, 7, 14, 21)

# A period is passed over only once the clock that says so was seen to go on for so long.
BELIEVED: Final = timedelta(days=1)

SERIES: Final = "INV"
CREDIT_SERIES: Final = "CRN"
