"""Packs in a bucket of Google Cloud Storage."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import google.auth
import google_crc32c
import requests
from google.api_core.exceptions import from_http_response
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage
from google.oauth2 import service_account

from ..errors import ObjectMissing, StoreError, StoreRefused, StoreUnavailable
from .base import HOW_TO_ADDRESS, ObjectInfo, checked_key, checked_prefix
from .gcs_errors import FAILURES, status_of, translated
from .locks import FOR_EVER, BucketLocks, Lock, LockMode
from .parts import PART_BYTES, Halves, parts_of
from .remote import Head, RemoteStore, Taken
from .retry import Retry

if TYPE_CHECKING:
    from .addresses import Address

T = TypeVar("T")
_SCOPES: Final = ("https://www.googleapis.com/auth/devstorage.read_write",)
_TOKEN_URI: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_STEP: Final = 256 * 1024  # all parts but the last have a multiple of this
_DROPPED: Final = (400, 404, 410)  # what a session answers that is of no use any more
_TIMEOUT: Final = (10, 60)
_MODES: Final = {LockMode.GOVERNANCE: "Unlocked", LockMode.COMPLIANCE: "Locked"}
_ONCE: Final[dict[str, Any]] = {"timeout": _TIMEOUT, "retry": None}  # `Retry` decides


@dataclass(frozen=True, slots=True)
class GCSAddress:
    """Where a bucket is. Without credentials Google's own chain is asked (environment, machine's account)."""

    bucket: str
    prefix: str = ""  # "" or "folder/"
    endpoint: str | None = None
    credentials: Mapping[str, str] | None = field(default=None, repr=False)
    anonymous: bool = False  # for test servers


def gcs_address(address: "Address", credentials: Mapping[str, str] | None = None) -> GCSAddress:
    """Read the parts of `gs://bucket/prefix?endpoint=`."""
    options = dict(address.options)
    endpoint = options.pop("endpoint", None)
    if options:
        raise StoreRefused(
            f"The address of the bucket {address.host} has an unknown option.", do=HOW_TO_ADDRESS
        )
    folder = address.path.strip("/")
    return GCSAddress(address.host, checked_prefix(f"{folder}/") if folder else "", endpoint, credentials)


@dataclass(frozen=True, slots=True)
class _Session:
    """An upload in parts: the address that takes them, and the CRC32C of the whole that they must make."""

    address: str
    checksum: str


class GCSStore(RemoteStore):
    """Objects of one bucket below one prefix.

    Bytes are guarded by CRC32C on the way there (the server refuses what differs) and, for whole objects, on
    the way back. A large upload that an outage stopped goes on with the next try of this process at the byte
    the server names; sessions that nobody ends are dropped by the server after a week.
    """

    kind = "Google Cloud Storage"

    def __init__(self, address: GCSAddress, retry: Retry | None = None, lock: Lock | None = None) -> None:
        super().__init__(address.bucket, address.prefix, retry, lock)
        self._endpoint, self._halves = address.endpoint, Halves[_Session](lambda key, session: None)
        options = {"api_endpoint": address.endpoint} if address.endpoint else None
        self._client = storage.Client(
            project="everkeep",  # asked for by the library, used for buckets only
            credentials=_credentials(address),
            client_options=options,
        )
        self._uploads = requests.Session()
        self._bucket = self._client.bucket(address.bucket)

    def _place(self) -> str:
        return urlsplit(self._endpoint).netloc if self._endpoint else ""

    def _head_once(self, key: str) -> Head | None:
        blob = self._blob(key)
        try:
            self._once(key, lambda: blob.reload(**_ONCE))
        except ObjectMissing:
            return None
        return Head(int(blob.size), _until(blob), str(blob.generation or ""))

    def _write_once(self, key: str, view: memoryview) -> None:
        try:
            self._put_parts(key, view) if len(view) > PART_BYTES else self._put_whole(key, view)
        except ObjectMissing:
            raise StoreRefused(
                f"There is no bucket {self.bucket}.", do="Check its name and the credentials."
            ) from None

    def _put_whole(self, key: str, view: memoryview) -> None:
        blob, data = self._new_blob(key), bytes(view)
        self._once(
            key,
            lambda: blob.upload_from_string(
                data,
                content_type="application/octet-stream",
                checksum="crc32c",
                if_generation_match=0,
                **_ONCE,
            ),
            if_free=True,
        )

    def _put_parts(self, key: str, view: memoryview) -> None:
        """Send an object in the parts of one upload session, from where the server has it."""
        checksum, size = _crc32c(view), len(view)
        half, there = self._halves.take(key), 0
        try:
            if half is not None and half.checksum == checksum:
                there = self._received(key, half.address, size)
            else:
                half = _Session(self._start(key, size, checksum), checksum)
            while there < size:
                end = _step_end(there, size)
                now_there = self._send(key, half.address, view[there:end], there, size)
                if now_there <= there:
                    raise StoreUnavailable(f"The upload of {key} makes no headway.")
                there = now_there
        except StoreUnavailable as error:
            if half is not None and status_of(error.__cause__) not in _DROPPED:
                self._halves.keep(key, half)
            raise

    def _start(self, key: str, size: int, checksum: str) -> str:
        blob = self._new_blob(key)
        blob.crc32c = checksum
        return str(
            self._once(
                key,
                lambda: blob.create_resumable_upload_session(
                    content_type="application/octet-stream",
                    size=size,
                    checksum=None,
                    if_generation_match=0,
                    **_ONCE,
                ),
                if_free=True,
            )
        )

    def _received(self, key: str, session: str, size: int) -> int:
        """Return how many bytes of an upload the server has. Raises StoreUnavailable when it forgot it."""
        return self._put(key, session, b"", f"bytes */{size}", size)

    def _send(self, key: str, session: str, part: memoryview, start: int, size: int) -> int:
        """Send a part and return how many bytes of the upload the server has now."""
        return self._put(key, session, bytes(part), f"bytes {start}-{start + len(part) - 1}/{size}", size)

    def _put(self, key: str, session: str, data: bytes, content_range: str, size: int) -> int:
        try:
            answer = self._once(key, lambda: self._ask(session, data, content_range), if_free=True)
        except StoreError as error:
            if status_of(error.__cause__) in _DROPPED:
                raise StoreUnavailable(f"The server has dropped the upload of {key}.") from error.__cause__
            raise
        if answer.status_code != 308:
            return size
        _, _, last = answer.headers.get("Range", "").partition("-")
        return int(last) + 1 if last.isdigit() and last != "0" else 0  # test servers say 0-0 for nothing

    def _ask(self, session: str, data: bytes, content_range: str) -> requests.Response:
        answer = self._uploads.put(
            session,
            data=data,
            headers={"Content-Range": content_range},
            timeout=_TIMEOUT,
            allow_redirects=False,  # 308 means "go on" here
        )
        if answer.status_code >= 400:
            raise from_http_response(answer)  # type: ignore[no-untyped-call]
        return answer

    def _read_once(self, key: str) -> bytes:
        return self._download(key, checksum="crc32c")

    def _read_range_once(self, key: str, offset: int, length: int) -> bytes:
        return self._download(key, start=offset, end=offset + length - 1, checksum=None)

    def _download(self, key: str, **arguments: Any) -> bytes:
        read: Callable[[], bytes] = partial(
            self._blob(key).download_as_bytes, raw_download=True, **arguments, **_ONCE
        )
        return self._once(key, read)

    def _pages(self, prefix: str) -> Iterator[ObjectInfo]:
        token: str | None = None
        while True:
            found, token = self._retry.call(partial(self._page, prefix, token))
            yield from found
            if not token:
                return

    def _page(self, prefix: str, token: str | None) -> tuple[list[ObjectInfo], str | None]:
        def ask() -> tuple[list[ObjectInfo], str | None]:
            pages = self._client.list_blobs(self._bucket, prefix=prefix, page_token=token, **_ONCE)
            found = [ObjectInfo(blob.name, int(blob.size)) for blob in next(pages.pages, ())]
            return found, pages.next_page_token

        return self._once(prefix, ask)

    def _delete_once(self, key: str, version: str) -> None:
        blob = self._bucket.blob(self.prefix + checked_key(key), generation=int(version) if version else None)
        try:
            self._once(key, lambda: blob.delete(**_ONCE))
        except ObjectMissing:
            return

    def _lock_once(self, key: str, lock: Lock, until: datetime) -> None:
        blob = self._locked(self._blob(key), lock, until)
        self._once(key, lambda: blob.patch(**_ONCE))

    def _bucket_locks_once(self) -> BucketLocks:
        self._once("", lambda: self._bucket.reload(**_ONCE))
        seconds = self._bucket.retention_period
        default = f"retention policy, {seconds // 86_400} days" if seconds else ""
        return BucketLocks(possible=self._bucket.object_retention_mode == "Enabled", default=default)

    def _new_blob(self, key: str) -> storage.Blob:
        blob = self._blob(key)
        return self._locked(blob, *new) if (new := self._new_lock(key)) is not None else blob

    def _locked(self, blob: storage.Blob, lock: Lock, until: datetime) -> storage.Blob:
        retention = blob.retention
        retention.mode = _MODES[lock.mode]
        retention.retain_until_time = until
        return blob

    def _blob(self, key: str) -> storage.Blob:
        return self._bucket.blob(self.prefix + checked_key(key))

    def _once(self, key: str, work: Callable[[], T], *, if_free: bool = False) -> T:
        try:
            return work()
        except FAILURES as error:
            if if_free and status_of(error) == 412:
                raise Taken from error
            raise translated(error, key, self.bucket) from error


def _crc32c(view: memoryview) -> str:
    checksum = 0
    for _, part in parts_of(view):
        checksum = google_crc32c.extend(checksum, bytes(part))
    return base64.b64encode(checksum.to_bytes(4, "big")).decode("ascii")


def _step_end(start: int, size: int) -> int:
    """Return where the stretch to send ends: all that is left where the server stopped at an odd place."""
    return min(start + PART_BYTES, size) if start % _STEP == 0 else size


def _credentials(address: GCSAddress) -> Credentials:
    """Return the given credentials; the operator's own, from the environment, only when none are given."""
    if address.anonymous:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    if address.credentials is None:
        try:
            found: Credentials = google.auth.default(scopes=_SCOPES)[0]
        except GoogleAuthError as error:
            raise StoreRefused(
                "There are no credentials for Google Cloud Storage.", do="Set GOOGLE_APPLICATION_CREDENTIALS."
            ) from error
        return found
    try:
        given = json.loads(address.credentials["service_account_json"])
        # Only these: the file may name addresses to ask, which must never be a customer's choice.
        info = {name: str(given[name]) for name in ("client_email", "private_key", "private_key_id")}
        made: Credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            {**info, "token_uri": _TOKEN_URI}, scopes=_SCOPES
        )
        return made
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StoreRefused(
            "The key is not the JSON file of a service account.", do="Paste the whole file as Google made it."
        ) from None


def _until(blob: storage.Blob) -> datetime | None:
    if blob.temporary_hold or blob.event_based_hold:
        return FOR_EVER
    ends: list[datetime] = [
        end for end in (blob.retention.retain_until_time, blob.retention_expiration_time) if end
    ]
    return max(ends, default=None)
