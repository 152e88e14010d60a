"""Bills computed plainly, from docs/billing.md alone: nothing of `apps.billing` is used here.

Whole numbers and fractions, a list of days, one day after the other: slow and easy to check by eye.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

Quantities = Mapping[tuple[str, str], Fraction]  # by service and unit, what is paid for
Prices = Mapping[tuple[str, str], int]
GRACE = timedelta(days=14 + 1 + 21)  # payable in 14 days, overdue on the day after, backed up for 21 more


def round_half_up(amount: Fraction) -> int:
    return int(amount + Fraction(1, 2))


def month_later(day: date, anchor: int) -> date:
    year, month = (day.year, day.month + 1) if day.month < 12 else (day.year + 1, 1)
    return date(year, month, min(anchor, monthrange(year, month)[1]))


@dataclass(frozen=True)
class Bill:
    first: date
    until: date
    issued: date
    lines: tuple[int, ...]
    rate: Fraction

    @property
    def net(self) -> int:
        return sum(self.lines)

    @property
    def tax(self) -> int:
        return round_half_up(self.net * self.rate / 100)


@dataclass
class PlainBooks:
    """One monthly plan, whose invoices are paid by hand."""

    trial_ends: date
    state: str = "none"  # running, suspended, ended
    cancelled: bool = False
    billed_to: date = date.min
    anchor: int = 1
    prices: Prices = field(default_factory=dict)
    rate: Fraction = Fraction(0)
    counts: dict[date, Quantities] = field(default_factory=dict)
    bills: list[Bill] = field(default_factory=list)
    unpaid: list[Bill] = field(default_factory=list)
    periods: list[tuple[date, date]] = field(default_factory=list)  # also those that came to nothing
    looks_behind: int = 0

    def subscribe(self, today: date, prices: Prices) -> None:
        self.state, self.cancelled, self.prices = "running", False, prices
        self.begin(max(today, self.trial_ends))

    def begin(self, day: date) -> None:
        self.billed_to, self.anchor = day, day.day

    def look(self, today: date) -> None:
        """The daily job."""
        while self.state == "running":
            if self.cancelled:
                if self.billed_to <= today:
                    self.state = "ended"
                break
            until = month_later(self.billed_to, self.anchor)
            if until > today:
                self.looks_behind = 0
            if self.billed_to > today:
                break
            if until <= today:
                # A whole period in which nobody looked: believed when seen for a day, six hours at each look.
                self.looks_behind += 1
                if self.looks_behind <= 4:
                    break
                self.looks_behind = 0
                self.begin(today)
                continue
            self.bill(until, today)
        late = [bill for bill in self.unpaid if bill.issued + GRACE <= today]
        if self.state == "running" and late:
            self.state, self.looks_behind = "suspended", 0

    def bill(self, until: date, today: date) -> None:
        lines = tuple(total for total in self.totals(min(self.billed_to, today)) if total)
        if lines:
            self.bills.append(Bill(self.billed_to, until, today, lines, self.rate))
            self.unpaid.append(self.bills[-1])
        self.periods.append((self.billed_to, until))
        self.billed_to = until

    def totals(self, on: date) -> list[int]:
        """Service by service, the highest count of seven days; where none was counted, the newest before."""
        known = [day for day in self.counts if day <= on]
        window = [day for day in known if (on - day).days < 7] or sorted(known)[-1:]
        most = {
            what: max((self.counts[day].get(what, Fraction(0)) for day in window), default=Fraction(0))
            for what in self.prices
        }
        return [round_half_up(self.prices[what] * most[what]) for what in sorted(self.prices)]

    def pay_oldest(self, today: date) -> None:
        self.unpaid.pop(0)
        if self.state != "suspended" or any(bill.issued + timedelta(days=15) <= today for bill in self.unpaid):
            return
        if self.cancelled and self.billed_to <= today:
            self.state, self.cancelled = "ended", False
            return
        self.state = "running"
        if self.billed_to < today:
            self.begin(today)  # suspended time is not billed
