"""A contact as a card."""

from typing import Any

from .fields import Shown, day_words, files_of, map_of, maps_of, text_of, texts_of, words_of

PHOTO = "photo"
_TEXTS = (
    ("jobTitle", "Job title"), ("companyName", "Company"), ("department", "Department"),
    ("officeLocation", "Office"), ("profession", "Profession"), ("manager", "Manager"),
    ("assistantName", "Assistant"), ("nickName", "Nickname"), ("spouseName", "Partner"),
    ("businessHomePage", "Website"),
)  # fmt: skip
_PHONES = (("businessPhones", "Business"), ("homePhones", "Home"))
_PLACES = (
    ("businessAddress", "Business address"),
    ("homeAddress", "Home address"),
    ("otherAddress", "Address"),
)
_LINES = ("street", "postalCode", "city", "state", "countryOrRegion")
_YEARLESS = "1604-"


def show_contact(document: dict[str, Any], props: dict[str, Any]) -> Shown:
    """Return the card. The photo is the file named PHOTO."""
    shown = Shown(text_of(document.get("displayName")) or text_of(document.get("companyName")))
    for entry in maps_of(document.get("emailAddresses")):
        shown.fact("E-mail", text_of(entry.get("address")) or text_of(entry.get("name")))
    shown.fact("Mobile", text_of(document.get("mobilePhone")))
    for name, label in _PHONES:
        shown.fact(label, ", ".join(texts_of(document.get(name))))
    for name, label in _TEXTS:
        shown.fact(label, text_of(document.get(name)))
    for name, label in _PLACES:
        place = map_of(document.get(name))
        shown.fact(label, ", ".join(text for line in _LINES if (text := text_of(place.get(line)))))
    shown.fact("Birthday", _birthday(document.get("birthday")))
    shown.fact("Chat", ", ".join(texts_of(document.get("imAddresses"))))
    shown.fact("Children", ", ".join(texts_of(document.get("children"))))
    shown.fact("Categories", ", ".join(texts_of(document.get("categories"))))
    flag = text_of(map_of(document.get("flag")).get("flagStatus"))
    shown.fact("Flag", "" if flag == "notFlagged" else words_of(flag))
    shown.text = text_of(document.get("personalNotes"))
    shown.files = files_of(document)
    return shown


def _birthday(value: Any) -> str:
    """Outlook keeps a birthday without its year in 1604."""
    said = day_words(value)
    return said.rsplit(" ", 1)[0] if text_of(value).startswith(_YEARLESS) else said
