"""Ways to prove who we are at Microsoft, and how they are kept: JSON, sealed by the caller."""

import base64
import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import jwt
import orjson
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from apps.core.errors import InvalidRequest

ASSERTION_SECONDS: Final = 600
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, repr=False)
class SecretCredential:
    """An app's client secret."""

    secret: str

    def proof(self, *, client_id: str, token_url: str, now: float) -> dict[str, str]:
        """Form fields that prove our identity to the token endpoint."""
        return {"client_secret": self.secret}

    def to_bytes(self) -> bytes:
        return orjson.dumps({"kind": "secret", "secret": self.secret})


@dataclass(frozen=True, slots=True, repr=False)
class CertificateCredential:
    """An app's certificate with its private key, both PEM."""

    certificate_pem: str
    key_pem: str

    @classmethod
    def from_pem(cls, pem: bytes, passphrase: str = "") -> "CertificateCredential":
        """Take a PEM file that holds a certificate and its RSA key, in any order. Raises InvalidRequest."""
        try:
            key = load_pem_private_key(pem, passphrase.encode() or None)
            certificate = x509.load_pem_x509_certificate(pem)
        except (ValueError, TypeError) as error:
            raise InvalidRequest(
                "The file does not hold a certificate and its private key that can be read.",
                do="Upload a PEM file with both, and give its passphrase if it has one.",
            ) from error
        if not isinstance(key, RSAPrivateKey):
            raise InvalidRequest("Microsoft accepts RSA keys only.", do="Make the certificate with an RSA key.")
        if certificate.public_key() != key.public_key():
            raise InvalidRequest("The private key does not belong to the certificate.")
        return cls(certificate.public_bytes(Encoding.PEM).decode(), _plain_pem(key))

    @property
    def expires_at(self) -> datetime:
        return self._certificate().not_valid_after_utc

    def _certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate_pem.encode())

    def proof(self, *, client_id: str, token_url: str, now: float) -> dict[str, str]:
        """Sign an assertion: PS256, thumbprint by SHA-256, ten minutes
        (https://learn.microsoft.com/entra/identity-platform/certificate-credentials)."""
        digest = hashlib.sha256(self._certificate().public_bytes(Encoding.DER)).digest()
        thumbprint = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        claims = {
            "aud": token_url,
            "iss": client_id,
            "sub": client_id,
            "jti": str(uuid.uuid4()),
            "nbf": int(now) - 60,
            "iat": int(now),
            "exp": int(now) + ASSERTION_SECONDS,
        }
        signed = jwt.encode(claims, self.key_pem, algorithm="PS256", headers={"x5t#S256": thumbprint})
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}

    def to_bytes(self) -> bytes:
        return orjson.dumps({"kind": "certificate", "certificate": self.certificate_pem, "key": self.key_pem})


Credential = SecretCredential | CertificateCredential


def credential_from_bytes(kept: bytes) -> Credential:
    """Read what `to_bytes` wrote."""
    fields = orjson.loads(kept)
    if fields["kind"] == "certificate":
        return CertificateCredential(fields["certificate"], fields["key"])
    return SecretCredential(fields["secret"])


def _plain_pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
