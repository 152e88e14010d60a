"""What the answers of Google Cloud Storage mean to the vault."""

from typing import Final

import requests
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

from ..errors import (
    LockUnsupported,
    ObjectLocked,
    ObjectMissing,
    ObjectTruncated,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)

FAILURES: Final[tuple[type[Exception], ...]] = (
    GoogleAPICallError,
    GoogleAuthError,
    requests.RequestException,
    InvalidResponse,
    DataCorruption,
)
_HELD: Final = ("retentionpolicynotmet", "retention policy", "retention period", "activehold", "active hold")
_DAMAGED: Final = ("crc32c", "md5")


def status_of(error: BaseException | None) -> int:
    """Return the HTTP status, 0 when there was no answer."""
    response = getattr(error, "response", None)
    return int(getattr(error, "code", 0) or getattr(response, "status_code", 0) or 0)


def translated(error: Exception, key: str, bucket: str) -> StoreError:
    """Return the vault's error for a failed call."""
    if isinstance(error, DataCorruption):
        return StoreUnavailable(f"{key} was damaged on its way.")
    if isinstance(error, TransportError):
        return StoreUnavailable(f"The bucket {bucket} cannot be reached ({type(error).__name__}).")
    if isinstance(error, GoogleAuthError):
        return StoreRefused(
            f"Sign-in at Google failed ({type(error).__name__}).", do="Check the credentials of the store."
        )
    status = status_of(error)
    if not status:
        return StoreUnavailable(f"The bucket {bucket} cannot be reached ({type(error).__name__}).")
    return _answered(status, str(error).lower(), key, bucket)


def _answered(status: int, text: str, key: str, bucket: str) -> StoreError:
    if lock_error := _about_locks(status, text, key, bucket):
        return lock_error
    if status == 404 and "specified bucket does not exist" not in text:
        return ObjectMissing(f"There is no object {key}.")
    if status == 416:
        return ObjectTruncated(f"{key} is shorter than what was asked for.")
    if status == 507:
        return StoreFull(f"The bucket {bucket} is full.", do="Raise its quota.")
    if status in (408, 429) or status >= 500 or (status == 400 and any(word in text for word in _DAMAGED)):
        return StoreUnavailable(f"The bucket {bucket} fails at the moment ({status}).")
    return StoreRefused(
        f"The bucket {bucket} refuses ({status}).", do="Check its name, the credentials and their rights."
    )


def _about_locks(status: int, text: str, key: str, bucket: str) -> StoreError | None:
    """One status means many things: only the sentence tells what retention has to do with it."""
    if status == 403 and any(word in text for word in _HELD):
        return ObjectLocked(f"{key} is protected against deletion.", item=key)
    if status in (400, 409, 412) and "retention" in text:
        return LockUnsupported(
            f"The bucket {bucket} has no object retention.",
            do="Make a bucket with object retention, or switch immutability off for this store.",
        )
    return None
