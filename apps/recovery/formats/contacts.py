"""Contacts as vCard 4.0 (RFC 6350) and as rows of a table."""

import base64
from datetime import date
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from icalendar import Component
from icalendar.prop import vAdr, vN, vOrg, vText, vUri

from .item import Attached, Item, address_of, line_of, map_of, maps_of, text_of, texts_of
from .letter_html import image_type
from .moments import date_of, utc_of

COLUMNS = (
    "Name", "First name", "Middle name", "Last name", "Company", "Department", "Job title", "E-mail",
    "E-mail 2", "E-mail 3", "Mobile phone", "Business phones", "Home phones", "Business address",
    "Home address", "Other address", "Birthday", "Categories", "Notes",
)  # fmt: skip
_ADDRESSES = (("businessAddress", "work"), ("homeAddress", "home"), ("otherAddress", ""))
_PHONES = (("businessPhones", "work,voice"), ("homePhones", "home,voice"))
PHOTO = "photo"


class _Card(Component):
    name = "VCARD"


def write_contact(item: Item) -> bytes:
    """Return one vCard."""
    document, card = item.document, _Card()
    _add(card, "VERSION", vText("4.0"))
    _add(card, "KIND", vText("individual"))
    _add(card, "UID", vUri(uuid5(NAMESPACE_URL, f"everkeep:{item.key}").urn))
    _add(card, "FN", vText(_name(document) or "No name"))
    family, given, middle = (line_of(document.get(k)) for k in ("surname", "givenName", "middleName"))
    before, after = line_of(document.get("title")), line_of(document.get("generation"))
    if any((family, given, middle, before, after)):
        _add(card, "N", vN((family, given, middle, before, after)))
    _add_texts(card, document)
    _add_places(card, document)
    _add_days(card, document)
    for file in item.files:
        _add_photo(card, file)
    written: bytes = card.to_ical(sorted=False)
    return written


def contact_row(item: Item) -> list[str]:
    """Return the contact as a row of COLUMNS."""
    document = item.document
    mails = [address for _, address in map(address_of, maps_of(document.get("emailAddresses"))) if address]
    words = ("givenName", "middleName", "surname", "companyName", "department", "jobTitle")
    return [
        _name(document),
        *(line_of(document.get(name)) for name in words),
        *[*mails, "", "", ""][:3],
        line_of(document.get("mobilePhone")),
        *(", ".join(texts_of(document.get(name))) for name, _ in _PHONES),
        *(", ".join(filter(None, _place(document.get(name)))) for name, _ in _ADDRESSES),
        day.isoformat() if (day := date_of(document.get("birthday"))) else "",
        ", ".join(texts_of(document.get("categories"))),
        text_of(document.get("personalNotes")),
    ]


def _name(document: dict[str, Any]) -> str:
    named = line_of(document.get("displayName")) or line_of(document.get("fileAs"))
    parts = (line_of(document.get(key)) for key in ("givenName", "middleName", "surname"))
    return named or " ".join(filter(None, parts)) or line_of(document.get("companyName"))


def _add_texts(card: Component, document: dict[str, Any]) -> None:
    if nick := line_of(document.get("nickName")):
        _add(card, "NICKNAME", vText(nick))
    for number, entry in enumerate(maps_of(document.get("emailAddresses"))):
        _, address = address_of(entry)
        if address:
            _add(card, "EMAIL", vText(address), {"PREF": "1"} if number == 0 else {})
    if phone := line_of(document.get("mobilePhone")):
        _add(card, "TEL", vText(phone), {"TYPE": "cell"})
    for key, kind in _PHONES:
        for phone in texts_of(document.get(key)):
            _add(card, "TEL", vText(phone), {"TYPE": kind.split(",")})
    for address in texts_of(document.get("imAddresses")):
        _add(card, "IMPP", vUri(address if ":" in address else f"x-im:{address}"))
    company, unit = line_of(document.get("companyName")), line_of(document.get("department"))
    if company or unit:
        _add(card, "ORG", vOrg((company, unit) if unit else (company,)))
    for key, name in (("jobTitle", "TITLE"), ("profession", "ROLE")):
        if text := line_of(document.get(key)):
            _add(card, name, vText(text))
    if url := line_of(document.get("businessHomePage")):
        _add(card, "URL", vUri(url))
    if note := text_of(document.get("personalNotes")):
        _add(card, "NOTE", vText(note))
    _add_relations(card, document)


def _add_relations(card: Component, document: dict[str, Any]) -> None:
    named = [(line_of(document.get("spouseName")), "spouse")]
    named += [(child, "child") for child in texts_of(document.get("children"))]
    named += [(line_of(document.get(key)), "co-worker") for key in ("manager", "assistantName")]
    for name, kind in named:
        if name:
            _add(card, "RELATED", vText(name), {"VALUE": "text", "TYPE": kind})
    if categories := texts_of(document.get("categories")):
        # RFC 6350, 6.7.1: commas part them, so each is written by itself.
        for category in categories:
            _add(card, "CATEGORIES", vText(category))


def _add_places(card: Component, document: dict[str, Any]) -> None:
    for key, kind in _ADDRESSES:
        street, city, state, code, country = _place(document.get(key))
        if any((street, city, state, code, country)):
            fields = ("", "", street, city, state, code, country)
            _add(card, "ADR", vAdr(fields), {"TYPE": kind} if kind else {})


def _place(value: object) -> tuple[str, str, str, str, str]:
    found = map_of(value)
    street, city, state, code, country = (
        line_of(found.get(key)) for key in ("street", "city", "state", "postalCode", "countryOrRegion")
    )
    return street, city, state, code, country


def _add_days(card: Component, document: dict[str, Any]) -> None:
    for key, name in (("birthday", "BDAY"), ("weddingAnniversary", "ANNIVERSARY")):
        day: date | None = date_of(document.get(key))
        if day is not None:
            # Outlook keeps birthdays without a year in 1604.
            _add(card, name, vText(f"--{day:%m%d}" if day.year == 1604 else f"{day:%Y%m%d}"))
    if moment := utc_of(document, "lastModifiedDateTime"):
        _add(card, "REV", vText(f"{moment:%Y%m%dT%H%M%SZ}"))


def _add_photo(card: Component, file: Attached) -> None:
    kind = image_type(file.data) if file.name == PHOTO and file.data else ""
    if kind and file.data:
        _add(card, "PHOTO", vUri(f"data:{kind};base64,{base64.b64encode(file.data).decode()}"))


def _add(card: Component, name: str, value: Any, said: dict[str, Any] | None = None) -> None:
    value.params.clear()
    value.params.update(said or {})
    card.add(name, value, encode=False)
