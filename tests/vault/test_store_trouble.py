"""Full disks, servers that die, wrong settings: apps/vault/store/backends/."""

import errno
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from apps.vault.store.backends import s3 as s3_module
from apps.vault.store.backends.addresses import open_store
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.backends.parts import MULTIPART_FROM
from apps.vault.store.backends.retry import Retry
from apps.vault.store.backends.s3 import S3Store
from apps.vault.store.content import Role
from apps.vault.store.errors import StoreError, StoreFull, StoreRefused, StoreUnavailable
from apps.vault.store.index import MemoryIndex
from apps.vault.store.keys import VaultKeys
from apps.vault.store.reader import VaultReader
from apps.vault.store.writer import VaultWriter
from tests.fixtures.s3 import S3Server


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the kernel refuse longer files: the nearest thing to a full disk that needs no rights."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_said_and_leaves_nothing_behind(store: LocalStore) -> None:
    store.put_if_absent("packs/aa/small", b"fits")
    with largest_file(100_000), pytest.raises(StoreFull, match="disk is full"):
        store.put_if_absent("packs/aa/large", bytes(1_000_000))
    assert files(store.root) == ["packs/aa/small"]
    assert store.put_if_absent("packs/aa/large", bytes(1_000_000)) is True


def test_a_writer_goes_on_when_the_disk_has_space_again(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    writer = VaultWriter(keys, store, index)
    noise = os.urandom(500_000)
    part = writer.put(Role.FILE, noise)
    with largest_file(100_000):
        for _ in range(2):
            with pytest.raises(StoreFull):
                writer.flush()
    assert index.places == {}
    writer.flush()
    assert VaultReader(keys, store, index).read(part) == noise


@pytest.mark.parametrize(
    "number, expected",
    [
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EROFS, StoreRefused),
        (errno.EACCES, StoreRefused),
        (errno.EIO, StoreUnavailable),
    ],
)
def test_a_disk_that_cannot_sync_has_stored_nothing(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, number: int, expected: type[StoreError]
) -> None:
    store.put_if_absent("packs/aa/one", b"before")

    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(expected):
        store.put_if_absent("packs/aa/two", b"never durable")
    assert files(store.root) == ["packs/aa/one"]


def test_shares_without_hard_links_work_too(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Any, target: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert store.put_if_absent("packs/aa/one", b"data") is True
    assert store.put_if_absent("packs/aa/one", b"data") is False
    assert files(store.root) == ["packs/aa/one"]


def test_folders_and_files_are_the_owners_alone(store: LocalStore) -> None:
    store.put_if_absent("packs/aa/one", b"data")
    assert (store.root / "packs").stat().st_mode & 0o077 == 0


def test_remains_of_a_killed_write_are_not_listed(store: LocalStore) -> None:
    store.put_if_absent("packs/aa/one", b"data")
    (store.root / "packs/aa/.tmp-0123").write_bytes(b"half")
    assert [found.key for found in store.list("")] == ["packs/aa/one"]


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    calls = 0

    def fail() -> None:
        nonlocal calls
        calls += 1
        raise StoreUnavailable("still down")

    with pytest.raises(StoreUnavailable):
        Retry().call(fail)
    assert calls == Retry().tries == len(pauses) + 1
    assert 20 < sum(pauses) < 60
    assert all(pause <= Retry().most_seconds for pause in pauses)


@pytest.mark.server
def test_a_wrong_secret_is_refused_at_once(s3_server: S3Server) -> None:
    bucket = s3_server.bucket("wrong-secret")
    store = s3_server.store(bucket, secret="not the secret", retry=Retry(tries=50, first_seconds=9))
    with pytest.raises(StoreRefused, match="key pair"):
        store.put_if_absent("one", b"x")


@pytest.mark.server
def test_a_bucket_that_does_not_exist_is_named(s3_server: S3Server) -> None:
    with pytest.raises(StoreRefused, match="no-such-bucket"):
        s3_server.store("no-such-bucket").put_if_absent("one", b"x")


@pytest.mark.server
@pytest.mark.parametrize("size", [1_000, MULTIPART_FROM + 1])
def test_damage_on_the_way_is_noticed_by_the_server(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    store = s3_server.store(s3_server.bucket(f"damage-{size}"))
    monkeypatch.setattr(s3_module, "md5_text", lambda view: "AAAAAAAAAAAAAAAAAAAAAA==")
    with pytest.raises(StoreUnavailable, match=r"BadDigest|NoSuchUpload"):
        store.put_if_absent("one", bytes(size))
    monkeypatch.undo()
    assert store.size("one") is None
    assert store.put_if_absent("one", bytes(size)) is True


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[S3Server]:
    """A server that the test may kill."""
    folder = tmp_path / "s3"
    folder.mkdir()
    server = S3Server(folder)
    server.start()
    yield server
    server.kill()


@pytest.mark.server
def test_a_server_that_died_and_came_back_has_everything(
    own_server: S3Server, keys: VaultKeys, index: MemoryIndex
) -> None:
    store = own_server.store(own_server.bucket("dies"))
    writer = VaultWriter(keys, store, index, pack_bytes=200_000)
    mails = [os.urandom(70_000) for _ in range(30)]  # too large to wait for a dictionary
    parts = writer.put_many([(Role.MIME, mail) for mail in mails[:10]])
    own_server.kill()
    with pytest.raises(StoreUnavailable, match="dies"):
        writer.put_many([(Role.MIME, mail) for mail in mails[10:20]])
    with pytest.raises(StoreUnavailable):
        writer.flush()
    own_server.start()
    parts += writer.put_many([(Role.MIME, mail) for mail in mails[10:]])
    writer.flush()
    assert list(VaultReader(keys, store, index).read_many(parts)) == mails


@pytest.mark.server
def test_a_server_killed_between_two_parts_of_an_upload(
    own_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = own_server.bucket("halfway")
    store, put_part = own_server.store(bucket), S3Store._put_part

    def kill_after_first(self: S3Store, key: str, upload: str, number: int, *rest: Any) -> Any:
        if number == 2:
            own_server.kill()
        return put_part(self, key, upload, number, *rest)

    data = os.urandom(MULTIPART_FROM + 5)
    monkeypatch.setattr(S3Store, "_put_part", kill_after_first)
    with pytest.raises(StoreUnavailable):
        store.put_if_absent("packs/one", data)
    monkeypatch.undo()
    own_server.start()
    assert store.size("packs/one") is None
    assert list(store.list("")) == []
    assert store.put_if_absent("packs/one", data) is True
    assert store.get("packs/one") == data


@pytest.mark.server
def test_a_short_outage_is_ridden_out(own_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    store = own_server.store(own_server.bucket("outage"), retry=Retry(tries=3, first_seconds=0.01))
    own_server.kill()
    fail = store._once
    came_back = []

    def come_back_after_failing(key: str, work: Any) -> Any:
        try:
            return fail(key, work)
        except StoreUnavailable:
            came_back.append(key)
            own_server.start()
            raise

    monkeypatch.setattr(store, "_once", come_back_after_failing)
    assert store.put_if_absent("one", b"data") is True
    assert came_back == ["one"]


@pytest.mark.parametrize(
    "url",
    ["", "vault", "file://host/folder", "file:relative", "ftp://x/y", "s3://", "s3://key:secret@bucket/", "s3://b/?x=1",
     "s3://b/?addressing=odd"],
)  # fmt: skip
def test_an_address_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(StoreRefused) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_an_address_says_where_the_bucket_is() -> None:
    store = open_store("s3://bucket/a/b?endpoint=http://127.0.0.1:9&region=eu-central-1&addressing=path")
    assert isinstance(store, S3Store)
    assert (store.bucket, store.prefix) == ("bucket", "a/b/")
    assert store.describe().place == "bucket/a/b at 127.0.0.1:9"
    assert (store._client.meta.endpoint_url, store._client.meta.region_name) == (
        "http://127.0.0.1:9",
        "eu-central-1",
    )
    assert store._client.meta.config.s3["addressing_style"] == "path"


@pytest.mark.parametrize("name", ["my vault", "50% done", "#1", "what?", "müll"])
def test_any_folder_has_an_address(tmp_path: Path, name: str) -> None:
    store = open_store((tmp_path / name).as_uri())
    assert isinstance(store, LocalStore) and store.root == tmp_path / name
