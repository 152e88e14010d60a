"""Stripe's errors as it writes them: one JSON shape, told apart by status, type and code."""

from typing import Any

DOCS = "https://stripe.com/docs/error-codes"


class StripeFault(Exception):
    """`saved`: whether a repetition with the same idempotency key gets this very answer again."""

    def __init__(self, status: int, kind: str, message: str, *, saved: bool = False, **fields: Any) -> None:
        super().__init__(message)
        self.status, self.saved = status, saved
        self.body: dict[str, Any] = {"error": {"message": message, "type": kind, **fields}}
        code = fields.get("code")
        if code:
            self.body["error"]["doc_url"] = f"{DOCS}/{str(code).replace('_', '-')}"


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> StripeFault:
    fields: dict[str, Any] = {key: value for key, value in (("param", param), ("code", code)) if value}
    return StripeFault(400, "invalid_request_error", message, **fields)


def missing(kind: str, wanted: str, *, param: str = "id", status: int = 404) -> StripeFault:
    return StripeFault(
        status,
        "invalid_request_error",
        f"No such {kind}: '{wanted}'",
        param=param,
        code="resource_missing",
    )


def required(param: str) -> StripeFault:
    return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")


def unauthorized(key: str) -> StripeFault:
    if not key:
        said = "You did not provide an API key. You need to provide your API key in the Authorization header."
    else:
        said = f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:]}"
    return StripeFault(401, "invalid_request_error", said)


def declined(error: dict[str, Any], **objects: Any) -> StripeFault:
    """A refused card; `objects` are the intent and the method that Stripe hands out with it."""
    fields = {key: value for key, value in error.items() if key not in ("type", "message")}
    return StripeFault(402, "card_error", error["message"], saved=True, **fields, **objects)


def on_demand(status: int) -> StripeFault:
    """What a test asked for by `/_control/faults`."""
    if status == 401:
        return unauthorized("sk_test_revoked_by_control")
    if status == 409:
        said = "There is currently another in-progress request using this Idempotent Key."
        return StripeFault(409, "idempotency_error", said, code="idempotency_key_in_use")
    if status == 429:
        return StripeFault(429, "invalid_request_error", "Too many requests hit the API.", code="rate_limit")
    return StripeFault(status, "api_error", "Sorry! There was an error on our side.", saved=status == 500)
