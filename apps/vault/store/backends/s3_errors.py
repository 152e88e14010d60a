"""What S3's many codes mean to the vault."""

from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from botocore.exceptions import (
    ConnectionError as Unreachable,
)

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

_PASSING: Final = {
    "BadDigest",
    "IncompleteBody",
    "InternalError",
    "InvalidPart",
    "InvalidPartOrder",
    "NoSuchUpload",  # all three: dropped by the server, the upload starts anew
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "ConditionalRequestConflict",
}
_FULL: Final = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "StorageFull", "507"}
_MISSING: Final = {"NoSuchKey", "NotFound", "404"}
_TRUNCATED: Final = {"InvalidRange", "416"}


def code_of(error: ClientError) -> str:
    """Return S3's own code, or the HTTP status as text where the answer had no body."""
    return str(error.response.get("Error", {}).get("Code") or _status(error))


def translated(error: ClientError | BotoCoreError, key: str, bucket: str) -> StoreError:
    """Return the vault's error for a failed call."""
    if isinstance(error, ClientError):
        return _answered(error, key, bucket)
    if isinstance(error, Unreachable | HTTPClientError | IncompleteReadError | ResponseStreamingError):
        return StoreUnavailable(f"The bucket {bucket} cannot be reached ({type(error).__name__}).")
    return StoreRefused(f"The bucket {bucket} cannot be used: {error}", do="Check the store's settings.")


def _answered(error: ClientError, key: str, bucket: str) -> StoreError:
    code, status = code_of(error), _status(error)
    if lock_error := _about_locks(error, key, bucket):
        return lock_error
    if code in _MISSING:
        return ObjectMissing(f"There is no object {key}.")
    if code in _TRUNCATED:
        return ObjectTruncated(f"{key} is shorter than what was asked for.")
    if code in _FULL or status == 507:
        return StoreFull(f"The bucket {bucket} is full ({code}).", do="Free space or raise its quota.")
    if code in _PASSING or status == 429 or status >= 500:
        return StoreUnavailable(f"The bucket {bucket} fails at the moment ({code}).")
    return StoreRefused(
        f"The bucket {bucket} refuses ({code}).", do="Check its name, the key pair and its permissions."
    )


def _about_locks(error: ClientError, key: str, bucket: str) -> StoreError | None:
    """One code means many things: only the sentence tells what Object Lock has to do with it."""
    code, text = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    if "objectlock" not in text.replace(" ", "").lower():
        return None
    if code == "AccessDenied":
        return ObjectLocked(f"{key} is protected against deletion.", item=key)
    if code == "InvalidRequest":
        return LockUnsupported(
            f"The bucket {bucket} has no Object Lock.",
            do="Make a bucket with Object Lock, or switch immutability off for this store.",
        )
    return None


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
