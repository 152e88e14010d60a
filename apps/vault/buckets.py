"""A customer's bucket as a place for files: guarded like his stores, and never a place of ours."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from .errors import StoreRefused
from .stores import reach_own
from .trying import tried

if TYPE_CHECKING:
    from .store.backends.s3 import S3Store

# The S3 back end is loaded where it is used: boto3 costs ten megabytes that few processes need.


class Bucket:
    """Takes files. Every method raises StoreError."""

    def __init__(self, store: "S3Store") -> None:
        self._store = store

    def send(self, key: str, path: Path, alive: Callable[[], None] = lambda: None) -> None:
        """Put a file under `key`; a send that was killed is gone on with. `alive` may raise between pieces."""
        from .store.backends.s3_files import send_file  # noqa: PLC0415

        send_file(self._store, key, path, alive)

    def test(self, key: str) -> None:
        """Try whether files can be written, while a person waits."""
        from .store.backends.s3_files import try_bucket  # noqa: PLC0415

        tried(lambda: try_bucket(self._store, key))


def bucket_url(*, bucket: str, prefix: str = "", endpoint: str = "", region: str = "") -> str:
    """Return the address of a bucket without any credentials; of Amazon S3 without `endpoint`."""
    options = {"region": region} if region else {}
    if endpoint:
        options |= {"endpoint": endpoint, "addressing": "path"}
    folder = prefix.strip("/")
    return f"s3://{bucket}{f'/{folder}' if folder else ''}{f'?{urlencode(options)}' if options else ''}"


def open_bucket(url: str, credentials: Mapping[str, str]) -> Bucket:
    """Open a customer's bucket. Nothing is contacted yet. Raises StoreRefused, StoreUnavailable."""
    from .store.backends.s3 import S3Store  # noqa: PLC0415

    store = reach_own(url, credentials)
    if not isinstance(store, S3Store):
        raise StoreRefused("This is not the address of a bucket.", do="Give endpoint and bucket.")
    return Bucket(store)
