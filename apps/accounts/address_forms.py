"""Forms of the allowed addresses."""

from typing import Any

from django import forms

from apps.core.errors import InvalidRequest

from .address_ranges import AddressRange, parsed_ranges


class AddressAddForm(forms.Form):
    """One description for one or several entries. After is_valid(), `cleaned_data["ranges"]`."""

    addresses = forms.CharField(
        label="Addresses",
        max_length=4000,
        help_text="One or several, separated by commas: 198.51.100.7, 203.0.113.0/28, 192.0.2.10 - 192.0.2.20, "
        "2001:db8:51::/48",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false", "class": "form-control ek-mono"}),
    )
    description = forms.CharField(
        label="Description", max_length=100, required=False, help_text="Such as: Office"
    )

    def __init__(self, *args: Any, own: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own = own

    def clean_addresses(self) -> str:
        text: str = self.cleaned_data["addresses"]
        try:
            self.cleaned_data["ranges"] = self.ranges_of(text)
        except InvalidRequest as error:
            raise forms.ValidationError(str(error)) from error
        return text

    def ranges_of(self, text: str) -> list[AddressRange]:
        return parsed_ranges(text)


class AddressEditForm(AddressAddForm):
    """One entry."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["addresses"].label = "Address or range"
        self.fields["addresses"].help_text = "198.51.100.7, 203.0.113.0/28 or 192.0.2.10 - 192.0.2.20"

    def ranges_of(self, text: str) -> list[AddressRange]:
        found = parsed_ranges(text)
        if len(found) > 1:
            raise InvalidRequest("This is more than one entry.", do="Add the others by themselves.")
        return found
