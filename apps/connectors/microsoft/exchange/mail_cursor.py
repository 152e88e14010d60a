"""How far the changes of one mailbox were read: one link for the folders, one for the mail of each folder."""

from dataclasses import dataclass, field
from typing import Any, Final

from apps.connectors.base import Cursor

CURSOR_VERSION: Final = 1
"""Raised whenever the selected properties change: a link carries the selection it was made with (quirk 25)."""


@dataclass(slots=True)
class MailCursor:
    """`mail` maps folder id to its link, a path below Graph; None where it must be listed in full.

    `well_known` maps folder id to Microsoft's fixed name; `hidden` the id of a hidden folder to its etag as it
    was told last, since no list of changes names those. `counts` is of this round only: the provider's own
    count of a folder's items, where it was told.
    """

    folders: str | None = None
    mail: dict[str, str | None] = field(default_factory=dict)
    well_known: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: Cursor | None) -> "MailCursor":
        """Read a stored cursor. One that is not whole is worth nothing, but the folders it names are known."""
        if not cursor:
            return cls()
        mail, well_known = _strings(cursor.get("mail")), _strings(cursor.get("well_known"))
        if cursor.get("v") != CURSOR_VERSION or not isinstance(cursor.get("folders"), str | None):
            return cls(mail=dict.fromkeys(mail))
        known = {folder_id: name for folder_id, name in well_known.items() if name}
        hidden = {each: etag for each, etag in _strings(cursor.get("hidden")).items() if etag and each in mail}
        return cls(folders=cursor.get("folders"), mail=mail, well_known=known, hidden=hidden)

    def to_json(self) -> Cursor:
        return {
            "v": CURSOR_VERSION,
            "folders": self.folders,
            "mail": self.mail,
            "well_known": self.well_known,
            "hidden": self.hidden,
        }

    @property
    def root(self) -> str:
        """Id of the folder above all others; "" before it was asked for."""
        return next((each for each, name in self.well_known.items() if name == "msgfolderroot"), "")


def _strings(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    return {key: each for key, each in value.items() if each is None or isinstance(each, str)}
