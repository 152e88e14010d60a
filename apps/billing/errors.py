"""Trouble of billing, in a user's words."""

from typing import ClassVar

from apps.core.errors import Conflict, EverkeepError, InvalidRequest


class PriceUnknown(InvalidRequest):
    """No price list says what this costs in this currency."""

    code: ClassVar[str] = "price_unknown"


class PriceAgreed(Conflict):
    """A price list that is in force is never changed: what was agreed stays."""

    code: ClassVar[str] = "price_agreed"


class PricesWrong(InvalidRequest):
    """A file of prices or tax rates that cannot be understood."""

    code: ClassVar[str] = "prices_wrong"


class InvoiceSettled(Conflict):
    """The invoice is paid or void already."""

    code: ClassVar[str] = "invoice_settled"


class InvoiceIssued(Conflict):
    """An issued invoice is not changed; a credit note corrects it."""

    code: ClassVar[str] = "invoice_issued"


class TooOften(EverkeepError):
    """The account asks for more than anybody needs within an hour."""

    code, status = "billing_too_often", 429


class DetailsMissing(InvalidRequest):
    """Billing details that an invoice needs are not there."""

    code: ClassVar[str] = "details_missing"
