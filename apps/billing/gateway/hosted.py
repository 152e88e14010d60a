"""Stripe's own pages: opened for one visit, looked at when somebody comes back, never believed by address."""

import logging
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.accounts.models import Account
from apps.core import clock
from apps.core.errors import Conflict, EverkeepError, Gone
from apps.core.scope import current_account_id

from ..enums import PagePurpose, PageState
from ..errors import InvoiceSettled, TooOften
from ..models import HostedPage, Invoice
from ..rules import PAGES_AN_HOUR
from ..services.cards import card_store
from ..services.locking import invoice_locked, money_locked
from .base import Mark, PageFacts, PageOrder, Processor
from .charges import outcome_apply, under_way
from .chosen import required
from .customers import Foreign, account_here, check_ours, customer_ensure, customer_here
from .errors import Asked, KeyUsedTwice, NotSet
from .takes import methods_for, takes

logger = logging.getLogger("everkeep.billing")

OVER: Final = timedelta(hours=25)  # Stripe closes its pages after a day
FRESH: Final = timedelta(hours=20)  # before that nobody is sent to a page that closes under their hands


def card_page_url(account: Account, return_url: str) -> str:
    """See `base.Gateway.card_page_url`."""
    customer_ensure(account)
    # Asked for again, it is the same page: whoever clicks often makes no more of them.
    open_now = HostedPage.objects.filter(purpose=PagePurpose.CARD, state=PageState.OPEN)
    page = open_now.filter(opened_at__gt=clock.now() - FRESH).order_by("-pk").first()
    if page is not None:
        try:
            page = page_look(page)
        except (Foreign, Gone):  # not ours any more, or nobody knows it: another one
            page = None
    if page is None or page.state != PageState.OPEN:
        return _open(_page_new(PagePurpose.CARD, _path_of(return_url))).url
    page.back_to = _path_of(return_url)
    page.save(update_fields=["back_to"])
    return _open(page).url


def payment_page_url(invoice: Invoice, return_url: str) -> str:
    """See `base.Gateway.payment_page_url`."""
    if not takes(invoice.currency, invoice.open_minor or None):
        raise NotSet(f"{invoice.reference} cannot be paid by card.", do="Pay by bank transfer.")
    _check_not_charged(invoice)
    customer_ensure(account_here())
    pages_settle(invoice)
    try:
        page = _page_for(invoice, _path_of(return_url))
    except IntegrityError:  # another tab was first by a moment
        page = HostedPage.objects.get(invoice=invoice, state=PageState.OPEN)
    return _open(page).url


@transaction.atomic
def _page_for(invoice: Invoice, back_to: str) -> HostedPage:
    invoice = invoice_locked(invoice)
    if not invoice.open_minor:
        raise InvoiceSettled(f"{invoice.reference} is paid or void.", do="Open its page.")
    _check_not_charged(invoice)
    found = HostedPage.objects.filter(invoice=invoice, state=PageState.OPEN).first()
    return found or _page_new(PagePurpose.PAYMENT, back_to, invoice=invoice, amount_minor=invoice.open_minor)


def _check_not_charged(invoice: Invoice) -> None:
    """Nobody is sent to pay what the card may have been charged for already."""
    if under_way(invoice).exists():
        raise Conflict(
            f"{invoice.reference} is being charged to your card just now.", do="Look again in some minutes."
        )


@transaction.atomic
def _page_new(purpose: str, back_to: str, **fields: Any) -> HostedPage:
    """The row of one more page, unless the account has opened enough of them."""
    money_locked()
    account_id, since = current_account_id(), clock.now() - timedelta(hours=1)
    opened = HostedPage.objects.filter(account_id=account_id, opened_at__gt=since)
    if opened.count() >= PAGES_AN_HOUR:
        raise TooOften("Too many payment pages were opened in the last hour.", do="Try again in an hour.")
    return HostedPage.objects.create(account_id=account_id, purpose=purpose, back_to=back_to, **fields)


def _path_of(address: str) -> str:
    """Only ever to a page of ours."""
    path = address.removeprefix(settings.PORTAL_URL)
    assert path.startswith("/") and not path.startswith("//"), "the way back leads to a page of ours"
    return path


def _open(page: HostedPage) -> PageFacts:
    """Ask for the page, or for the same one again: its row's id is the idempotency key."""
    processor = required()
    if page.stripe_id:
        return processor.page_find(page.stripe_id)
    account = account_here()
    invoice = Invoice.objects.get(pk=page.invoice_id) if page.invoice_id else None
    order = PageOrder(
        customer=customer_here(),
        success_url=settings.PORTAL_URL + reverse("billing_stripe_return", args=[page.public_id]),
        cancel_url=settings.PORTAL_URL + reverse("billing_stripe_left", args=[page.public_id]),
        mark=Mark(account.public_id, invoice=invoice.public_id if invoice else None, page=page.public_id),
        amount_minor=page.amount_minor,
        currency=invoice.currency if invoice else "",
        words=f"Everkeep {invoice.reference}" if invoice else "",
        methods=methods_for(invoice.currency) if invoice else ("card",),
    )
    try:
        facts = _asked(processor, order)
    except (Asked, KeyUsedTwice, NotSet):
        _end(page, PageState.CLOSED)  # there is none and will be none: no charge waits for it
        raise
    HostedPage.objects.filter(pk=page.pk, stripe_id="").update(stripe_id=facts.stripe_id)
    return facts


def _asked(processor: Processor, order: PageOrder) -> PageFacts:
    try:
        return processor.page_open(order)
    except KeyUsedTwice:
        found = processor.page_marked(order)  # asked for before in other words, under another address of ours
        if found is None:
            raise
        return found


def page_look(page: HostedPage, *, close: bool = False) -> HostedPage:
    """Ask Stripe how a visit stands, and write down what came of it. `close`: nobody may pay there any more."""
    if page.state != PageState.OPEN:
        return page
    if not page.stripe_id and not _found_again(page, close=close):
        return page
    processor = required()
    facts = processor.page_close(page.stripe_id) if close else processor.page_find(page.stripe_id)
    check_ours(facts.customer)
    if facts.mark is None or facts.mark.page != page.public_id:
        raise Foreign("This page bears another mark. Nothing was changed.")
    if facts.is_open:
        return page
    if not facts.is_complete:
        return _end(page, PageState.CLOSED)
    _take_in(page, facts)
    return _end(page, PageState.DONE)


def _found_again(page: HostedPage, *, close: bool) -> bool:
    """Whether a visit whose answer was lost has a page after all; one that has none is ended in time."""
    if not close:
        if clock.now() - page.opened_at >= OVER:
            _end(page, PageState.CLOSED)
        return False
    try:
        page.stripe_id = _open(page).stripe_id  # the same key brings the same page
    except (Asked, KeyUsedTwice, NotSet):
        return False
    return True


def _take_in(page: HostedPage, facts: PageFacts) -> None:
    processor = required()
    if page.purpose == PagePurpose.PAYMENT:
        outcome_apply(processor.outcome(facts.made))
        return
    card = processor.card_of_page(facts.made)
    if card is not None:
        check_ours(card.customer)
        card_store(card)


def _end(page: HostedPage, state: str) -> HostedPage:
    page.state, page.closed_at = state, clock.now()
    page.save(update_fields=["state", "closed_at"])
    return page


def pages_settle(invoice: Invoice, *, close: bool = False) -> None:
    """Look at the open page of an invoice; one for another amount than is open now is closed too."""
    for page in HostedPage.objects.filter(invoice=invoice, state=PageState.OPEN):
        page_look(page, close=close or _is_stale(page))


def _is_stale(page: HostedPage) -> bool:
    """Whether it asks for another amount than is open now."""
    if page.invoice_id is None:
        return False
    return page.amount_minor != Invoice.objects.get(pk=page.invoice_id).open_minor


def pages_look() -> int:
    """Look at all visits of the account that nobody came back from; returns how many are open still.

    One that asks for more or less than is owed now is closed.
    """
    left = 0
    for page in HostedPage.objects.filter(state=PageState.OPEN).order_by("pk"):
        try:
            left += page_look(page, close=_is_stale(page)).state == PageState.OPEN
        except EverkeepError as error:
            logger.warning("visit %s could not be looked at: %s %s", page.public_id, error.code, error)
            left += 1
    return left
