"""What the codes of Azure Blob Storage mean to the vault."""

from typing import Final

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
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

TAKEN: Final = {"BlobAlreadyExists", "ConditionNotMet"}
_PASSING: Final = {
    "Md5Mismatch",
    "Crc64Mismatch",
    "InvalidBlockList",
    "BlobBeingRehydrated",
    "OperationTimedOut",
}
_LOCKED: Final = {"BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold"}
_NOT_HERE: Final = {400, 409, 501}
_MISSING: Final = {"BlobNotFound", "ResourceNotFound"}


def code_of(error: HttpResponseError) -> str:
    """Return Azure's own code, or the HTTP status as text where the answer had none."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or error.status_code or "")


def translated(error: AzureError, key: str, container: str) -> StoreError:
    """Return the vault's error for a failed call."""
    if isinstance(error, ServiceRequestError) and "Bearer token" in str(error):
        return StoreRefused("Sign-in at Azure needs an https address.", do="Check the store's address.")
    if isinstance(error, ServiceRequestError | ServiceResponseError | DecodeError):
        return StoreUnavailable(f"The container {container} cannot be reached ({type(error).__name__}).")
    if isinstance(error, HttpResponseError) and error.status_code:
        return _answered(error, key, container)
    what = "Sign-in at Azure failed" if isinstance(error, ClientAuthenticationError) else "Azure cannot be used"
    return StoreRefused(f"{what} ({type(error).__name__}).", do="Check the credentials of the store.")


def _answered(error: HttpResponseError, key: str, container: str) -> StoreError:
    code, status = code_of(error), error.status_code or 0
    if lock_error := _about_locks(error, key, container):
        return lock_error
    if code in _MISSING or (status == 404 and code == "404"):
        return ObjectMissing(f"There is no object {key}.")
    if status == 416:
        return ObjectTruncated(f"{key} is shorter than what was asked for.")
    if status == 507:
        return StoreFull(f"The container {container} is full ({code}).", do="Raise the account's capacity.")
    damaged = status == 400 and "md5" in error.message.lower()
    if code in _PASSING or damaged or status in (408, 429) or status >= 500:
        return StoreUnavailable(f"The container {container} fails at the moment ({code}).")
    return StoreRefused(
        f"The container {container} refuses ({code}).", do="Check its name, the credentials and their rights."
    )


def _about_locks(error: HttpResponseError, key: str, container: str) -> StoreError | None:
    code, address = code_of(error), str(getattr(getattr(error.response, "request", None), "url", ""))
    if code in _LOCKED:
        return ObjectLocked(f"{key} is protected against deletion.", item=key)
    if "Immutab" in code or ("comp=immutabilityPolicies" in address and error.status_code in _NOT_HERE):
        return LockUnsupported(
            f"The container {container} has no version-level immutability ({code}).",
            do="Make a container with it, or switch immutability off for this store.",
        )
    return None
