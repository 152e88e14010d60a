"""Is the caller the app it says? By client secret (body or Basic) or by a signed certificate assertion."""

import base64
import hashlib
import secrets
import time
from typing import Any
from urllib.parse import unquote_plus

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ..state import directory
from ..state.clock import parse
from ..state.database import Database
from . import errors

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_ASSERTION = 24 * 3600


def authenticate(
    db: Database, form: dict[str, str], authorization: str, token_paths: tuple[str, ...]
) -> dict[str, Any]:
    """The app registration whose credential this is. Raises SignInError."""
    client_id, secret = form.get("client_id", ""), form.get("client_secret")
    if authorization[:6].lower() == "basic ":
        client_id, secret = _basic(authorization[6:])
    assertion = form.get("client_assertion")
    if assertion and not client_id:
        client_id = str(_unverified(assertion).get("iss", ""))
    app = directory.find_app(db, client_id) if client_id else None
    if app is None:
        raise errors.unknown_app(client_id)
    if assertion:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise errors.wrong_assertion("client_assertion_type is not the JWT bearer type")
        _check_assertion(app, assertion, token_paths)
    elif secret:
        _check_secret(app, secret)
    elif not app.get("public"):
        raise errors.missing_credential()
    return app


def _basic(text: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(text).decode().partition(":")
    except ValueError as error:
        raise errors.missing_credential() from error
    return unquote_plus(name), unquote_plus(secret)


def _check_secret(app: dict[str, Any], given: str) -> None:
    for secret in app.get("secrets", ()):
        if secrets.compare_digest(str(secret["value"]).encode(), given.encode()):
            if secret.get("expires") and parse(secret["expires"]).timestamp() < time.time():
                raise errors.expired_secret(app["client_id"])
            return
    raise errors.wrong_secret(app["client_id"])


def _unverified(assertion: str) -> dict[str, Any]:
    try:
        return jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise errors.wrong_assertion(str(error)) from error


def _thumbprints(certificate: x509.Certificate) -> tuple[str, str]:
    der = certificate.public_bytes(serialization.Encoding.DER)
    return tuple(  # type: ignore[return-value]
        base64.urlsafe_b64encode(digest).decode().rstrip("=")
        for digest in (hashlib.sha1(der, usedforsecurity=False).digest(), hashlib.sha256(der).digest())
    )


def _check_assertion(app: dict[str, Any], assertion: str, token_paths: tuple[str, ...]) -> None:
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.InvalidTokenError as error:
        raise errors.wrong_assertion(str(error)) from error
    sha1, sha256 = header.get("x5t", "").rstrip("="), header.get("x5t#S256", "").rstrip("=")
    for pem in app.get("certificates", ()):
        certificate = x509.load_pem_x509_certificate(pem.encode())
        if (sha256 and _thumbprints(certificate)[1] == sha256) or (
            sha1 and _thumbprints(certificate)[0] == sha1
        ):
            _verify(app, assertion, certificate, token_paths)
            return
    raise errors.wrong_assertion("the key was not found: no registered certificate has this thumbprint")


def _verify(
    app: dict[str, Any], assertion: str, certificate: x509.Certificate, token_paths: tuple[str, ...]
) -> None:
    pem = certificate.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    try:
        claims = jwt.decode(
            assertion, pem, ["PS256", "RS256"], options={"verify_aud": False, "require": ["exp", "aud"]}
        )
    except jwt.InvalidTokenError as error:
        raise errors.wrong_assertion(str(error)) from error
    if claims.get("iss") != app["client_id"] or claims.get("sub") != app["client_id"]:
        raise errors.wrong_assertion("iss and sub must be the client id")
    if not str(claims["aud"]).endswith(token_paths):
        raise errors.wrong_assertion("aud must be the token endpoint")
    if claims["exp"] > time.time() + LONGEST_ASSERTION:
        raise errors.wrong_assertion("exp is too far away")
