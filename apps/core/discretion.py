"""What customers read of an error that is about the operator's own machinery: that it is, and a reference.

Whoever knows such errors registers how to tell them. The detail goes to the log, under the same reference.
"""

import logging
from collections.abc import Callable
from typing import Final

from .errors import EverkeepError

log = logging.getLogger("everkeep.discretion")
Discreet = Callable[[EverkeepError], str]
_registered: Final[list[Discreet]] = []


def register_discretion(words: Discreet) -> None:
    """Ask `words` at each error: it returns a neutral sentence, "" when the error may be read as it is."""
    if words not in _registered:
        _registered.append(words)


def told(error: EverkeepError, reference: object) -> str:
    """Return what a customer may read of an error. In the account's scope."""
    for words in _registered:
        if neutral := words(error):
            log.error("reference %s: %s", reference, error)
            return f"{neutral} Reference: {reference}"
    return str(error)
