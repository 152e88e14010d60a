"""What finance staff fill in: billing details (BIL-05) and the request for an annual plan (BIL-06)."""

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from .enums import InvoiceAs
from .places import clean_postal_code, clean_state, countries, country_name
from .tax_ids import MANDATORY, tidy_tax_id

_PHONE = re.compile(r"\+?[\d ()./-]{5,30}")


class DetailsForm(forms.Form):
    """To whom the bill is written, and how it is sent. Fields without “optional” must be filled in."""

    title = forms.CharField(max_length=20, required=False, label="Title")
    first_name = forms.CharField(max_length=60, label="First name")
    last_name = forms.CharField(max_length=60, label="Last name")
    email = forms.EmailField(label="Billing email", help_text="Invoices and receipts go there.")
    phone = forms.CharField(max_length=30, label="Phone number", widget=forms.TextInput(attrs={"type": "tel"}))
    company = forms.CharField(max_length=120, label="Company name")
    country = forms.ChoiceField(label="Country")
    tax_id = forms.CharField(
        max_length=30,
        required=False,
        label="Company tax ID",
        help_text="In the European Union the VAT number. Needed in Israel.",
    )
    address_1 = forms.CharField(max_length=120, label="Address line 1")
    address_2 = forms.CharField(max_length=120, required=False, label="Address line 2")
    address_3 = forms.CharField(max_length=120, required=False, label="Address line 3")
    city = forms.CharField(max_length=60, label="City")
    state = forms.CharField(
        max_length=60,
        required=False,
        label="State or province",
        help_text="Where addresses have one, as in the United States.",
    )
    zip_code = forms.CharField(max_length=20, required=False, label="Zip or postal code")
    invoice_as = forms.ChoiceField(
        choices=InvoiceAs.choices, widget=forms.RadioSelect, label="Invoices and receipts come"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["country"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Choose a country"), *countries()]

    def clean_phone(self) -> str:
        """A number that can be called: digits, with the signs that people put between them."""
        phone = str(self.cleaned_data["phone"])
        if not _PHONE.fullmatch(phone) or sum(sign.isdigit() for sign in phone) < 5:
            raise ValidationError("Write the number in digits, with the code of your country.")
        return phone

    def clean(self) -> dict[str, Any]:
        """Check what depends on the country, each part at its own field."""
        found = super().clean() or {}
        country = found.get("country")
        if country:
            rules = {"tax_id": _clean_tax_id, "state": clean_state, "zip_code": clean_postal_code}
            for name, rule in rules.items():
                try:
                    found[name] = rule(country, found.get(name, ""))
                except ValidationError as error:
                    self.add_error(name, error)
        return found

    @property
    def tax_id_needed(self) -> bool:
        """Whether the chosen country wants it."""
        return (self["country"].value() or "") in MANDATORY


def _clean_tax_id(country: str, given: str) -> str:
    if not given:
        if country in MANDATORY:
            raise ValidationError(
                "Companies in Israel must give their tax ID: without it we may not serve you."
            )
        return ""
    tidy = tidy_tax_id(country, given)
    if tidy is None:
        raise ValidationError(
            f"This is no valid tax ID of {country_name(country)}: look for a sign that is wrong or missing."
        )
    return tidy


class AnnualForm(forms.Form):
    """A year at a time: when it starts, the customer's own number for it, and whom support writes to."""

    wanted_start = forms.DateField(
        label="Subscription starts on", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    purchase_order = forms.CharField(
        max_length=60, required=False, label="Purchase order number", help_text="Printed on the invoice."
    )
    contact_name = forms.CharField(max_length=120, label="Name")
    contact_email = forms.EmailField(label="Billing email", help_text="We ask there for a confirmation.")

    def __init__(self, *args: Any, days: tuple[date, date], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.earliest, self.latest = days
        limits = {"min": self.earliest.isoformat(), "max": self.latest.isoformat()}
        self.fields["wanted_start"].widget.attrs.update(limits)

    def clean_wanted_start(self) -> date:
        """Not in the past, not during the trial, and no longer after it than is given away."""
        day: date = self.cleaned_data["wanted_start"]
        if day < self.earliest:
            raise ValidationError(f"The earliest day is {self.earliest:%-d %B %Y}.")
        if day > self.latest:
            raise ValidationError(f"The latest day is {self.latest:%-d %B %Y}.")
        return day
