"""Errors of the identity platform, with the AADSTS numbers that clients and people look for."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse

from .. import defaults

ANY_TENANT = ("common", "organizations")


class SignInError(Exception):
    """`error` is the OAuth code, `number` the AADSTS number."""

    def __init__(self, error: str, number: int, message: str, status: int = 400) -> None:
        super().__init__(f"AADSTS{number}: {message}")
        self.error, self.number, self.message, self.status = error, number, message, status

    def body(self) -> dict[str, Any]:
        now, trace, correlation = datetime.now(UTC), str(uuid4()), str(uuid4())
        text = (
            f"AADSTS{self.number}: {self.message} Trace ID: {trace} Correlation ID: {correlation} "
            f"Timestamp: {now:%Y-%m-%d %H:%M:%SZ}"
        )
        return {
            "error": self.error,
            "error_description": text,
            "error_codes": [self.number],
            "timestamp": f"{now:%Y-%m-%d %H:%M:%SZ}",
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.number}",
        }


async def as_json(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SignInError)
    return JSONResponse(error.body(), status_code=error.status)


def unknown_app(client_id: str) -> SignInError:
    text = (
        f"Application with identifier '{client_id}' was not found in the directory. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user."
    )
    return SignInError("unauthorized_client", 700016, text, 400)


def unknown_tenant(tenant: str) -> SignInError:
    return SignInError("invalid_request", 90002, f"Tenant '{tenant}' not found.", 400)


def wrong_secret(client_id: str) -> SignInError:
    text = (
        f"Invalid client secret provided for app '{client_id}'. "
        "Ensure the secret being sent is the secret value, not its ID."
    )
    return SignInError("invalid_client", 7000215, text, 401)


def expired_secret(client_id: str) -> SignInError:
    return SignInError(
        "invalid_client", 7000222, f"The provided client secret keys for app '{client_id}' are expired.", 401
    )


def wrong_assertion(reason: str) -> SignInError:
    return SignInError(
        "invalid_client", 700027, f"Client assertion failed signature validation: {reason}.", 401
    )


def missing_credential() -> SignInError:
    text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
    return SignInError("invalid_client", 7000218, text, 401)


def wrong_redirect(uri: str) -> SignInError:
    text = (
        f"The redirect URI '{uri}' specified in the request does not match "
        "the redirect URIs configured for the application."
    )
    return SignInError("invalid_request", 50011, text)


def check_tenant(name: str, *, any_allowed: bool) -> None:
    """Raises SignInError for a tenant that does not live here."""
    low = name.lower()
    if low in (defaults.TENANT_ID, defaults.DOMAIN, defaults.INITIAL_DOMAIN) or (
        any_allowed and low in ANY_TENANT
    ):
        return
    raise unknown_tenant(name)
