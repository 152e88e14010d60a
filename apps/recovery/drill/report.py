"""The signed report of a drill, and what tells whether a report is ours (core/signatures.py)."""

import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from apps.core.errors import InvalidRequest
from apps.core.signatures import public_key, signed_file

from ..models import Drill


def as_file(drill: Drill) -> str:
    """Return what is downloaded."""
    return signed_file(drill.report, drill.signature, drill.public_key)


def verified(file: str) -> dict[str, Any]:
    """Return the report in a downloaded file when this installation signed it as it is.

    Raises InvalidRequest: not a report, changed, or of another installation or an earlier secret key.
    """
    try:
        parts = json.loads(file)
        text, signature, key = parts["report"], bytes.fromhex(parts["signature"]), parts["public_key"]
        found: dict[str, Any] = json.loads(text)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, text.encode())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidRequest("This is not the report of a restore drill.") from error
    except InvalidSignature as error:
        raise InvalidRequest("The signature is wrong: the report was changed.") from error
    if key != public_key():
        raise InvalidRequest(
            "The report is whole, but another key signed it: another installation's, or an earlier secret key."
        )
    return found
