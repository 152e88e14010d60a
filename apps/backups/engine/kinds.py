"""One kind of data that cannot be read: named, kept as it was, and no reason to leave the others out."""

import logging
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from apps.connectors.base import NotOffered
from apps.connectors.enums import SubService
from apps.core.discretion import told
from apps.core.errors import ConsentLost, EverkeepError, Forbidden, Gone, RemoteError, Throttled

logger = logging.getLogger("everkeep.backups")

# What a parser of ours raises at an answer that nobody foresaw: no reason to stop the backup of mail.
_OUR_FAULTS: Final = (LookupError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class KindFailed:
    """Why a kind of data was not read. `refused`: a permission at the provider is missing.

    `not_offered`: there is no such data here by the provider's own word, and none was stored before.
    `excluded`: a rule of the account leaves it out.
    """

    sub_service: SubService
    what: str
    do: str = ""
    code: str = ""
    refused: bool = False
    not_offered: bool = False
    excluded: bool = False


def fails_one_kind(error: Exception, *, others_read: bool) -> bool:
    """Tell whether the error concerns the kind alone that was being read.

    A sign-in that is refused, patience that ran out and trouble of our own store concern all. So does an entity
    that is gone, unless another kind of it was read a moment ago: then it is this kind that is not there.
    """
    if isinstance(error, Gone):
        return others_read
    if isinstance(error, NotOffered):
        return True
    if isinstance(error, RemoteError):
        return not isinstance(error, ConsentLost | Throttled)
    return isinstance(error, _OUR_FAULTS)


def kind_failed(
    sub_service: SubService, error: Exception, reference: UUID, *, read_before: bool = False
) -> KindFailed:
    """Put an error into words that a person can act on. Only our own faults are logged with their trace.

    What could be read before and is not offered any more has failed.
    """
    if isinstance(error, NotOffered) and not read_before:
        return KindFailed(sub_service, error.what, error.do, error.code, not_offered=True)
    if not isinstance(error, EverkeepError):
        logger.exception("backup run %s: %s failed by a fault of ours", reference, sub_service, exc_info=error)
        return KindFailed(
            sub_service, f"A fault of ours stopped it. Reference: {reference}", "The next run tries again."
        )
    words = told(error, reference)
    discreet = words != str(error)
    code = error.provider_code or error.code if isinstance(error, RemoteError) else error.code
    return KindFailed(
        sub_service,
        words if discreet else error.what,
        "" if discreet else error.do or "The next run tries again.",
        code,
        refused=isinstance(error, Forbidden),
    )
