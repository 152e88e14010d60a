"""Files of any size into a bucket, gone on with after a kill: what is there already is asked of the server."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from ..errors import ObjectMissing, StoreRefused, StoreUnavailable
from .parts import md5_bytes, md5_text
from .s3 import S3Store

T = TypeVar("T")
PIECE_BYTES: Final = 32 * 1024 * 1024  # 10,000 pieces, the most that S3 takes, are 320 GB


def send_file(store: S3Store, key: str, path: Path, alive: Callable[[], None]) -> None:
    """Put a file under `key`, replacing an older try. `alive` is called between pieces and may raise.

    Memory: one piece. Raises StoreError.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= PIECE_BYTES:
            _put(store, key, file.read())
        else:
            _put_pieces(store, key, file, alive)
    if _size_of(store, key) != size:
        raise StoreUnavailable(f"{key} is not there in full after its upload.")


def try_bucket(store: S3Store, key: str) -> None:
    """Write a small object, look for it, and remove it where that is allowed. Raises StoreError."""
    _put(store, key, b"Everkeep has tested this destination.\n")
    if _size_of(store, key) is None:
        raise StoreRefused("What was written cannot be found.", do="Allow reading of what is written.")
    try:
        store.asked(key, lambda c, at: c.delete_object(**at))
    except StoreRefused:  # a bucket that only takes is as good
        return


def _size_of(store: S3Store, key: str) -> int | None:
    try:
        return int(store.asked(key, lambda c, at: c.head_object(**at))["ContentLength"])
    except ObjectMissing:
        return None


def _put(store: S3Store, key: str, body: bytes) -> None:
    store.asked(key, lambda c, at: c.put_object(Body=body, ContentMD5=md5_text(memoryview(body)), **at))


def _put_pieces(store: S3Store, key: str, file: IO[bytes], alive: Callable[[], None]) -> None:
    upload = _begun(store, key)
    if upload is None:
        upload = str(store.asked(key, lambda c, at: c.create_multipart_upload(**at))["UploadId"])
    there = _pieces_there(store, key, upload)
    number, named = 0, list[Any]()
    file.seek(0, os.SEEK_SET)
    while piece := file.read(PIECE_BYTES):
        alive()
        number += 1
        etag = there.get(number, "")
        if etag.strip('"') != md5_bytes(piece).hex():
            etag = _put_piece(store, key, upload, number, piece)
        named.append({"PartNumber": number, "ETag": etag})
    store.asked(
        key, lambda c, at: c.complete_multipart_upload(UploadId=upload, MultipartUpload={"Parts": named}, **at)
    )


def _put_piece(store: S3Store, key: str, upload: str, number: int, piece: bytes) -> str:
    digest = md5_text(memoryview(piece))
    answer = store.asked(
        key,
        lambda c, at: c.upload_part(UploadId=upload, PartNumber=number, Body=piece, ContentMD5=digest, **at),
    )
    return str(answer["ETag"])


def _begun(store: S3Store, key: str) -> str | None:
    """Return the upload of this key that a killed worker has left; None where servers do not tell."""
    try:
        found = store.asked(key, lambda c, at: c.list_multipart_uploads(Bucket=at["Bucket"], Prefix=at["Key"]))
    except StoreRefused:
        return None
    full = store.prefix + key
    left = [each for each in found.get("Uploads", []) if each.get("Key") == full]
    return str(left[-1]["UploadId"]) if left else None


def _pieces_there(store: S3Store, key: str, upload: str) -> dict[int, str]:
    found: dict[int, str] = {}
    after = 0
    while True:
        page = _page(store, key, upload, after)
        found |= {int(each["PartNumber"]): str(each["ETag"]) for each in page.get("Parts", [])}
        following = int(page.get("NextPartNumberMarker") or 0)
        if not page.get("IsTruncated") or following <= after:
            return found
        after = following


def _page(store: S3Store, key: str, upload: str, after: int) -> Any:
    return store.asked(key, lambda c, at: c.list_parts(UploadId=upload, PartNumberMarker=after, **at))
