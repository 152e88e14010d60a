"""The sign-in providers that the operator has configured. Read by the settings, so without models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

MICROSOFT: Final = "microsoft"
# Name and icon of each that we know, in the order of their buttons.
KNOWN: Final = {MICROSOFT: ("Microsoft", "grid"), "google": ("Google", "globe"), "okta": ("Okta", "shield")}
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Configured:
    """One app registration: `server` is the issuer, below which `/.well-known/openid-configuration` answers."""

    client_id: str
    secret: str
    server: str


def providers_from(values: Mapping[str, tuple[str, str, str]]) -> dict[str, Configured]:
    """Those with a client id. Raises ImproperlyConfigured for one that is set up halfway or without TLS."""
    found = {}
    for key, (client_id, secret, server) in values.items():
        if not client_id:
            continue
        name = f"EVERKEEP_SIGN_IN_{key.upper()}"
        if not secret or not server:
            raise ImproperlyConfigured(f"{name}_ID is set: set {name}_SECRET and {name}_SERVER too.")
        parts = urlsplit(server)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ImproperlyConfigured(f"{name}_SERVER must be an https address: it says who signs in.")
        found[key] = Configured(client_id, secret, server.rstrip("/"))
    return found
