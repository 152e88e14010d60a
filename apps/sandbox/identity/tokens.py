"""Access and refresh tokens (signed with the tenant's own key) and the signing key of id_tokens."""

import base64
import secrets
import time
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ..defaults import TENANT_ID
from ..state.database import Database

ALGORITHM = "HS256"
KEY_ID = "sandbox-1"


class TokenRefused(Exception):
    """The token is not ours, has expired or was revoked."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Who calls Graph: `roles` of an app-only token; `user` and `scopes` of a delegated one."""

    client_id: str
    roles: frozenset[str]
    user: str | None
    scopes: frozenset[str]
    expires: float

    def has_any(self, wanted: frozenset[str]) -> bool:
        return bool(wanted & (self.scopes if self.user else self.roles))


class Tokens:
    def __init__(self, database: Database) -> None:
        self.database = database
        self._known: dict[str, Claims] = {}

    def forget(self) -> None:
        """Another process may have changed keys or the epoch."""
        self._known.clear()

    def _secret(self) -> str:
        value = self.database.get("token.secret")
        if value is None:
            value = secrets.token_hex(32)
            self.database.set("token.secret", value)
        return value

    def _epoch(self) -> int:
        return int(self.database.get("token.epoch") or 0)

    def expire_all(self) -> None:
        """Every access token given out so far is refused from now on, as after its end."""
        self.database.set("token.epoch", str(self._epoch() + 1))
        self.forget()

    def issue(self, client_id: str, seconds: int, **claims: Any) -> str:
        now = int(time.time())
        body = {
            "aud": "https://graph.microsoft.com",
            "iss": f"https://sts.windows.net/{TENANT_ID}/",
            "tid": TENANT_ID,
            "appid": client_id,
            "iat": now,
            "exp": now + seconds,
            "epoch": self._epoch(),
            "jti": secrets.token_hex(8),
            **claims,
        }
        return jwt.encode(body, self._secret(), ALGORITHM)

    def read(self, token: str) -> Claims:
        """Raises TokenRefused."""
        claims = self._known.get(token)
        if claims is None:
            claims = self._check(token)
            self._known[token] = claims
        if claims.expires <= time.time():
            raise TokenRefused("expired")
        return claims

    def _check(self, token: str) -> Claims:
        body = self.unpack(token)
        if body.get("epoch") != self._epoch() or "kind" in body:
            raise TokenRefused("revoked")
        return Claims(
            client_id=body["appid"],
            roles=frozenset(body.get("roles", ())),
            user=body.get("oid"),
            scopes=frozenset(str(body.get("scp", "")).split()),
            expires=float(body["exp"]),
        )

    def unpack(self, token: str) -> dict[str, Any]:
        """The claims of any token that we signed. Raises TokenRefused."""
        try:
            return jwt.decode(token, self._secret(), [ALGORITHM], options={"verify_aud": False})
        except jwt.InvalidTokenError as error:
            raise TokenRefused(str(error)) from error

    def _signing_key(self) -> rsa.RSAPrivateKey:
        text = self.database.get("token.rsa")
        if text is None:
            key = rsa.generate_private_key(65537, 2048)
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            self.database.set("token.rsa", pem.decode())
            return key
        kept = serialization.load_pem_private_key(text.encode(), None)
        assert isinstance(kept, rsa.RSAPrivateKey)
        return kept

    def id_token(self, client_id: str, issuer: str, **claims: Any) -> str:
        """An OpenID Connect id_token, signed with RS256 so that any relying party can verify it."""
        now = int(time.time())
        body = {
            "aud": client_id,
            "iss": issuer,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "tid": TENANT_ID,
            "ver": "2.0",
        }
        return jwt.encode(body | claims, self._signing_key(), "RS256", headers={"kid": KEY_ID})

    def public_keys(self) -> dict[str, Any]:
        numbers = self._signing_key().public_key().public_numbers()

        def number(value: int) -> str:
            raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
            return base64.urlsafe_b64encode(raw).decode().rstrip("=")

        key = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": KEY_ID,
            "n": number(numbers.n),
            "e": number(numbers.e),
        }
        return {"keys": [key]}
