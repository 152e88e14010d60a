"""Does a restored message read as it was written, and what of it could not be written? In words."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from .mail_compose import Letter
from .mail_fields import HEADERS_LIMIT, is_valid, moment_text, people_of

_PEOPLE: Final = {
    "from": "From", "sender": "Sender", "toRecipients": "To", "ccRecipients": "Cc", "bccRecipients": "Bcc",
    "replyTo": "Reply to",
}  # fmt: skip
COMPARED: Final = ",".join(("sentDateTime", "isRead", "importance", "categories", "flag", *_PEOPLE))
FILES: Final = "$expand=attachments($select=id,name,size)"
_SECONDS: Final = 2

Document = Mapping[str, Any]


def mail_lost(letter: Letter) -> list[str]:
    """Name what of a message the creating request cannot carry."""
    lost = [letter.special] if letter.special else []
    if len(letter.headers) > HEADERS_LIMIT:
        lost.append("Its internet headers: they are longer than Microsoft Graph takes")
    if len(letter.references) > HEADERS_LIMIT or len(letter.in_reply_to) > HEADERS_LIMIT:
        lost.append("The end of its list of earlier messages: it is longer than Microsoft Graph takes")
    without = {
        header: number
        for header, people in letter.people.items()
        if (number := sum(not is_valid(address) for _, address in people))
    }
    if without:
        named = ", ".join(f"{header.capitalize()} ({number})" for header, number in without.items())
        lost.append(f"People without a valid address are missing in {named}")
    return lost


def mail_faults(letter: Letter, kept: Document, live: Document) -> list[str]:
    """Name what reads other than it was written."""
    people = people_of(letter, kept)
    faults = [word for name, word in _PEOPLE.items() if _missing(people.get(name), live.get(name))]
    if bool(kept.get("isRead")) != bool(live.get("isRead")):
        faults.append("Read state")
    if _text(kept.get("importance"), "normal") != _text(live.get("importance"), "normal"):
        faults.append("Importance")
    if _flag(kept) != _flag(live):
        faults.append("Flag")
    if set(kept.get("categories") or ()) != set(live.get("categories") or ()):
        faults.append("Categories")
    if (
        not kept.get("isDraft")
        and _seconds_between(kept.get("sentDateTime"), live.get("sentDateTime")) > _SECONDS
    ):
        faults.append("Sent date")
    return [*faults, *_files(letter, live)]


def _missing(wanted: Any, there: Any) -> bool:
    """Tell whether somebody is not there. Exchange writes names and its own people's addresses as it likes."""
    return not _addresses(wanted) <= _addresses(there)


def _addresses(people: Any) -> set[str]:
    entries: Iterable[Any] = people if isinstance(people, list) else [people]
    found = (each.get("emailAddress") for each in entries if isinstance(each, Mapping))
    all_of_them = {_text(each.get("address")) for each in found if isinstance(each, Mapping)}
    return {address for address in all_of_them if address and not address.startswith("/o=")}


def _files(letter: Letter, live: Document) -> list[str]:
    """Compare how many files there are and that they have their size: Exchange adds a little to it."""
    there = live.get("attachments")
    if not letter.attachments or not isinstance(there, list) or "attachments@odata.nextLink" in live:
        return []
    if len(there) != len(letter.attachments):
        return [f"Files: {len(there)} instead of {len(letter.attachments)}"]
    sizes = [each.get("size") for each in there if isinstance(each, Mapping)]
    known = [size for size in sizes if isinstance(size, int)]
    whole = sum(len(each.content) for each in letter.attachments)
    if len(known) == len(there) and sum(known) < whole:
        return ["Files: not all of their content"]
    return []


def _flag(document: Document) -> str:
    flag = document.get("flag")
    return _text(flag.get("flagStatus"), "notflagged") if isinstance(flag, Mapping) else "notflagged"


def _text(value: Any, missing: str = "") -> str:
    return value.casefold() if isinstance(value, str) and value else missing


def _seconds_between(wanted: Any, there: Any) -> float:
    one, two = moment_text(wanted), moment_text(there)
    if not one:
        return 0
    if not two:
        return float("inf")
    return abs((datetime.fromisoformat(one) - datetime.fromisoformat(two)).total_seconds())
