"""`base.Gateway`: the acts of this folder under the one name that the rest of billing knows."""

from apps.accounts.models import Account

from ..models import Card, Invoice, Payment
from . import charges, customers, hosted
from .base import PaymentOutcome
from .chosen import required


class CardsGateway:
    """See `base.Gateway`."""

    def customer_ensure(self, account: Account) -> str:
        return customers.customer_ensure(account)

    def card_page_url(self, account: Account, return_url: str) -> str:
        return hosted.card_page_url(account, return_url)

    def payment_page_url(self, invoice: Invoice, return_url: str) -> str:
        return hosted.payment_page_url(invoice, return_url)

    def charge(self, invoice: Invoice, card: Card) -> PaymentOutcome:
        return charges.charge(invoice, card)

    def card_detach(self, card: Card) -> None:
        required().card_detach(card.stripe_id)

    def refund(self, payment: Payment, amount_minor: int | None = None) -> Payment:
        return charges.refund(payment, amount_minor)
