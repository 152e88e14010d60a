"""A page of results, remembered by who was shown it: what its excerpts may be asked by.

Excerpts are contents. Which words and which items they are of is decided by a page of results alone, which
stands in the audit, and goes with the page under a signature: nobody else can ask with it, and nobody later.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.core import signing

from apps.activity.audit import SAME_ACT
from apps.core.actor import current_actor
from apps.core.scope import current_account_id

_SALT: Final = "search.shown"


@dataclass(frozen=True, slots=True)
class Shown:
    """The words that were searched, and where the items are (`backup:item`, with blanks between)."""

    text: str
    places: str

    def signed(self) -> str:
        """Return it for an address, good for the actor in force and as long as a look lasts (`SAME_ACT`)."""
        return signing.dumps([*_who(), self.text, self.places], salt=_SALT, compress=True)


def shown_by(signed: str) -> Shown | None:
    """Return what `signed` made for this very person; None for anything else."""
    try:
        *who, text, places = signing.loads(signed, salt=_SALT, max_age=SAME_ACT)
    except signing.BadSignature:
        return None
    return Shown(text, places) if who == _who() else None


def _who() -> list[Any]:
    return [current_account_id(), current_actor().user_id]
