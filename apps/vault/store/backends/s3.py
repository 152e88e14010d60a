"""Packs in a bucket of Amazon S3 or of anything that speaks like it."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ..errors import (
    ObjectConflict,
    ObjectLocked,
    ObjectMissing,
    ObjectTruncated,
    StoreRefused,
    StoreUnavailable,
)
from .base import HOW_TO_ADDRESS, Bytes, ObjectInfo, StoreDescription, checked_key, checked_prefix
from .locks import FOR_EVER, LOCK_SLACK, Lock, cannot_lock, holds_data
from .retry import Retry
from .s3_errors import code_of, translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from .addresses import Address

T = TypeVar("T")
Addressing = Literal["auto", "path", "virtual"]
MULTIPART_FROM: Final = 16 * 1024 * 1024
PART_BYTES: Final = 8 * 1024 * 1024
_TAKEN: Final = {"PreconditionFailed", "412", "NoSuchUpload"}
_NO_CONDITIONS: Final = {"NotImplemented", "501"}


@dataclass(frozen=True, slots=True)
class S3Address:
    """Where a bucket is. Without a key pair boto3's own chain is asked (environment, profile, role)."""

    bucket: str
    prefix: str = ""  # "" or "folder/"
    endpoint: str | None = None
    region: str | None = None
    addressing: Addressing = "auto"
    key_id: str | None = None
    secret: str | None = field(default=None, repr=False)


def s3_address(address: "Address", credentials: Mapping[str, str] | None = None) -> S3Address:
    """Read the parts of `s3://bucket/prefix?options`."""
    options = dict(address.options)
    addressing = options.pop("addressing", "auto")
    endpoint, region = options.pop("endpoint", None), options.pop("region", None)
    if options or addressing not in ("auto", "path", "virtual"):
        raise StoreRefused(
            f"The address of the bucket {address.host} has an unknown option.", do=HOW_TO_ADDRESS
        )
    folder = address.path.strip("/")
    return S3Address(
        bucket=address.host,
        prefix=checked_prefix(f"{folder}/") if folder else "",
        endpoint=endpoint,
        region=region,
        addressing=cast("Addressing", addressing),
        **({"key_id": credentials["key_id"], "secret": credentials["secret"]} if credentials else {}),
    )


class S3Store:
    """Objects of one bucket below one prefix.

    Bytes are guarded on the way by Content-MD5 with every upload (the server refuses what differs); on the way
    back by the vault's own authentication. A killed upload of several parts leaves parts that no list shows:
    let the bucket's lifecycle rule drop incomplete uploads after a day.
    """

    def __init__(self, address: S3Address, retry: Retry | None = None, lock: Lock | None = None) -> None:
        self._address, self._retry, self._lock = address, retry or Retry(), lock
        self._client: S3Client = boto3.session.Session().client(
            "s3",
            endpoint_url=address.endpoint,
            region_name=address.region,
            aws_access_key_id=address.key_id,
            aws_secret_access_key=address.secret,
            config=Config(
                connect_timeout=10,
                read_timeout=60,
                max_pool_connections=16,
                retries={"total_max_attempts": 1, "mode": "standard"},  # `Retry` decides
                s3={"addressing_style": address.addressing},
                # A customer's key pair never follows the operator's settings to another server.
                ignore_configured_endpoint_urls=address.key_id is not None,  # type: ignore[call-arg]
                # The newer checksums are unknown to many servers; Content-MD5 is not.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def put_if_absent(self, key: str, data: Bytes) -> bool:
        # Tried again as a whole: some servers drop all parts of an upload when one of them fails.
        view = memoryview(data)
        written = self._retry.call(lambda: self._put_once(key, view))
        if self._lock is not None and holds_data(key):
            self._ensure_lock(key, self._lock.until() - LOCK_SLACK)
        return written

    def get(self, key: str) -> bytes:
        return self._call(key, lambda: self._read(self._client.get_object(**self._at(key))))

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        def read() -> bytes:
            wanted = f"bytes={offset}-{offset + length - 1}"
            return self._read(self._client.get_object(Range=wanted, **self._at(key)))

        data = self._call(key, read)
        if len(data) != length:
            raise ObjectTruncated(f"{key} ends before byte {offset + length}.")
        return data

    def size(self, key: str) -> int | None:
        return self._retry.call(lambda: self._size_once(key))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        skip = len(self._address.prefix)
        where: Any = {"Bucket": self._address.bucket, "Prefix": self._address.prefix + checked_prefix(prefix)}
        more = True
        while more:
            page = self._call(prefix, lambda: self._client.list_objects_v2(**where))
            for found in page.get("Contents", []):
                yield ObjectInfo(found["Key"][skip:], found["Size"])
            more = page.get("IsTruncated", False)
            where["ContinuationToken"] = page.get("NextContinuationToken", "")

    def delete(self, key: str) -> None:
        """Where a bucket keeps versions, all of the object's go: a deleted key envelope must be gone."""
        deleted: set[str] = set()
        while (found := self._head(key)) is not None:
            if (until := _until(found)) is not None:
                raise ObjectLocked(f"{key} is protected until {until:%Y-%m-%d %H:%M} UTC.", item=key)
            version = found.get("VersionId", "")
            if version in deleted:
                return  # a list that lags; or no versions, and the only one is gone
            self._delete_version(key, version)
            deleted.add(version)

    def _delete_version(self, key: str, version: str) -> None:
        which: Any = {"VersionId": version} if version else {}
        self._call(key, lambda: self._client.delete_object(**self._at(key), **which))

    def locked_until(self, key: str) -> datetime | None:
        found = self._head(key)
        if found is None:
            raise ObjectMissing(f"There is no object {key}.")
        return _until(found)

    def extend_lock(self, key: str, until: datetime) -> bool:
        if self._lock is None:
            raise cannot_lock("This store is set up without a lock, so it")
        if self._is_locked(key, until):
            return False
        retention: Any = {"Mode": self._lock.mode.upper(), "RetainUntilDate": until}
        self._call(key, lambda: self._client.put_object_retention(Retention=retention, **self._at(key)))
        return True

    def _ensure_lock(self, key: str, until: datetime) -> None:
        """Trust no server with it: some ignore the lock of an upload in parts, some ignore all locks."""
        if self.extend_lock(key, until) and not self._is_locked(key, until):
            raise cannot_lock(f"The bucket {self._address.bucket} accepts locks and forgets them: it")

    def _is_locked(self, key: str, until: datetime) -> bool:
        held = self.locked_until(key)
        return held is not None and held >= until

    def describe(self) -> StoreDescription:
        address = self._address
        server = urlsplit(address.endpoint).netloc if address.endpoint else ""
        return StoreDescription(
            kind="S3-compatible" if server else "Amazon S3",
            place=f"{address.bucket}/{address.prefix}".rstrip("/") + (f" at {server}" if server else ""),
            lock=self._lock,
            can_lock=True,
        )

    def _at(self, key: str) -> Any:
        return {"Bucket": self._address.bucket, "Key": self._address.prefix + checked_key(key)}

    def _is_there(self, key: str, size: int) -> bool:
        found = self._size_once(key)
        if found is not None and found != size:
            raise ObjectConflict(f"{key} exists with {found} bytes instead of {size}.")
        return found is not None

    def _head(self, key: str) -> Any | None:
        return self._retry.call(lambda: self._head_once(key))

    def _head_once(self, key: str) -> Any | None:
        try:
            return self._once(key, lambda: self._client.head_object(**self._at(key)))
        except ObjectMissing:
            return None

    def _size_once(self, key: str) -> int | None:
        found = self._head_once(key)
        return None if found is None else int(found["ContentLength"])

    def _retention(self, key: str) -> Any:
        """What makes a new object immutable, from its first moment on."""
        if self._lock is None or not holds_data(key):
            return {}
        return {"ObjectLockMode": self._lock.mode.upper(), "ObjectLockRetainUntilDate": self._lock.until()}

    def _put_once(self, key: str, view: memoryview) -> bool:
        if self._is_there(key, len(view)):
            return False
        try:
            self._put_parts(key, view) if len(view) > MULTIPART_FROM else self._put_whole(key, view)
        except _Taken:
            # Somebody was first; most likely we ourselves, by a try whose answer got lost.
            if not self._is_there(key, len(view)):
                raise StoreUnavailable(f"{key} was reported as taken, but is not there.") from None
            return False
        return True

    def _put_whole(self, key: str, view: memoryview) -> None:
        body, digest, retention = bytes(view), _md5(view), self._retention(key)

        def put(condition: Any) -> None:
            self._client.put_object(Body=body, ContentMD5=digest, **self._at(key), **retention, **condition)

        self._conditional(key, put)

    def _put_parts(self, key: str, view: memoryview) -> None:
        start = {**self._at(key), **self._retention(key)}
        upload = self._once(key, lambda: self._client.create_multipart_upload(**start))["UploadId"]
        try:
            starts = range(0, len(view), PART_BYTES)
            parts = [
                self._put_part(key, upload, number, view[start : start + PART_BYTES])
                for number, start in enumerate(starts, start=1)
            ]

            def complete(condition: Any) -> None:
                self._client.complete_multipart_upload(
                    UploadId=upload, MultipartUpload={"Parts": parts}, **self._at(key), **condition
                )

            self._conditional(key, complete)
        except BaseException:
            self._abort(key, upload)
            raise
        if not self._is_there(key, len(view)):
            raise StoreUnavailable(f"{key} is not there after its upload.")

    def _put_part(self, key: str, upload: str, number: int, view: memoryview) -> Any:
        body, digest = bytes(view), _md5(view)
        answer = self._once(
            key,
            lambda: self._client.upload_part(
                UploadId=upload, PartNumber=number, Body=body, ContentMD5=digest, **self._at(key)
            ),
        )
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def _abort(self, key: str, upload: str) -> None:
        """Free the parts of a failed upload. Best effort: the failure itself is what the caller must see."""
        try:
            self._client.abort_multipart_upload(UploadId=upload, **self._at(key))
        except (ClientError, BotoCoreError):
            return

    def _conditional(self, key: str, write: Callable[[Any], None]) -> None:
        """Write only if the name is free; without the condition where a server does not know it."""

        def attempt() -> None:
            try:
                write({"IfNoneMatch": "*"})
            except ClientError as error:
                if code_of(error) in _TAKEN:
                    raise _Taken from error
                if code_of(error) not in _NO_CONDITIONS:
                    raise
                write({})  # names are random and written once: the same bytes at worst

        self._once(key, attempt)

    def _read(self, answer: Any) -> bytes:
        with answer["Body"] as body:
            data: bytes = body.read()
        return data

    def _call(self, key: str, work: Callable[[], T]) -> T:
        return self._retry.call(lambda: self._once(key, work))

    def _once(self, key: str, work: Callable[[], T]) -> T:
        try:
            return work()
        except (ClientError, BotoCoreError) as error:
            raise translated(error, key, self._address.bucket) from error


class _Taken(Exception):
    """The name is in use."""


def _until(head: Any) -> datetime | None:
    """Return the end of an object's protection; None when there is none or it is over."""
    if head.get("ObjectLockLegalHoldStatus") == "ON":
        return FOR_EVER
    until: datetime | None = head.get("ObjectLockRetainUntilDate")
    return until if until is not None and until > datetime.now(UTC) else None


def _md5(view: memoryview) -> str:
    return base64.b64encode(hashlib.md5(view, usedforsecurity=False).digest()).decode("ascii")
