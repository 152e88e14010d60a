"""Prices as data: reading a file, storing it as a list of each currency, finding the list in force."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from .enums import Interval, Unit
from .errors import PriceAgreed, PricesWrong, PriceUnknown
from .models import Price, PriceList
from .money import to_minor

CURRENCY: Final = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Row:
    """One price as a file says it."""

    service: str
    unit: str
    noun: str
    interval: str
    amount_minor: int


@transaction.atomic
def prices_store(path: Path) -> list[tuple[PriceList, bool]]:
    """Store the lists of a file, one for each currency, and say which are new.

    All or nothing. A list that is there already with the same prices is left; with others: PriceAgreed.
    """
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PricesWrong(f"{path} cannot be read: {error}") from error
    name, valid_from = content.get("name"), content.get("valid_from")
    if not isinstance(name, str) or not name or not isinstance(valid_from, date):
        raise PricesWrong("The file needs a name and a day valid_from.")
    lists = _rows(content)
    return [_store(name, currency, valid_from, rows) for currency, rows in sorted(lists.items())]


def _rows(content: Mapping[str, Any]) -> dict[str, list[Row]]:
    lists: dict[str, list[Row]] = {}
    for price in content.get("price", []):
        service, unit = price.get("service"), price.get("unit")
        if not isinstance(service, str) or unit not in Unit.values:
            raise PricesWrong(f"A price needs a service and a unit, one of {', '.join(Unit.values)}: {price}")
        noun = str(price.get("noun") or ("GB" if unit == Unit.GB else "entity"))
        for interval in Interval.values:
            for currency, amount in price.get(interval, {}).items():
                if not CURRENCY.fullmatch(currency) or not isinstance(amount, str):
                    raise PricesWrong(f'Amounts are text behind a currency (EUR = "2.80"), not {amount!r}.')
                minor = to_minor(amount, currency)
                if minor < 0:
                    raise PricesWrong(f"A price is not below zero: {amount}")
                lists.setdefault(currency, []).append(Row(service, unit, noun, interval, minor))
    if not lists:
        raise PricesWrong("The file has no price.")
    return lists


def _store(name: str, currency: str, valid_from: date, rows: list[Row]) -> tuple[PriceList, bool]:
    found, is_new = PriceList.objects.get_or_create(name=name, currency=currency, valid_from=valid_from)
    if is_new:
        for row in rows:
            Price.objects.create(
                list=found,
                service=row.service,
                unit=row.unit,
                noun=row.noun,
                interval=row.interval,
                amount_minor=row.amount_minor,
            )
        return found, True
    kept = {
        Row(p.service, p.unit, p.noun, p.interval, p.amount_minor) for p in Price.objects.filter(list=found)
    }
    if kept != set(rows):
        raise PriceAgreed(
            f"The list {found} is stored with other prices, and customers may have agreed to them.",
            do="Give the new prices another valid_from.",
        )
    return found, False


def list_in_force(currency: str, on: date, name: str = "") -> PriceList:
    """The newest list of a currency that is valid on a day. Raises PriceUnknown."""
    wanted = name or settings.BILLING_PRICE_LIST
    lists = PriceList.objects.filter(name=wanted, currency=currency, valid_from__lte=on)
    found = lists.order_by("-valid_from").first()
    if found is None:
        raise PriceUnknown(f"There are no prices in {currency}.", do="Ask support.")
    return found


def currencies() -> list[str]:
    """What can be paid in."""
    lists = PriceList.objects.filter(name=settings.BILLING_PRICE_LIST)
    return sorted(lists.values_list("currency", flat=True).distinct())
