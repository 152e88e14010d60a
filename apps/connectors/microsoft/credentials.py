"""Ways to prove who we are at Microsoft, and how they are kept: JSON, sealed by the caller."""

import base64
import hashlib
import os
import signal
import subprocess
import sys
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
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

KEY_SECONDS = 5  # of computing, to open a private key
LONGEST_KEY: Final = 8192
_KEY_READER: Final = Path(__file__).with_name("key_reader.py")
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
            # Checked by who opened it: for long numbers that takes as long as opening.
            key = load_pem_private_key(_opened(pem, passphrase), None, unsafe_skip_rsa_key_validation=True)
            certificate = x509.load_pem_x509_certificate(pem)
        except ValueError as error:
            raise InvalidRequest(
                "The file does not hold a certificate and its private key that can be read.",
                do="Upload a PEM file with both, and give its passphrase if it has one.",
            ) from error
        if not isinstance(key, RSAPrivateKey) or key.key_size > LONGEST_KEY:
            raise InvalidRequest(
                f"Microsoft accepts RSA keys only, here of up to {LONGEST_KEY} bits.",
                do="Make the certificate with an RSA key of 2048 or 4096 bits.",
            )
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


def _opened(pem: bytes, passphrase: str) -> bytes:
    """Return the private key without its passphrase. Raises ValueError; InvalidRequest if it takes long."""
    command = [sys.executable, "-I", str(_KEY_READER), str(KEY_SECONDS)]
    asked = passphrase.encode().hex().encode() + b"\n" + pem
    # None of our environment: it names the keys of everything.
    reader = subprocess.run(command, input=asked, capture_output=True, env={"PATH": os.defpath}, check=False)
    if reader.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise InvalidRequest(
            "The private key takes too long to open.", do="Lock it with fewer rounds, or make one of 4096 bits."
        )
    if reader.returncode:
        raise ValueError(reader.stderr.decode(errors="replace")[-500:])
    return reader.stdout


def _plain_pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
