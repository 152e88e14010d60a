"""Objects of billing that addresses of `url_billing.py` name."""

from apps.billing.models import Invoice
from apps.core.ids import new_public_id
from apps.core.scope import account_scope
from tests.billing import page_makers
from tests.cast import Cast


def a_card(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [page_makers.make_card(cast.account).public_id]


def an_invoice(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        page_makers.make_details()
        invoice = page_makers.make_invoice(cast.account)
        Invoice.objects.filter(pk=invoice.pk).update(pdf=b"%PDF-")  # else the first look at it makes it
        return [invoice.public_id]


def a_count(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        page_makers.make_count(new_public_id())
    return ["exchange", "entity"]
