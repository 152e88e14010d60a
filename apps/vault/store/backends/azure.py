"""Packs in a container of Azure Blob Storage."""

import base64
import binascii
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from azure.core import MatchConditions
from azure.core.credentials import AzureSasCredential, TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.storage.blob import (
    BlobBlock,
    BlobClient,
    BlobProperties,
    BlobServiceClient,
    ContentSettings,
    ImmutabilityPolicy,
)

from ..errors import ObjectMissing, StoreRefused, StoreUnavailable
from .azure_errors import TAKEN, code_of, translated
from .base import HOW_TO_ADDRESS, ObjectInfo, checked_key, checked_prefix
from .locks import FOR_EVER, BucketLocks, Lock, LockMode
from .parts import MULTIPART_FROM, PART_BYTES, md5_bytes, parts_of
from .remote import Head, RemoteStore, Taken, read_twice
from .retry import Retry

if TYPE_CHECKING:
    from datetime import datetime

    from .addresses import Address

T = TypeVar("T")
_ONE_READ: Final = 128 * 1024 * 1024  # packs come in one piece
_MD5_RANGE: Final = 4 * 1024 * 1024  # the service gives a range's digest up to here
_MODES: Final = {LockMode.GOVERNANCE: "Unlocked", LockMode.COMPLIANCE: "Locked"}


@dataclass(frozen=True, slots=True)
class AzureAddress:
    """Where a container is. Without credentials Azure's own chain is asked (environment, managed identity)."""

    account: str
    container: str
    prefix: str = ""  # "" or "folder/"
    endpoint: str | None = None
    credentials: Mapping[str, str] | None = field(default=None, repr=False)


def azure_address(address: "Address", credentials: Mapping[str, str] | None = None) -> AzureAddress:
    """Read the parts of `azure://account/container/prefix?endpoint=`."""
    options = dict(address.options)
    endpoint = options.pop("endpoint", None)
    container, _, folder = address.path.strip("/").partition("/")
    if options or not container:
        raise StoreRefused(
            f"The address of the storage account {address.host} has "
            + ("an unknown option." if options else "no container."),
            do=HOW_TO_ADDRESS,
        )
    prefix = checked_prefix(f"{folder}/") if folder else ""
    return AzureAddress(address.host, container, prefix, endpoint, credentials)


class AzureStore(RemoteStore):
    """Block blobs of one container below one prefix.

    Bytes are guarded on the way by Content-MD5 with every upload, on the way back by the MD5 that lies beside
    each blob (ranges: by the service's own up to 4 MiB). The blocks of an upload are named after their place
    and digest, so any later try finds what is there and sends the rest; the service drops them after a week.
    """

    kind = "Azure Blob Storage"

    def __init__(self, address: AzureAddress, retry: Retry | None = None, lock: Lock | None = None) -> None:
        super().__init__(address.container, address.prefix, retry, lock)
        self._address = address
        try:
            self._client = BlobServiceClient(
                address.endpoint or f"https://{address.account}.blob.core.windows.net",
                credential=_credential(address),
                retry_total=0,  # `Retry` decides
                connection_timeout=10,
                read_timeout=60,
                max_single_put_size=MULTIPART_FROM,
                max_block_size=PART_BYTES,
                max_single_get_size=_ONE_READ,
            )
        except ValueError as error:  # nothing was asked yet: the address itself is odd
            raise StoreRefused("The server's address is not one.", do=HOW_TO_ADDRESS) from error
        self._container = self._client.get_container_client(address.container)

    def _place(self) -> str:
        endpoint = self._address.endpoint
        return urlsplit(endpoint).netloc if endpoint else self._address.account

    def _head_once(self, key: str) -> Head | None:
        try:
            found = self._once(key, lambda: self._blob(key).get_blob_properties())
        except ObjectMissing:
            return None
        return Head(found.size, _until(found), found.version_id or "")

    def _write_once(self, key: str, view: memoryview) -> None:
        settings = ContentSettings(content_md5=bytearray(md5_bytes(view)))
        arguments: dict[str, Any] = {"content_settings": settings}
        if (new := self._new_lock(key)) is not None:
            arguments["immutability_policy"] = _policy(*new)
        if len(view) > MULTIPART_FROM:
            self._put_blocks(key, view, arguments)
        else:
            self._put_whole(key, view, arguments)

    def _put_whole(self, key: str, view: memoryview, arguments: dict[str, Any]) -> None:
        data = bytes(view)
        self._once(
            key,
            lambda: self._blob(key).upload_blob(
                data, length=len(data), overwrite=False, validate_content=True, **arguments
            ),
            if_free=True,
        )

    def _put_blocks(self, key: str, view: memoryview, arguments: dict[str, Any]) -> None:
        there, blocks = self._blocks_there(key), []
        for number, part in parts_of(view):
            name = f"{number:06d}-{md5_bytes(part).hex()}"
            if (name, len(part)) not in there:
                self._put_block(key, name, part)
            blocks.append(BlobBlock(name))
        self._once(
            key,
            lambda: self._blob(key).commit_block_list(
                blocks, match_condition=MatchConditions.IfMissing, **arguments
            ),
            if_free=True,
        )

    def _blocks_there(self, key: str) -> set[tuple[str, int]]:
        """Return name and size of the blocks that an earlier try has left."""
        try:
            _, staged = self._once(key, lambda: self._blob(key).get_block_list("uncommitted"))
        except ObjectMissing:
            return set()
        return {(str(block.id), int(block.size or 0)) for block in staged}

    def _put_block(self, key: str, name: str, part: memoryview) -> None:
        data = bytes(part)
        self._once(
            key, lambda: self._blob(key).stage_block(name, data, length=len(data), validate_content=True)
        )

    def _read_once(self, key: str) -> bytes:
        def read() -> tuple[bytes, bool]:
            answer = self._blob(key).download_blob()
            data = answer.readall()
            digest = answer.properties.content_settings.content_md5
            return data, not digest or bytes(digest) == md5_bytes(data)

        return self._once(key, lambda: read_twice(read))

    def _read_range_once(self, key: str, offset: int, length: int) -> bytes:
        return self._once(
            key,
            lambda: (
                self._blob(key)
                .download_blob(offset=offset, length=length, validate_content=length <= _MD5_RANGE)
                .readall()
            ),
        )

    def _pages(self, prefix: str) -> Iterator[ObjectInfo]:
        token: str | None = None
        while True:
            found, token = self._retry.call(partial(self._page, prefix, token))
            yield from found
            if not token:
                return

    def _page(self, prefix: str, token: str | None) -> tuple[list[ObjectInfo], str | None]:
        def ask() -> tuple[list[ObjectInfo], str | None]:
            pages: Any = self._container.list_blobs(name_starts_with=prefix).by_page(token)
            found = [ObjectInfo(blob.name, blob.size) for blob in next(pages, ())]
            return found, pages.continuation_token

        return self._once(prefix, ask)

    def _delete_once(self, key: str, version: str) -> None:
        """The current version cannot be named in a deletion: it first becomes an older one."""

        def forget(**which: Any) -> None:
            try:
                self._blob(key).delete_blob(**which)
            except ResourceNotFoundError as error:
                if code_of(error) != "BlobNotFound":
                    raise

        self._once(key, forget)
        if version:
            self._once(key, lambda: forget(version_id=version))

    def _lock_once(self, key: str, lock: Lock, until: "datetime") -> None:
        self._once(key, lambda: self._blob(key).set_immutability_policy(_policy(lock, until)))

    def _bucket_locks_once(self) -> BucketLocks:
        found = self._once("", self._container.get_container_properties)
        default = "a policy of the container" if found.has_immutability_policy else ""
        return BucketLocks(possible=found.immutable_storage_with_versioning_enabled, default=default)

    def _blob(self, key: str) -> BlobClient:
        return self._container.get_blob_client(self.prefix + checked_key(key))

    def _once(self, key: str, work: Callable[[], T], *, if_free: bool = False) -> T:
        try:
            return work()
        except AzureError as error:
            if if_free and isinstance(error, HttpResponseError) and code_of(error) in TAKEN:
                raise Taken from error
            raise translated(error, key, self.bucket) from error
        except ValueError as error:
            raise StoreUnavailable(f"What answers for the container {self.bucket} is not Azure.") from error


def _credential(address: AzureAddress) -> dict[str, str] | AzureSasCredential | TokenCredential:
    """Return the given credentials; the operator's own, from the environment, only when none are given."""
    given = address.credentials
    if given is None:
        names = {"account_key": "AZURE_STORAGE_KEY", "sas_token": "AZURE_STORAGE_SAS_TOKEN"}
        given = next(({name: os.environ[v]} for name, v in names.items() if os.environ.get(v)), {})
    if key := given.get("account_key"):
        try:
            base64.b64decode(key, validate=True)
        except binascii.Error:
            raise StoreRefused("The account key is not one.", do="Copy key1 or key2 of the account.") from None
        return {"account_name": address.account, "account_key": key}
    if token := given.get("sas_token"):
        return AzureSasCredential(token.removeprefix("?"))
    if secret := given.get("client_secret"):
        try:
            return ClientSecretCredential(given["tenant_id"], given["client_id"], secret)
        except ValueError:
            raise StoreRefused(
                "The directory (tenant) ID is not one.", do="Copy it from the directory."
            ) from None
    return DefaultAzureCredential(exclude_interactive_browser_credential=True)


def _policy(lock: Lock, until: "datetime") -> ImmutabilityPolicy:
    return ImmutabilityPolicy(expiry_time=until, policy_mode=_MODES[lock.mode])


def _until(found: BlobProperties) -> "datetime | None":
    return FOR_EVER if found.has_legal_hold else found.immutability_policy.expiry_time
