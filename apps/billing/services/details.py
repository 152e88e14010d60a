"""Where bills go."""

from collections.abc import Mapping
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from apps.activity.audit import audit
from apps.core.errors import Conflict, InvalidRequest
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id
from apps.notifications.services import send_all_the_same

from ..enums import InvoiceAs
from ..errors import DetailsMissing
from ..mails import KIND
from ..models import BillingDetails
from ..places import NEED_STATE, NO_POSTAL_CODE
from ..tax_ids import MANDATORY, country_name, is_country, tidy_tax_id

REQUIRED: Final = {
    "first_name": "first name",
    "last_name": "last name",
    "email": "billing email",
    "company": "company",
    "address_1": "address",
    "country": "country",
    "city": "city",
    "zip_code": "zip or postal code",
    "phone": "phone number",
}
FIELDS: Final = (*REQUIRED, "title", "tax_id", "address_2", "address_3", "state", "invoice_as")


def details_of() -> BillingDetails | None:
    """The details of the account in force, as far as they were given."""
    return BillingDetails.objects.first()


def details_missing(details: BillingDetails | None) -> list[str]:
    """What an invoice still needs, in words; empty when it is all there."""
    if details is None:
        return list(REQUIRED.values())
    has_no_code = {"zip_code"} if details.country in NO_POSTAL_CODE else set[str]()
    missing = [
        words for field, words in REQUIRED.items() if field not in has_no_code and not getattr(details, field)
    ]
    if details.country in MANDATORY and not details.tax_id:
        missing.append("company tax ID")
    if details.country in NEED_STATE and not details.state:
        missing.append("state")
    return missing


@transaction.atomic
def details_save(values: Mapping[str, str]) -> BillingDetails:
    """Keep billing details (names of `BillingDetails`' fields). Raises DetailsMissing, InvalidRequest.

    Invoices that were issued keep the details of their day.
    """
    details = details_of() or BillingDetails(account_id=current_account_id())
    before, changed = details.email, []
    for field in FIELDS:
        text = str(values.get(field, getattr(details, field))).strip()
        if text != getattr(details, field):
            setattr(details, field, text)
            changed.append(field)
    _check(details)
    if changed or details.pk is None:
        details.save()
        if before and "email" in changed:
            send_all_the_same(before, KIND, wanted=False)
        audit("billing.details_changed", description=f"Changed {', '.join(changed).replace('_', ' ')}.")
    return details


@transaction.atomic
def address_allow() -> str:
    """Send bills to the billing address though it was that of somebody who left. Raises Conflict."""
    require(Permission.BILLING)
    details = details_of()
    if details is None or not send_all_the_same(details.email, KIND):
        raise Conflict("Nothing keeps bills from the billing address.", do="Load the page again.")
    audit("billing.address_allowed", description=details.email)
    return details.email


def _check(details: BillingDetails) -> None:
    if details.country and not is_country(details.country):
        raise InvalidRequest(f"“{details.country}” is no country.", do="Choose one of the list.")
    missing = details_missing(details)
    if missing:
        raise DetailsMissing(f"These are missing: {', '.join(missing)}.", do="Fill them in.")
    if details.invoice_as not in InvoiceAs.values:
        raise InvalidRequest("Invoices come as link or attachment.")
    try:
        validate_email(details.email)
    except ValidationError as error:
        raise InvalidRequest(f"“{details.email}” is not an email address.") from error
    if details.tax_id:
        tidy = tidy_tax_id(details.country, details.tax_id)
        if tidy is None:
            country = country_name(details.country)
            raise InvalidRequest(f"“{details.tax_id}” is not a tax ID of {country}.", do="Check its digits.")
        details.tax_id = tidy
