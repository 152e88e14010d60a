"""From an address in the settings to a store."""

from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import StoreRefused
from .base import HOW_TO_ADDRESS, ObjectStore
from .local import LocalStore


@lru_cache(maxsize=32)
def open_store(url: str) -> ObjectStore:
    """Return the store at `url`: `file:///absolute/folder`, or `s3://bucket/prefix` with these options:

    `endpoint` (address of a server other than Amazon's), `region`, `addressing` (auto, path, virtual).
    Nothing is contacted yet. Raises StoreRefused when the address cannot be understood.
    """
    parts = urlsplit(url)
    if parts.fragment:
        raise StoreRefused("The address of the store has a #: write it as %23.", do=HOW_TO_ADDRESS)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/") and not parts.query:
        return LocalStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc and "@" not in parts.netloc:
        from .s3 import S3Store, s3_address  # noqa: PLC0415 - boto3 costs half a second that few starts need

        return S3Store(s3_address(parts))
    # Not shown: people put keys where they do not belong.
    raise StoreRefused("The address of the store is not one.", do=HOW_TO_ADDRESS)
