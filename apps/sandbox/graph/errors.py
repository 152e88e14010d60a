"""Graph's error answers: status, code, message, in the shape of the official error body."""

from typing import Any


class GraphError(Exception):
    """`retry_after` becomes a header; `headers` are added as they are."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        inner_code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message
        self.inner_code = inner_code
        self.headers = headers or {}

    def body(self, request_id: str, client_request_id: str, date: str) -> dict[str, Any]:
        inner = {"date": date, "request-id": request_id, "client-request-id": client_request_id}
        if self.inner_code:
            inner = {"code": self.inner_code, **inner}
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


def not_found(code: str = "ErrorItemNotFound", message: str = "") -> GraphError:
    return GraphError(404, code, message or "The specified object was not found in the store.")


def no_user(name: str) -> GraphError:
    text = f"Resource '{name}' does not exist or one of its queried reference-property objects are not present."
    return GraphError(404, "Request_ResourceNotFound", text)


def no_mailbox() -> GraphError:
    text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
    return GraphError(404, "MailboxNotEnabledForRESTAPI", text)


def malformed_id() -> GraphError:
    return GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")


def foreign_id() -> GraphError:
    text = "Item Id doesn't belong to the current mailbox."
    return GraphError(404, "ErrorInvalidMailboxItemId", text)


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    return GraphError(400, code, message)


def mail_denied() -> GraphError:
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def directory_denied() -> GraphError:
    text = "Insufficient privileges to complete the operation."
    return GraphError(403, "Authorization_RequestDenied", text)


def unauthorised(message: str = "Lifetime validation failed, the token is expired.") -> GraphError:
    return GraphError(
        401,
        "InvalidAuthenticationToken",
        message,
        headers={"WWW-Authenticate": 'Bearer realm="", authorization_uri="/common/oauth2/authorize"'},
    )


def sync_state_lost(generation: int, highest: int) -> GraphError:
    text = f"The sync state generation is not found; generation={generation};[highest={highest}]"
    return GraphError(410, "SyncStateNotFound", text)


def sync_state_invalid() -> GraphError:
    return GraphError(400, "SyncStateInvalid", "The sync state is invalid or was made for another query.")


def over_quota() -> GraphError:
    text = "Cannot save changes made to an item to store. The mailbox has exceeded its quota."
    return GraphError(403, "ErrorQuotaExceeded", text)


def folder_exists() -> GraphError:
    return GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")


def protected_folder(verb: str) -> GraphError:
    codes = {"delete": "ErrorDeleteDistinguishedFolder", "move": "ErrorMoveDistinguishedFolder"}
    code = codes.get(verb, "ErrorAccessDenied")
    return GraphError(400, code, f"Distinguished folders cannot be {verb}d.".replace("moved", "moved"))


def too_large() -> GraphError:
    text = "The request body exceeds the maximum size allowed for this operation (4 MB)."
    return GraphError(413, "RequestEntityTooLarge", text)
