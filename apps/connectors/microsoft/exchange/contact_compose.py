"""From a contact's document to what Graph creates a contact of, and back: what reads other than written."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from .item_document import list_of, text_of
from .item_write import VALUES

TEXTS: Final = {
    "displayName": "Name", "fileAs": "Filed as", "title": "Title", "givenName": "First name",
    "middleName": "Middle name", "surname": "Last name", "generation": "Suffix", "initials": "Initials",
    "nickName": "Nickname", "companyName": "Company", "department": "Department", "jobTitle": "Job title",
    "officeLocation": "Office", "profession": "Profession", "manager": "Manager", "assistantName": "Assistant",
    "spouseName": "Partner", "businessHomePage": "Web page", "mobilePhone": "Mobile phone",
    "personalNotes": "Notes", "yomiGivenName": "Phonetic first name", "yomiSurname": "Phonetic last name",
    "yomiCompanyName": "Phonetic company",
}  # fmt: skip
LISTS: Final = {
    "businessPhones": "Business phones", "homePhones": "Home phones", "imAddresses": "Chat addresses",
    "children": "Children", "categories": "Categories",
}  # fmt: skip
ADDRESSES: Final = {
    "businessAddress": "Business address",
    "homeAddress": "Home address",
    "otherAddress": "Other address",
}
MORE: Final = {
    "String 0x3A24": "Business fax", "String 0x3A25": "Home fax", "String 0x3A23": "Other fax",
    "String 0x3A21": "Pager", "String 0x3A1E": "Car phone", "String 0x3A1F": "Other phone",
    "String 0x3A2E": "Assistant's phone", "String 0x3A02": "Callback number", "String 0x3A1D": "Radio phone",
    "String 0x3A57": "Company main phone", "String 0x3A1A": "Primary phone", "String 0x3A2D": "ISDN number",
    "String 0x3A2C": "Telex", "String 0x3A4B": "Text telephone", "String 0x3A43": "Hobbies",
    "String 0x3A50": "Private web page", "String 0x3A4A": "Customer number", "Integer 0x3A4D": "Gender",
    "SystemTime 0x3A41": "Anniversary", "Integer 0x0036": "Sensitivity",
}  # fmt: skip
"""Fields of Outlook that Graph has no name for, as MAPI properties. More than these would break the limit on
the nodes of a filter."""
PHOTO: Final = "photo"
_READ_ONLY: Final = frozenset(
    {"createdDateTime", "lastModifiedDateTime", "primaryEmailAddress", "secondaryEmailAddress",
     "tertiaryEmailAddress", "attachments", "photo"}
)  # fmt: skip
MOST_MAILS: Final = 3

Document = Mapping[str, Any]


def compose_contact(document: Document, *, tags: Sequence[str] = ()) -> tuple[dict[str, Any], list[str]]:
    """Return the body of the creating request, and in words what of the contact it cannot carry."""
    lost: list[str] = []
    body: dict[str, Any] = {name: document[name] for name in TEXTS if document.get(name)}
    body |= {
        name: [each for each in list_of(document.get(name)) if each] for name in LISTS if document.get(name)
    }
    if tags:
        body["categories"] = [
            *body.get("categories", ()),
            *(t for t in tags if t not in body.get("categories", ())),
        ]
    for name in ADDRESSES:
        address = document.get(name)
        if isinstance(address, Mapping) and any(address.values()):
            body[name] = {key: value for key, value in address.items() if value}
    mails = [_mail(each) for each in list_of(document.get("emailAddresses")) if isinstance(each, Mapping)]
    mails = [each for each in mails if each]
    if mails:
        body["emailAddresses"] = mails[:MOST_MAILS]
    lost += [f"E-mail {each.get('address')}: a contact has room for three." for each in mails[MOST_MAILS:]]
    if isinstance(document.get("birthday"), str):
        body["birthday"] = document["birthday"]
    if values := _values(document):
        body[VALUES] = [{"id": name, "value": value} for name, value in values.items()]
    known = {*TEXTS, *LISTS, *ADDRESSES, "emailAddresses", "birthday", VALUES, *_READ_ONLY}
    lost += [
        f"{name}: Microsoft lets nobody set it." for name in sorted(document.keys() - known) if document[name]
    ]
    return body, lost


def contact_faults(written: Document, there: Document) -> list[str]:
    """Name what reads other than it was written."""
    words = {**TEXTS, **LISTS, **ADDRESSES}
    faults = [
        words[name] for name in words if (written.get(name) or None) != (_filled(there.get(name)) or None)
    ]
    if _mails(written) != _mails(there):
        faults.append("E-mail addresses")
    if text_of(written.get("birthday"))[:10] != text_of(there.get("birthday"))[:10]:
        faults.append("Birthday")
    wanted, found = _values(written), _values(there)
    return faults + [MORE.get(name, name) for name, value in wanted.items() if found.get(name) != value]


def _mail(entry: Document) -> dict[str, str]:
    return {key: text_of(entry.get(key)) for key in ("name", "address") if text_of(entry.get(key))}


def _mails(document: Document) -> list[str]:
    """Compare addresses, not the names beside them: Exchange fills those in."""
    found = list_of(document.get("emailAddresses"))
    return [text_of(each.get("address")).casefold() for each in found if isinstance(each, Mapping)]


def _filled(value: Any) -> Any:
    return {key: each for key, each in value.items() if each} if isinstance(value, Mapping) else value


def _values(document: Document) -> dict[str, str]:
    return {
        str(each["id"]): str(each["value"])
        for each in list_of(document.get(VALUES))
        if isinstance(each, Mapping) and each.get("id") in MORE and each.get("value") is not None
    }
