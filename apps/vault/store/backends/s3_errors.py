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

from ..errors import ObjectMissing, ObjectTruncated, StoreError, StoreFull, StoreRefused, StoreUnavailable

_PASSING: Final = {
    "BadDigest",
    "IncompleteBody",
    "InternalError",
    "NoSuchUpload",  # dropped by the server: the upload starts anew
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


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
