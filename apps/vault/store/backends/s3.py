"""Packs in a bucket of Amazon S3 or of anything that speaks like it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ..errors import ObjectMissing, StoreRefused, StoreUnavailable
from .base import HOW_TO_ADDRESS, ObjectInfo, checked_key, checked_prefix
from .locks import FOR_EVER, BucketLocks, Lock
from .parts import MULTIPART_FROM, PART_BYTES, Halves, md5_bytes, md5_text, parts_of
from .remote import Head, RemoteStore, Taken, read_twice
from .retry import Retry
from .s3_errors import code_of, translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from .addresses import Address

T = TypeVar("T")
Addressing = Literal["auto", "path", "virtual"]
_NO_VERSIONS: Final = {"NotImplemented", "501"}
_TAKEN: Final = {"PreconditionFailed", "412", "NoSuchUpload"}
_LOST: Final = {"NoSuchUpload", "InvalidPart", "InvalidPartOrder"}  # the server has dropped the upload
_MD5_HEX: Final = re.compile(r"[0-9a-f]{32}")
_NO_LOCKS: Final = {"ObjectLockConfigurationNotFoundError", "NotImplemented", "MethodNotAllowed", "501"}
_NO_CONDITIONS: Final = {"NotImplemented", "501"}
_FILE_NAME: Final = re.compile(r"[^/\x00-\x1f\x7f\\]+(/[^/\x00-\x1f\x7f\\]+)*")
_EMPTY_PAGES: Final = 100  # one after the other: a list that never ends


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


@dataclass(slots=True)
class _Upload:
    """An upload in parts, and what of it is there: number → MD5 of the part, the server's name for it."""

    upload_id: str
    parts: dict[int, tuple[str, str]] = field(default_factory=dict)


class S3Store(RemoteStore):
    """Objects of one bucket below one prefix.

    Bytes are guarded on the way by Content-MD5 with every upload (the server refuses what differs); on the way
    back by the ETag where that is an MD5, and always by the vault's own authentication. An upload in parts that
    an outage stopped goes on with the next try of this process. A killed process leaves parts that no list
    shows: let the bucket's lifecycle rule drop incomplete uploads after a day.
    """

    def __init__(self, address: S3Address, retry: Retry | None = None, lock: Lock | None = None) -> None:
        super().__init__(address.bucket, address.prefix, retry, lock)
        self._endpoint = address.endpoint
        self.kind = "S3-compatible" if address.endpoint else "Amazon S3"
        self._halves: Halves[_Upload] = Halves(self._abort)
        self._client = _client(address)

    def asked(self, name: str, work: "Callable[[S3Client, Any], T]") -> T:
        """Ask the server something of a file that is no object of a vault, again after outages.

        `work` gets the client and where the file is. Raises StoreError.
        """
        if not _FILE_NAME.fullmatch(name) or {"..", "."} & set(name.split("/")):
            raise StoreRefused(f"{name!r} is not a name for a file.", do="Choose another folder.")
        at = {"Bucket": self.bucket, "Key": self.prefix + name}
        return self._retry.call(lambda: self._once(name, lambda: work(self._client, at)))

    def _place(self) -> str:
        return urlsplit(self._endpoint).netloc if self._endpoint else ""

    def _head_once(self, key: str) -> Head | None:
        try:
            found = self._once(key, lambda: self._client.head_object(**self._at(key)))
        except ObjectMissing:
            return None
        hold = found.get("ObjectLockLegalHoldStatus") == "ON"
        until = FOR_EVER if hold else found.get("ObjectLockRetainUntilDate")
        return Head(int(found["ContentLength"]), until, found.get("VersionId", ""))

    def _read_once(self, key: str) -> bytes:
        def read() -> tuple[bytes, bool]:
            answer = self._client.get_object(**self._at(key))
            data = _body(answer)
            return data, _etag_agrees(answer, data)

        return self._once(key, lambda: read_twice(read))

    def _read_range_once(self, key: str, offset: int, length: int) -> bytes:
        wanted = f"bytes={offset}-{offset + length - 1}"
        return self._once(key, lambda: _body(self._client.get_object(Range=wanted, **self._at(key))))

    def _pages(self, prefix: str) -> Iterator[ObjectInfo]:
        where: Any = {"Bucket": self.bucket, "Prefix": prefix}
        more, empty = True, 0
        while more:
            page = self._retry.call(lambda: self._once(prefix, lambda: self._client.list_objects_v2(**where)))
            contents = page.get("Contents", [])
            for found in contents:
                yield ObjectInfo(found["Key"], found["Size"])
            more, token = page.get("IsTruncated", False), page.get("NextContinuationToken", "")
            empty = 0 if contents else empty + 1
            if more and (token == where.get("ContinuationToken", "") or empty > _EMPTY_PAGES):
                raise StoreRefused(
                    "This server's list has no end.", do="It does not do what S3 does: use another."
                )
            where["ContinuationToken"] = token

    def version_pages(self, below: str = "") -> Iterator[Any]:
        """Yield what the bucket keeps of versions and delete markers in a folder of ours. Raises StoreError.

        Nothing from a server that knows no versions.
        """
        where: dict[str, Any] = {"Bucket": self.bucket, "Prefix": self.prefix + checked_prefix(below)}
        more = True
        while more:
            page = self._retry.call(partial(self._once, "", partial(self._versions_once, where)))
            yield page
            more = page.get("IsTruncated", False)
            where["KeyMarker"] = page.get("NextKeyMarker", "")
            where["VersionIdMarker"] = page.get("NextVersionIdMarker", "")

    def _versions_once(self, where: dict[str, Any]) -> Any:
        try:
            return self._client.list_object_versions(**where)
        except ClientError as error:
            if code_of(error) in _NO_VERSIONS:
                return {}
            raise

    def _delete_once(self, key: str, version: str) -> None:
        which: Any = {"VersionId": version} if version else {}
        self._once(key, lambda: self._client.delete_object(**self._at(key), **which))

    def _lock_once(self, key: str, lock: Lock, until: datetime) -> None:
        retention: Any = {"Mode": lock.mode.upper(), "RetainUntilDate": until}
        self._once(key, lambda: self._client.put_object_retention(Retention=retention, **self._at(key)))

    def _bucket_locks_once(self) -> BucketLocks:
        def ask() -> BucketLocks:
            try:
                found: Any = self._client.get_object_lock_configuration(Bucket=self.bucket)
            except ClientError as error:
                if code_of(error) in _NO_LOCKS:
                    return BucketLocks(possible=False)
                if code_of(error) in ("AccessDenied", "403"):
                    return BucketLocks(possible=None)
                raise
            return _bucket_locks(found.get("ObjectLockConfiguration", {}))

        return self._once("", ask)

    def _at(self, key: str) -> Any:
        return {"Bucket": self.bucket, "Key": self.prefix + checked_key(key)}

    def _retention(self, key: str) -> Any:
        if (new := self._new_lock(key)) is None:
            return {}
        return {"ObjectLockMode": new[0].mode.upper(), "ObjectLockRetainUntilDate": new[1]}

    def _write_once(self, key: str, view: memoryview) -> None:
        self._put_parts(key, view) if len(view) > MULTIPART_FROM else self._put_whole(key, view)

    def _put_whole(self, key: str, view: memoryview) -> None:
        body, digest, retention = bytes(view), md5_text(view), self._retention(key)

        def put(condition: Any) -> None:
            self._client.put_object(Body=body, ContentMD5=digest, **self._at(key), **retention, **condition)

        self._conditional(key, put)

    def _put_parts(self, key: str, view: memoryview) -> None:
        upload = self._halves.take(key) or self._start(key)
        try:
            for number, part in parts_of(view):
                digest = md5_text(part)
                if upload.parts.get(number, ("", ""))[0] != digest:
                    upload.parts[number] = digest, self._put_part(key, upload.upload_id, number, part, digest)
            self._complete(key, upload, -(-len(view) // PART_BYTES))
        except StoreUnavailable as error:
            if isinstance(error.__cause__, ClientError) and code_of(error.__cause__) in _LOST:
                self._abort(key, upload)
            else:
                self._halves.keep(key, upload)
            raise
        except BaseException:
            self._abort(key, upload)
            raise
        if not self._is_there(key, len(view)):
            raise StoreUnavailable(f"{key} is not there after its upload.")

    def _start(self, key: str) -> _Upload:
        where = {**self._at(key), **self._retention(key)}
        return _Upload(self._once(key, lambda: self._client.create_multipart_upload(**where))["UploadId"])

    def _put_part(self, key: str, upload_id: str, number: int, part: memoryview, digest: str) -> str:
        body = bytes(part)
        answer = self._once(
            key,
            lambda: self._client.upload_part(
                UploadId=upload_id, PartNumber=number, Body=body, ContentMD5=digest, **self._at(key)
            ),
        )
        return answer["ETag"]

    def _complete(self, key: str, upload: _Upload, count: int) -> None:
        parts: Any = [{"PartNumber": n, "ETag": upload.parts[n][1]} for n in range(1, count + 1)]

        def complete(condition: Any) -> None:
            self._client.complete_multipart_upload(
                UploadId=upload.upload_id, MultipartUpload={"Parts": parts}, **self._at(key), **condition
            )

        self._conditional(key, complete)

    def _abort(self, key: str, upload: _Upload) -> None:
        """Free the parts of a failed upload. Best effort: the failure itself is what the caller must see."""
        try:
            self._client.abort_multipart_upload(UploadId=upload.upload_id, **self._at(key))
        except (ClientError, BotoCoreError):
            return

    def _conditional(self, key: str, write: Callable[[Any], None]) -> None:
        """Write only if the name is free; without the condition where a server does not know it."""

        def attempt() -> None:
            try:
                write({"IfNoneMatch": "*"})
            except ClientError as error:
                if code_of(error) in _TAKEN:
                    raise Taken from error
                if code_of(error) not in _NO_CONDITIONS:
                    raise
                write({})  # names are random and written once: the same bytes at worst

        self._once(key, attempt)

    def _once(self, key: str, work: Callable[[], T]) -> T:
        try:
            return work()
        except (ClientError, BotoCoreError) as error:
            raise translated(error, key, self.bucket) from error


def _client(address: S3Address) -> "S3Client":
    try:
        return boto3.session.Session().client(
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
    except (BotoCoreError, ValueError) as error:  # nothing was asked yet: the settings themselves are odd
        raise StoreRefused(f"The bucket {address.bucket} cannot be used: {error}", do=HOW_TO_ADDRESS) from error


def _body(answer: Any) -> bytes:
    with answer["Body"] as body:
        data: bytes = body.read()
    return data


def _bucket_locks(found: Any) -> BucketLocks:
    default = found.get("Rule", {}).get("DefaultRetention", {})
    days, years = default.get("Days"), default.get("Years")
    span = f"{days} days" if days else f"{years} years" if years else ""
    words = f"{str(default.get('Mode', '')).lower()}, {span}" if span else ""
    return BucketLocks(possible=found.get("ObjectLockEnabled") == "Enabled", default=words)


def _etag_agrees(answer: Any, data: bytes) -> bool:
    """Compare with the ETag where it can be the MD5 of the bytes: not in parts, not under a key of KMS."""
    etag = str(answer.get("ETag", "")).strip('"')
    own_keys = "SSECustomerAlgorithm" in answer or answer.get("ServerSideEncryption", "AES256") != "AES256"
    return own_keys or not _MD5_HEX.fullmatch(etag) or etag == md5_bytes(data).hex()
