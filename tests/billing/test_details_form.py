"""What billing details need in each country: tax ID, state, postal code."""

import pytest

from apps.billing.forms import DetailsForm

DETAILS = {
    "first_name": "Fred",
    "last_name": "Finance",
    "email": "fred.finance@pizza-perfecto.example",
    "phone": "+49 69 123456",
    "company": "Pizza Perfecto",
    "country": "DE",
    "tax_id": "DE136695976",
    "address_1": "Mozarellaweg 18",
    "city": "Frankfurt",
    "zip_code": "60311",
    "invoice_as": "link",
}


def errors_of(**changes: str) -> set[str]:
    form = DetailsForm({**DETAILS, **changes})
    form.is_valid()
    return set(form.errors)


def cleaned(**changes: str) -> dict[str, str]:
    form = DetailsForm({**DETAILS, **changes})
    assert form.is_valid(), form.errors
    return form.cleaned_data


def test_what_must_be_filled_in() -> None:
    form = DetailsForm({})
    assert not form.is_valid()
    assert set(form.errors) == {
        "first_name", "last_name", "email", "phone", "company", "country", "address_1", "city", "invoice_as",
    }  # fmt: skip


def test_israel_wants_a_tax_id_others_do_not() -> None:
    israel = {"country": "IL", "zip_code": "6100000", "city": "Tel Aviv"}
    assert errors_of(**israel, tax_id="") == {"tax_id"}
    assert errors_of(**israel, tax_id="516179158") == {"tax_id"}, "its last digit is wrong"
    assert cleaned(**israel, tax_id="516179157")["tax_id"] == "516179157"
    assert cleaned(tax_id="")["tax_id"] == ""


@pytest.mark.parametrize(
    ("country", "zip_code", "given", "kept"),
    [
        ("DE", "60311", "136 695 976", "DE136695976"),
        ("FR", "75001", "FR 40 303 265 045", "FR40303265045"),
        ("GR", "105 57", "094 259 216", "EL094259216"),
        ("IE", "D02 X285", "IE6433435F", "IE6433435F"),
    ],
)
def test_a_vat_number_is_kept_as_the_union_writes_it(
    country: str, zip_code: str, given: str, kept: str
) -> None:
    assert cleaned(country=country, zip_code=zip_code, tax_id=given)["tax_id"] == kept


@pytest.mark.parametrize("given", ["DE136695977", "FR40303265045", "nonsense"])
def test_a_vat_number_of_another_form_or_country_is_refused(given: str) -> None:
    assert errors_of(tax_id=given) == {"tax_id"}


def test_where_we_know_no_rule_a_tax_id_is_taken_as_it_is() -> None:
    assert cleaned(country="KE", zip_code="00100", tax_id="P051234567X")["tax_id"] == "P051234567X"


def test_a_state_is_needed_where_the_post_needs_it_and_is_kept_by_its_name() -> None:
    here = {"country": "US", "zip_code": "01234", "tax_id": ""}
    assert errors_of(**here, state="") == {"state"}
    assert errors_of(**here, state="Bavaria") == {"state"}
    assert cleaned(**here, state="ny")["state"] == "New York"
    assert cleaned(state="")["state"] == "", "not in Germany"


def test_a_postal_code_has_the_form_of_its_country_and_none_where_there_are_none() -> None:
    assert errors_of(zip_code="6031") == {"zip_code"}
    assert errors_of(zip_code="") == {"zip_code"}
    assert cleaned(country="AE", zip_code="", tax_id="")["zip_code"] == ""
    assert cleaned(country="CA", zip_code="k1a 0b1", state="ON", tax_id="")["zip_code"] == "K1A 0B1"


def test_a_phone_number_is_one_that_can_be_called() -> None:
    assert errors_of(phone="call me") == {"phone"}
    assert errors_of(phone="12") == {"phone"}
