"""Rows of `url_table.py`: billing, asked where something is charged. For who manages billing alone."""

from tests.security.url_objects import words
from tests.security.url_objects_billing import a_card, a_count, an_invoice
from tests.security.url_rows import Row, everybody, row

NOBODY_ELSE = (403, 403, 403)
OPEN = (302, 200, *NOBODY_ELSE, 200, 200)
GONE_ON = (302, 302, *NOBODY_ELSE, 302, 302)
BILLING: dict[str, Row] = {
    "billing": row(*OPEN),
    "billing_annual": row(*OPEN),
    # Without prices and details nobody can subscribe, and there is nothing to take back.
    "billing_subscribe": row(302, 400, *NOBODY_ELSE, 400, 400, data={}),
    "billing_withdraw": row(302, 409, *NOBODY_ELSE, 409, 409, data={}),
    "billing_keep": row(302, 409, *NOBODY_ELSE, 409, 409, data={}),
    "billing_cancel": row(*GONE_ON),  # asks for a fresh proof
    "billing_status": row(*OPEN),
    "billing_details": row(*OPEN),
    "billing_address_allow": row(*GONE_ON, data={}),  # asks for a fresh proof
    # No card processor answers here.
    "billing_card_add": row(302, 400, *NOBODY_ELSE, 400, 400, data={}),
    "billing_card_activate": row(302, 302, *NOBODY_ELSE, 302, 404, args=a_card, data={}),
    "billing_card_delete": row(302, 302, *NOBODY_ELSE, 302, 404, args=a_card, data={}),
    "billing_history": row(*OPEN),
    "billing_invoice": row(302, 200, *NOBODY_ELSE, 200, 404, args=an_invoice),
    "billing_pdf": row(302, 200, *NOBODY_ELSE, 200, 404, args=an_invoice),
    "billing_mail": row(302, 302, *NOBODY_ELSE, 302, 404, args=an_invoice, data={}),
    "billing_pay": row(302, 400, *NOBODY_ELSE, 400, 404, args=an_invoice, data={}),
    "billing_paper": everybody(404, args=words("forged")),
    "billing_why": row(302, 200, *NOBODY_ELSE, 200, 404, args=a_count),
    "billing_why_csv": row(302, 200, *NOBODY_ELSE, 200, 404, args=a_count),
}
