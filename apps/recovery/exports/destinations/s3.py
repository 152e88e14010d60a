"""Amazon S3 and all that speaks like it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from secrets import token_hex

from apps.core.sealing import seal, unseal
from apps.vault.api import Bucket, open_bucket

from ...models import Destination


class S3Destination:
    """A bucket of the customer's (`base.Sender`)."""

    def __init__(self, destination: Destination, credentials: Mapping[str, str] | None = None) -> None:
        """`credentials`: those that are not kept yet; else the sealed ones are opened."""
        self._bucket: Bucket = open_bucket(destination.url, credentials or _opened(destination))

    def test(self) -> None:
        self._bucket.test(f"everkeep-test-{token_hex(8)}.txt")

    def send(self, key: str, path: Path, alive: Callable[[], None]) -> None:
        self._bucket.send(key, path, alive)


def sealed(destination: Destination, credentials: Mapping[str, str]) -> bytes:
    """Return the credentials as they are kept."""
    return seal(
        account_id=destination.account_id,
        purpose=destination.secret_purpose,
        plaintext=json.dumps(dict(credentials)).encode(),
    )


def _opened(destination: Destination) -> dict[str, str]:
    found: dict[str, str] = json.loads(
        unseal(
            account_id=destination.account_id,
            purpose=destination.secret_purpose,
            sealed=bytes(destination.sealed_credentials),
        )
    )
    return found
