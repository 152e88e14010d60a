"""Invoices, receipts and credit notes on paper. What they say was copied into the invoice when it was issued.

The font is embedded and knows Latin, Greek, Cyrillic and Hebrew. The same row gives the same bytes.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import getRegisteredFontNames, registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from .enums import InvoiceKind, InvoiceState, PaymentMethod, PaymentState
from .models import Invoice
from .money import plain, shown

FONT: Final = "DejaVuSans"
FILE: Final = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
LEFT, RIGHT, TOP, BOTTOM = 56, 539, 780, 70
STEP: Final = 14
COLUMNS: Final = (360, 440, RIGHT)  # right edges of quantity, price, total
# Letters that are written from right to left, with what stands between them.
BACKWARDS: Final = re.compile("[\u0590-\u07ff](?:[\u0590-\u07ff \"'\u05f3\u05f4-]*[\u0590-\u07ff])?")


def invoice_pdf(invoice: Invoice) -> bytes:
    """The paper of an issued invoice; made once, and once more when it is paid."""
    if invoice.pdf is None:
        invoice.pdf = drawn(invoice)
        invoice.save(update_fields=["pdf"])
    return bytes(invoice.pdf)


def title_of(invoice: Invoice) -> str:
    """What kind of paper it is."""
    if invoice.kind == InvoiceKind.CREDIT:
        return "Credit note"
    return "Invoice / Receipt" if invoice.state == InvoiceState.PAID else "Invoice"


def drawn(invoice: Invoice) -> bytes:
    """Draw it."""
    if FONT not in getRegisteredFontNames():
        registerFont(TTFont(FONT, str(FILE)))
    into = BytesIO()
    page = _Page(Canvas(into, pagesize=A4, invariant=1))
    page.canvas.setTitle(f"{title_of(invoice)} {invoice.reference}")
    _head(page, invoice)
    _lines(page, invoice)
    _sums(page, invoice)
    _payments(page, invoice)
    page.canvas.save()
    return into.getvalue()


class _Page:
    """A pen that goes down the page and on to the next."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas, self.y = canvas, TOP

    def down(self, steps: int = 1) -> None:
        self.y -= STEP * steps
        if self.y < BOTTOM:
            self.canvas.showPage()
            self.y = TOP

    def write(self, text: str, *, x: int = LEFT, size: int = 9) -> None:
        self.canvas.setFont(FONT, size)
        self.canvas.drawString(x, self.y, visual(text))

    def write_to(self, right: int, text: str, *, size: int = 9) -> None:
        self.canvas.setFont(FONT, size)
        self.canvas.drawRightString(right, self.y, visual(text))

    def paragraph(self, text: str) -> None:
        for line in _broken(text, RIGHT - LEFT):
            self.write(line)
            self.down()

    def rule(self) -> None:
        self.canvas.line(LEFT, self.y + 10, RIGHT, self.y + 10)


def visual(text: str) -> str:
    """The letters in the order of the page, from left to right."""
    return BACKWARDS.sub(lambda found: found.group()[::-1], text)


def _broken(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and stringWidth(longer, FONT, 9) > width:
            yield line
            longer = word
        line = longer
    if line:
        yield line


def _head(page: _Page, invoice: Invoice) -> None:
    seller, buyer = invoice.details["seller"], invoice.details["buyer"]
    page.write(f"{title_of(invoice)} {invoice.reference}", size=16)
    page.down(3)
    left, right = list(_buyer(buyer)), list(_seller(seller))
    for index in range(max(len(left), len(right))):
        if index < len(left):
            page.write(left[index])
        if index < len(right):
            page.write_to(RIGHT, right[index])
        page.down()
    page.down()
    for name, value in _facts(invoice):
        page.write(name)
        page.write(value, x=LEFT + 110)
        page.down()
    page.down()


def _buyer(buyer: dict[str, Any]) -> Iterator[str]:
    name = " ".join(filter(None, (buyer["title"], buyer["first_name"], buyer["last_name"])))
    place = " ".join(filter(None, (buyer["zip_code"], buyer["city"])))
    place = ", ".join(filter(None, (place, buyer["state"])))
    tax_id = f"Tax ID: {buyer['tax_id']}" if buyer["tax_id"] else ""
    streets = (buyer["address_1"], buyer["address_2"], buyer["address_3"])
    yield from filter(None, (buyer["company"], name, *streets, place, buyer["country_name"], tax_id))


def _seller(seller: dict[str, Any]) -> Iterator[str]:
    tax_id = f"Tax ID: {seller['tax_id']}" if seller.get("tax_id") else ""
    yield from filter(None, (seller.get("name"), *seller.get("address", []), seller.get("email"), tax_id))


def _facts(invoice: Invoice) -> Iterator[tuple[str, str]]:
    yield "Account", invoice.details["account"]
    yield "Issued", f"{invoice.issued_on:%-d %B %Y}"
    if invoice.credits is not None:
        yield "For invoice", invoice.credits.reference
    else:
        yield "Due", f"{invoice.due_on:%-d %B %Y}"
    yield "Period", f"{invoice.effective_on:%-d %B %Y} to {invoice.last_day:%-d %B %Y}"
    if invoice.purchase_order:
        yield "Purchase order", invoice.purchase_order


def _lines(page: _Page, invoice: Invoice) -> None:
    quantity, price, total = COLUMNS
    page.write("Description")
    page.write_to(quantity, "Quantity")
    page.write_to(price, "Unit price")
    page.write_to(total, f"Total {invoice.currency}")
    page.down()
    page.rule()
    for line in invoice.lines.all():
        first, *more = list(_broken(line.words, quantity - 70 - LEFT)) or [""]
        page.write(first)
        page.write_to(quantity, f"{line.quantity.normalize():,f}")
        page.write_to(price, plain(line.unit_price_minor, invoice.currency))
        page.write_to(total, plain(line.total_minor, invoice.currency))
        page.down()
        for rest in more:
            page.write(rest)
            page.down()


def _sums(page: _Page, invoice: Invoice) -> None:
    page.rule()
    rate = f"{invoice.tax_rate.normalize():f}"
    sums = (
        ("Subtotal", invoice.net_minor),
        (f"VAT {rate}%", invoice.tax_minor),
        ("Total", invoice.total_minor),
    )
    for words, minor in sums:
        page.write_to(COLUMNS[1], words)
        page.write_to(RIGHT, shown(minor, invoice.currency))
        page.down()
    page.down()
    if invoice.tax_note:
        page.paragraph(invoice.tax_note)


def _payments(page: _Page, invoice: Invoice) -> None:
    came = [PaymentState.SUCCEEDED, PaymentState.REFUNDED]
    for payment in invoice.payments.filter(state__in=came).order_by("at"):
        how = PaymentMethod(payment.method).label
        amount = shown(payment.amount_minor, payment.currency)
        page.paragraph(f"Paid {payment.at:%-d %B %Y}, {how} {payment.words}: {amount}")
    bank = invoice.details["seller"].get("bank", [])
    if invoice.state == InvoiceState.OPEN and bank:
        page.down()
        page.paragraph(f"By bank transfer, quoting {invoice.reference}:")
        for line in bank:
            page.paragraph(line)
