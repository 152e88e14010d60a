"""Microsoft's many ways to say no, mapped to the few kinds that the house knows (docs/connectors.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from apps.connectors.base import FolderFailed
from apps.core.errors import (
    Blocked,
    Conflict,
    ConsentLost,
    CursorLost,
    EverkeepError,
    Forbidden,
    Gone,
    InvalidRequest,
    Malformed,
    QuotaExceeded,
    RemoteError,
    Throttled,
    TooLarge,
    Unavailable,
)

Kind = type[EverkeepError]


class RemoteConflict(RemoteError, Conflict):
    """Exists already, or was changed by somebody else meanwhile."""

    code, status = "remote_conflict", 409


class Refused(RemoteError, InvalidRequest):
    """The provider does not accept what was sent; sending it again would not help."""

    code, status = "remote_refused", 400


class MovedElsewhere(RemoteError, InvalidRequest):
    """The provider keeps it in another mailbox. Where, it says in an address: none that a token may go to."""

    code, status = "remote_moved", 502


_KINDS: Final[dict[Kind, str]] = {
    Throttled: "TooManyRequests ApplicationThrottled activityLimitReached throttledRequest",
    ConsentLost: "InvalidAuthenticationToken unauthenticated",
    Forbidden: "accessDenied ErrorAccessDenied Authorization_RequestDenied Forbidden AuthenticationError "
    "Authorization_IdentityNotFound extensionError",
    Gone: "itemNotFound ErrorItemNotFound ErrorSyncFolderNotFound Request_ResourceNotFound ResourceNotFound "
    "MailboxNotEnabledForRESTAPI ErrorInvalidUser ErrorNonExistentMailbox ErrorFolderNotFound "
    "ErrorParentFolderNotFound ErrorInvalidMailboxItemId",
    CursorLost: "SyncStateNotFound SyncStateInvalid ResyncRequired resyncChangesApplyDifferences "
    "resyncChangesUploadDifferences ErrorInvalidSyncStateData",
    QuotaExceeded: "ErrorQuotaExceeded quotaLimitReached",
    Blocked: "malwareDetected virusSuspicious ErrorCorruptData ErrorInvalidRecipients ErrorMimeContentInvalid "
    "ErrorMimeContentConversionFailed ErrorCannotOpenFileAttachment cannotSnapshotTree",
    TooLarge: "ErrorMessageSizeExceeded ErrorAttachmentSizeLimitExceeded RequestEntityTooLarge",
    RemoteConflict: "ErrorFolderExists nameAlreadyExists resourceModified ErrorIrresolvableConflict",
    MovedElsewhere: "ErrorArchiveFolderMovedPermanently",
    Unavailable: "ServiceUnavailable GatewayTimeout generalException UnknownError ErrorTooManyObjectsOpened "
    "ErrorInternalServerError ErrorInternalServerTransientError ErrorTimeoutExpired ErrorServerBusy "
    "ErrorMailboxStoreUnavailable ErrorConnectionFailed ErrorBatchProcessingStopped",
}
KIND_OF_CODE: Final[dict[str, Kind]] = {
    code.lower(): kind for kind, codes in _KINDS.items() for code in codes.split()
}
_KIND_OF_STATUS: Final[dict[int, Kind]] = {
    401: ConsentLost,
    402: Forbidden,
    403: Forbidden,
    404: Gone,
    409: RemoteConflict,
    410: CursorLost,
    412: RemoteConflict,
    413: TooLarge,
    423: Forbidden,
    429: Throttled,
    507: QuotaExceeded,
    509: Throttled,
}
MALWARE_CODES: Final = {"malwaredetected", "virussuspicious"}
_IO_ERROR: Final = "io error during request payload read"
_MAILBOX_MISSING: Final = {"mailboxnotenabledforrestapi", "errorinvaliduser", "errornonexistentmailbox"}

_WORDS: Final[dict[Kind, tuple[str, str]]] = {
    Throttled: ("Microsoft asked for patience for longer than we wait.", "The next run goes on."),
    ConsentLost: (
        "Microsoft no longer accepts our sign-in. What is kept is safe.",
        "Authenticate the connection again.",
    ),
    Forbidden: (
        "Microsoft does not let us read this: a permission is missing.",
        "Check the permissions of the app registration and consent to them again.",
    ),
    Gone: ("It is no longer there.", ""),
    CursorLost: ("Microsoft forgot how far we had read.", "Everything is listed anew."),
    QuotaExceeded: ("The mailbox is full.", "Make room in the mailbox, or raise its quota."),
    Blocked: ("Microsoft does not hand this item out.", ""),
    TooLarge: ("It is larger than Microsoft Graph carries.", ""),
    RemoteConflict: ("It exists already, or was changed meanwhile.", ""),
    Unavailable: ("Microsoft did not answer properly, also after several tries.", "The next run tries again."),
    MovedElsewhere: (
        "Microsoft keeps it in another mailbox, as it does with archives that have grown into several.",
        "Microsoft's mail interface does not hand it out.",
    ),
    Refused: ("Microsoft does not accept the request.", ""),
    Malformed: ("Microsoft's answer cannot be understood.", "The next run tries again."),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One refusal. `passing`: the same request may work in a moment. `code` is Microsoft's own word."""

    status: int
    kind: Kind
    code: str = ""
    request_id: str = ""
    passing: bool = False
    malware: bool = False
    retry_after: str | None = None

    @property
    def no_mailbox(self) -> bool:
        """Tell whether the person has no mailbox that Graph reaches (quirk 40)."""
        return self.code.lower() in _MAILBOX_MISSING

    def error(self, item: str = "") -> EverkeepError:
        """Return the exception to raise, in a user's words and with Microsoft's reference."""
        what, do = _WORDS.get(self.kind, _WORDS[Unavailable])
        if self.code:
            what = f"{what} ({self.code})"
        if not issubclass(self.kind, RemoteError):
            return self.kind(what, item=item, do=do)
        error = self.kind(what, item=item, do=do, request_id=self.request_id)
        error.provider_code = self.code
        return error


def is_mailbox_missing(error: EverkeepError) -> bool:
    """Tell whether an error says that the whole mailbox is not reached, not the one thing asked for."""
    return isinstance(error, RemoteError) and error.provider_code.lower() in _MAILBOX_MISSING


def fault_of(status: int, headers: Mapping[str, str], body: bytes | dict[str, Any] | str | None) -> Fault:
    """Judge one answer of 300 or more. `body`: raw bytes, or the parsed body of a part of a batch."""
    text, parsed = _both_forms(body)
    codes = list(_codes(parsed))
    known = [code for code in codes if code.lower() in KIND_OF_CODE]
    code = known[-1] if known else next((each for each in codes if each), "")
    malware = code.lower() in MALWARE_CODES or _header(headers, "x-virus-infected").lower() == "true"
    kind = Blocked if malware else _kind(status, code)
    return Fault(
        status=status,
        kind=kind,
        code=code[:100],
        request_id=_header(headers, "request-id") or _request_id(parsed),
        passing=not malware and _is_passing(status, kind, text),
        malware=malware,
        retry_after=_header(headers, "retry-after") or None,
    )


def _kind(status: int, code: str) -> Kind:
    by_code = KIND_OF_CODE.get(code.lower())
    if status in (429, 509):
        return Throttled
    if by_code is not None:
        return by_code
    if status == 308:
        return MovedElsewhere
    if status >= 500 and status != 507:
        return Unavailable
    if 300 <= status < 400:
        return Malformed
    return _KIND_OF_STATUS.get(status, Refused)


def _is_passing(status: int, kind: Kind, text: str) -> bool:
    if _IO_ERROR in text.lower():  # quirk 4: whatever the status, the transport broke
        return True
    if status == 404 and not text.strip():  # quirk 6: only a 404 that says why is a real one
        return True
    if kind in (Throttled, Unavailable):
        return True
    return status >= 500 and kind is not Blocked and kind is not QuotaExceeded


def _both_forms(body: bytes | dict[str, Any] | str | None) -> tuple[str, Any]:
    if body is None:
        return "", None
    if isinstance(body, bytes):
        text = body[:20_000].decode("utf-8", "replace")
    elif isinstance(body, str):
        text = body[:20_000]
    else:
        return orjson.dumps(body)[:20_000].decode("utf-8", "replace"), body
    try:
        return text, orjson.loads(body)
    except orjson.JSONDecodeError:  # an HTML page, or nothing: the status must do
        return text, None


def _codes(parsed: Any) -> Iterator[str]:
    """Yield the codes of an error body from the outside inwards; `innerError` is also spelt in lower case."""
    error = parsed.get("error") if isinstance(parsed, dict) else None
    for _ in range(10):
        if not isinstance(error, dict):
            return
        code = error.get("code")
        if isinstance(code, str):
            yield code
        error = error.get("innerError") or error.get("innererror")


def _request_id(parsed: Any) -> str:
    error = parsed.get("error") if isinstance(parsed, dict) else None
    inner = (error.get("innerError") or error.get("innererror")) if isinstance(error, dict) else None
    found = inner.get("request-id") if isinstance(inner, dict) else None
    return found if isinstance(found, str) else ""


def _header(headers: Mapping[str, str], name: str) -> str:
    """Read a header of an answer or of a part of a batch, where names come in any case and values as given."""
    for key, value in headers.items():
        if key.lower() == name:
            return str(value)
    return ""


def folder_failed(folder_id: str, error: EverkeepError) -> FolderFailed:
    """Name a folder that could not be read to its end, with what Microsoft said."""
    code, request_id = error.code, ""
    if isinstance(error, RemoteError):
        code, request_id = error.provider_code, error.request_id
    return FolderFailed(folder_id, what=error.what, do=error.do, code=code, request_id=request_id)
