"""What the operator does about money by `manage.py billing`. All of it stands in the account's audit."""

import re
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError

from apps.accounts.models import Account
from apps.core.scope import account_scope, every_account

from .enums import SubscriptionState
from .models import Invoice, KeptInvoice, Subscription
from .money import shown, to_minor
from .pages.forecasts import forecast_for
from .price_lists import prices_store
from .services import (
    invoice_credit,
    invoice_give_up,
    invoice_mail,
    invoice_void,
    payment_recorded,
    subscription_change,
    subscription_confirm,
    subscription_of,
    subscription_refuse,
)

Say = Callable[[str], object]
Options = Mapping[str, Any]
REFERENCE: Final = re.compile(r"([A-Z]+)-0*(\d+)")


def add_arguments(actions: Any) -> None:
    """Declare each action to the parser."""
    prices = actions.add_parser("prices", help="store the price lists of a file")
    prices.add_argument("file", type=Path)
    actions.add_parser("requests", help="list requests for annual plans")
    for name, words in (
        ("show", "tell how an account's plan stands"),
        ("confirm", "say yes to an annual request"),
    ):
        _of_account(actions, name, words)
    _of_account(actions, "refuse", "say no to an annual request").add_argument("why")
    _of_account(actions, "currency", "change the currency of invoices to come").add_argument("currency")
    _of_account(actions, "price-list", "change the price list of invoices to come").add_argument("name")
    _of_account(actions, "auto-pay", "charge cards, or send invoices to pay by hand").add_argument(
        "on", choices=["on", "off"]
    )
    payment = _of_invoice(actions, "record-payment", "note a bank transfer that arrived")
    payment.add_argument("amount")
    payment.add_argument("reference", help="the bank's; the same one counts once for an invoice")
    credit = _of_invoice(actions, "credit", "issue a credit note for some of a paid invoice")
    credit.add_argument("amount")
    credit.add_argument("why")
    _of_invoice(actions, "void", "take an unpaid invoice back").add_argument("why")
    _of_invoice(actions, "give-up", "expect no money for an invoice any more")
    _of_invoice(actions, "mail", "send an invoice again")
    _of_invoice(actions, "paper", "write the PDF of an invoice, also of an account that is gone").add_argument(
        "file", type=Path
    )


def _of_account(actions: Any, name: str, words: str) -> ArgumentParser:
    parser: ArgumentParser = actions.add_parser(name, help=words)
    parser.add_argument("account", help="the account's public id, or the email of its owner")
    return parser


def _of_invoice(actions: Any, name: str, words: str) -> ArgumentParser:
    parser: ArgumentParser = actions.add_parser(name, help=words)
    parser.add_argument("invoice", help="its number, INV-000042")
    return parser


def on_all(action: str, options: Options, say: Say) -> None:
    """What concerns no single account."""
    if action == "prices":
        for stored, is_new in prices_store(options["file"]):
            say(f"{stored}: {'stored' if is_new else 'was stored already'}")
        return
    with every_account("the operator lists requests for annual plans"):
        rows = Subscription.objects.filter(state=SubscriptionState.REQUESTED).select_related("account")
        for row in rows.order_by("requested_at"):
            start = f", wishes to begin on {row.wanted_start:%Y-%m-%d}" if row.wanted_start else ""
            say(f"{row.account.public_id}  {row.account.name}, {row.currency}{start}; ask {row.contact_words}")


def on_account(action: str, account: Account, options: Options, say: Say) -> None:
    """What concerns one account's plan; called in its scope."""
    plan = subscription_of()
    if plan.state == SubscriptionState.REQUESTED:
        forecast = forecast_for(plan, plan.interval)
        total = shown(forecast.total_minor, forecast.currency)
        say(f"As counted now, a year comes to {total} {forecast.with_tax}.")
        if not forecast.total_minor:
            say("Nothing is counted yet: the year and its invoice begin on the day when something is.")
    if action == "confirm":
        plan = subscription_confirm(plan)
    elif action == "refuse":
        plan = subscription_refuse(plan, why=options["why"])
    elif action == "currency":
        plan = subscription_change(plan, currency=options["currency"].upper())
    elif action == "price-list":
        plan = subscription_change(plan, price_list=options["name"])
    elif action == "auto-pay":
        plan = subscription_change(plan, auto_pay=options["on"] == "on")
    begins = f", from {plan.started_on:%Y-%m-%d}" if plan.started_on else ""
    how = "charged by card" if plan.auto_pay else "paid by hand"
    say(f"{account.name}: {plan}{begins}, {plan.currency}, {plan.price_list or 'no prices agreed'}, {how}")
    for invoice in Invoice.objects.order_by("pk"):
        say(f"  {_line(invoice)}")


def _line(invoice: Invoice) -> str:
    total, left = (shown(minor, invoice.currency) for minor in (invoice.total_minor, invoice.open_minor))
    return f"{invoice.reference}  {invoice.issued_on}  {invoice.get_state_display()}  {total}, open {left}"


def on_invoice(action: str, invoice: Invoice, options: Options, say: Say) -> None:
    """What concerns one invoice; called in its account's scope."""
    if action in ("record-payment", "credit"):
        amount = to_minor(options["amount"], invoice.currency)
    if action == "record-payment":
        payment_recorded(invoice, amount_minor=amount, words=options["reference"])
    elif action == "credit":
        say(_line(invoice_credit(invoice, amount_minor=amount, why=options["why"])))
    elif action == "void":
        say(_line(invoice_void(invoice, why=options["why"])))
    elif action == "give-up":
        invoice_give_up(invoice)
    elif action == "mail":
        invoice_mail(invoice)
    else:
        from .paper import invoice_pdf  # noqa: PLC0415 - reportlab takes a third of a second to load

        options["file"].write_bytes(invoice_pdf(invoice))
    say(_line(Invoice.objects.get(pk=invoice.pk)))


def by_reference(reference: str) -> Invoice | KeptInvoice:
    """The invoice of a number, or its paper when its account is gone."""
    found = REFERENCE.fullmatch(reference.strip().upper())
    if found is None:
        raise CommandError(f"{reference} is not a number of an invoice, such as INV-000042.")
    number = {"series": found[1], "number": int(found[2])}
    with every_account("the operator names an invoice"):
        invoice = Invoice.objects.filter(**number).first()
    kept = invoice or KeptInvoice.objects.filter(**number).first()
    if kept is None:
        raise CommandError(f"There is no invoice {reference}.")
    return kept


def act_on_reference(action: str, options: Options, say: Say) -> None:
    """Find the invoice, enter its account, act."""
    found = by_reference(options["invoice"])
    if isinstance(found, Invoice):
        with account_scope(found.account_id):
            on_invoice(action, found, options, say)
    elif action == "paper":
        options["file"].write_bytes(bytes(found.pdf))
        say(f"{found}: its account is gone, this is the paper that was kept.")
    else:
        raise CommandError(f"The account of {found} is gone: only its paper is left.")
