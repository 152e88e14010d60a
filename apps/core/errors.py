"""The few kinds of trouble that the whole house knows, each with a stable code.

A provider's many codes are mapped to these at the lowest layer. `what` happened to `item`, and what to `do`
about it, are a user's words: pages and reports show them as they are.
"""

from typing import ClassVar


class EverkeepError(Exception):
    """Base. `code` is stable and never reused; `status` is the HTTP answer when a page runs into it."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, what: str, *, item: str = "", do: str = "") -> None:
        super().__init__(what)
        self.what, self.item, self.do = what, item, do

    def __str__(self) -> str:
        subject = f"{self.item}: " if self.item else ""
        return f"{subject}{self.what}" + (f" {self.do}" if self.do else "")


class NotFound(EverkeepError):
    """Missing and foreign are one answer, so that nobody learns what others have."""

    code, status = "not_found", 404


class PermissionMissing(EverkeepError):
    """The person may see the page's object but not do this."""

    code, status = "permission_missing", 403


class InvalidRequest(EverkeepError):
    """What was asked makes no sense; the text says which part and why."""

    code, status = "invalid_request", 400


class Conflict(EverkeepError):
    """Somebody or something else was first."""

    code, status = "conflict", 409


# Trouble with a provider or a store.


class RemoteError(EverkeepError):
    """Base of what goes wrong at the other end. `request_id` and `provider_code` are the provider's own."""

    code, status = "remote_error", 502
    provider_code: str = ""

    def __init__(self, what: str, *, item: str = "", do: str = "", request_id: str = "") -> None:
        super().__init__(what, item=item, do=do)
        self.request_id = request_id


class Throttled(RemoteError):
    """Asked for patience; `retry_after` in seconds, None when the provider did not say."""

    code = "throttled"

    def __init__(
        self,
        what: str,
        *,
        retry_after: float | None = None,
        item: str = "",
        do: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(what, item=item, do=do, request_id=request_id)
        self.retry_after = retry_after


class Unavailable(RemoteError):
    """A passing fault at the other end, still there after all tries."""

    code = "unavailable"


class ConsentLost(RemoteError):
    """Our sign-in is refused: a wrong or expired secret, or consent taken back."""

    code = "consent_lost"


class Forbidden(RemoteError):
    """Signed in, but a permission for this is missing."""

    code = "forbidden"


class Gone(RemoteError):
    """Is no longer there."""

    code = "gone"


class CursorLost(RemoteError):
    """The provider forgot where we were: list everything anew."""

    code = "cursor_lost"


class Malformed(RemoteError):
    """An answer that cannot be understood."""

    code = "malformed"


class TooLarge(RemoteError):
    """More than the provider's interface carries."""

    code = "too_large"


class Blocked(RemoteError):
    """The provider will never hand this out (malware, corrupt at the source)."""

    code = "blocked"


class QuotaExceeded(RemoteError):
    """The mailbox, drive or store is full."""

    code = "quota_exceeded"
