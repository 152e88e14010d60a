"""Texts that this installation signs: reports of drills, certificates of erasure.

The signature is Ed25519 with a key that only this installation can derive (from EVERKEEP_SECRET_KEY). It proves
that this installation wrote exactly this text, and that nobody has changed it since. It does not prove that the
installation told the truth, nor the time: who runs it could sign anything.
"""

import json
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_INFO: Final = b"everkeep report signature v1"
WHAT_IT_PROVES: Final = (
    "The signature proves that this installation wrote this report and that it was not changed since. "
    "It does not prove the time, nor protect from whoever runs the installation."
)


def signing_key() -> Ed25519PrivateKey:
    """Return the installation's key. Another EVERKEEP_SECRET_KEY gives another one."""
    secret = HKDF(SHA256(), 32, None, _INFO).derive(settings.SECRET_KEY.encode())
    return Ed25519PrivateKey.from_private_bytes(secret)


def public_key() -> str:
    """Return the public half, hexadecimal: who keeps it can verify reports without us."""
    return signing_key().public_key().public_bytes_raw().hex()


def sign(report: dict[str, Any]) -> tuple[str, str]:
    """Return the report's text, in the one form that is signed, and the signature, hexadecimal."""
    text = json.dumps(report, sort_keys=True, indent=1, ensure_ascii=False)
    return text, signing_key().sign(text.encode()).hex()


def signed_file(text: str, signature: str, public: str) -> str:
    """Return what is downloaded: the signed text, its signature and the public key, as JSON."""
    parts = {"report": text, "signature": signature, "public_key": public}
    return json.dumps({**parts, "what the signature proves": WHAT_IT_PROVES}, indent=1, ensure_ascii=False)
