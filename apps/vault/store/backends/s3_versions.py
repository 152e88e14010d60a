"""What somebody hid in a bucket that keeps versions, and bringing it to light again."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from .s3 import S3Store


def hidden(store: S3Store, below: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield each object of a folder ("name/") whose first version is not the one that is seen.

    With it come the versions that lie above the first.

    Names are written once (V6), so the oldest version is the true one; delete markers and later versions were
    not ours. Raises StoreError.
    """
    for key, found in groupby(_entries(store, below), key=lambda entry: str(entry["Key"])):
        entries = list(found)
        versions = [entry for entry in entries if "Size" in entry]  # newest first; times tie within a second
        if versions and not versions[-1].get("IsLatest"):
            above = [str(entry["VersionId"]) for entry in entries if entry is not versions[-1]]
            yield key.removeprefix(store.prefix), above


def unhide(store: S3Store, below: str = "") -> Iterator[str]:
    """Take off what lies above the first version of each object of a folder, and yield its name.

    Raises StoreError.
    """
    for key, above in list(hidden(store, below)):
        for version in above:
            store.delete_version(key, version)
        yield key


def _entries(store: S3Store, below: str) -> Iterator[Any]:
    """Yield versions and delete markers, all of one object after the other, however the server pages them."""
    held: list[Any] = []
    for page in store.version_pages(below):
        held += [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        held.sort(key=lambda entry: entry["Key"])
        last = held[-1]["Key"] if held else ""
        yield from (entry for entry in held if entry["Key"] != last)  # the last one may go on in the next page
        held = [entry for entry in held if entry["Key"] == last]
    yield from held
