"""Outages and damage between us and each cloud: apps/vault/store/backends/{s3,azure,gcs}.py."""

import itertools
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from apps.vault.store.backends.gcs import GCSStore
from apps.vault.store.backends.parts import MOST_HALVES, MULTIPART_FROM, PART_BYTES, Halves
from apps.vault.store.backends.remote import RemoteStore
from apps.vault.store.backends.s3 import S3Store
from apps.vault.store.errors import ObjectMissing, StoreRefused, StoreUnavailable
from tests.faults.wire import Wire, wire
from tests.fixtures.clouds import AzureServer, GCSServer
from tests.fixtures.s3 import MotoServer, S3Server

_numbers = itertools.count()
MakeStore = Callable[..., RemoteStore]


@pytest.fixture(params=["s3", "azure", "gcs"])
def cloud(request: pytest.FixtureRequest) -> Any:
    """The server of one cloud."""
    return request.getfixturevalue(
        {"s3": "moto_server", "azure": "azure_server", "gcs": "gcs_server"}[request.param]
    )


def new_bucket(cloud: AzureServer | GCSServer | MotoServer) -> str:
    name = f"trouble-{next(_numbers)}"
    return cloud.container(name) if isinstance(cloud, AzureServer) else cloud.bucket(name)


@pytest.fixture
def line(cloud: Any) -> Iterator[Wire]:
    """The way to that server."""
    port = urlsplit(cloud.endpoint).port
    assert port
    with wire(port) as laid:
        yield laid


@pytest.fixture
def store(cloud: Any, line: Wire) -> RemoteStore:
    """A store at the other end of the line."""
    near = urlsplit(cloud.endpoint)._replace(netloc=f"127.0.0.1:{line.port}").geturl()
    return replace(cloud, endpoint=near).store(new_bucket(cloud), "some/folder/")


@pytest.mark.server
def test_an_upload_goes_on_where_an_outage_stopped_it(store: RemoteStore, line: Wire) -> None:
    data = random.Random(1).randbytes(2 * PART_BYTES + 12_345)
    line.cut_after(PART_BYTES + PART_BYTES // 2)
    with pytest.raises(StoreUnavailable):
        store.put_if_absent("packs/one", data)
    line.mend()
    assert store.size("packs/one") is None
    before = line.sent
    assert store.put_if_absent("packs/one", data) is True
    assert line.sent - before < len(data) - PART_BYTES + 20_000
    assert store.get("packs/one") == data
    assert [found.key for found in store.list("")] == ["packs/one"]


@pytest.mark.server
def test_an_upload_to_google_goes_on_with_what_the_server_kept_of_a_part(
    gcs_server: GCSServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part may be kept in part: the answer says how much of the upload is there."""
    store, ask = gcs_server.store(gcs_server.bucket("kept-in-part")), GCSStore._ask
    data, sent = random.Random(3).randbytes(2 * PART_BYTES + 99), []

    def keep_a_piece_of_the_first(self: GCSStore, session: str, part: bytes, where: str) -> Any:
        sent.append(where)
        if len(sent) == 1:
            part, where = part[: 1024 * 1024], f"bytes 0-{1024 * 1024 - 1}/{len(data)}"
        return ask(self, session, part, where)

    monkeypatch.setattr(GCSStore, "_ask", keep_a_piece_of_the_first)
    assert store.put_if_absent("packs/one", data) is True
    assert sent[1].startswith(f"bytes {1024 * 1024}-")
    assert store.get("packs/one") == data


@pytest.mark.server
def test_what_a_half_done_upload_left_never_gets_into_another_object(store: RemoteStore, line: Wire) -> None:
    """Same name, same size, other bytes: cannot happen to packs, must not go wrong either."""
    first, second = (random.Random(seed).randbytes(2 * PART_BYTES + 7) for seed in (1, 2))
    line.cut_after(PART_BYTES + PART_BYTES // 2)
    with pytest.raises(StoreUnavailable):
        store.put_if_absent("packs/one", first)
    line.mend()
    store.put_if_absent("packs/one", second)
    assert store.get("packs/one") == second


@pytest.mark.server
@pytest.mark.parametrize(
    "cloud", ["azure", "gcs"], indirect=True
)  # S3: test_store_trouble.py; moto does not compare
@pytest.mark.parametrize("size", [100_000, MULTIPART_FROM + 5])
def test_damage_on_the_way_there_is_refused_by_the_server(store: RemoteStore, line: Wire, size: int) -> None:
    data = os.urandom(size)
    store.size("warm")  # what a first connection says is not to be damaged
    line.damage_after(60_000, upwards=True)
    assert store.put_if_absent("packs/one", data) is True
    assert store.get("packs/one") == data


@pytest.mark.server
def test_damage_on_the_way_back_is_noticed_and_read_again(store: RemoteStore, line: Wire) -> None:
    data = os.urandom(200_000)
    store.put_if_absent("packs/one", data)
    line.damage_after(90_000, upwards=False)
    assert store.get("packs/one") == data


@pytest.mark.server
def test_a_short_outage_does_not_reach_the_caller(
    store: RemoteStore, line: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, asked = store._head_once, []

    def mend_at_the_second_try(key: str) -> Any:
        asked.append(key)
        if len(asked) == 2:
            line.mend()
        return head(key)

    monkeypatch.setattr(store, "_head_once", mend_at_the_second_try)
    line.cut_after(0)
    assert store.put_if_absent("packs/one", b"data") is True
    assert len(asked) >= 2


@pytest.mark.server
def test_a_line_that_stays_down_is_said(store: RemoteStore, line: Wire) -> None:
    line.cut_after(0)
    for use in (
        lambda: store.put_if_absent("packs/one", b"data"),
        lambda: store.get("packs/one"),
        lambda: store.get_range("packs/one", 0, 1),
        lambda: store.size("packs/one"),
        lambda: list(store.list("")),
        lambda: store.delete("packs/one"),
        lambda: store.locked_until("packs/one"),
    ):
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            use()


@pytest.mark.server
def test_a_bucket_that_does_not_exist_is_named(cloud: Any) -> None:
    with pytest.raises(StoreRefused, match="no-such-bucket"):
        cloud.store("no-such-bucket").put_if_absent("one", b"x")


@pytest.mark.server
def test_more_objects_than_one_page_are_listed(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = cloud.store(new_bucket(cloud), "some/folder/")
    keys = [f"packs/{number:02d}" for number in range(25)]
    for key in keys:
        store._write_once(key, memoryview(b"x"))
    _short_pages(store, monkeypatch)
    assert [found.key for found in store.list("packs/")] == keys


def _short_pages(store: RemoteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the server give ten names at a time."""
    if isinstance(store, S3Store):
        ask = store._client.list_objects_v2
        monkeypatch.setattr(store._client, "list_objects_v2", lambda **where: ask(MaxKeys=10, **where))
        return
    owner: Any = store
    owner = owner._container if hasattr(store, "_container") else owner._client
    ask, size = owner.list_blobs, "results_per_page" if hasattr(store, "_container") else "page_size"
    monkeypatch.setattr(owner, "list_blobs", lambda *names, **where: ask(*names, **{size: 10}, **where))


@pytest.mark.server
def test_a_name_taken_in_the_last_moment_is_never_replaced(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(cloud, GCSServer):
        pytest.skip("Google's emulator ignores conditions")
    for size in (5_000, MULTIPART_FROM + 1):
        store = cloud.store(new_bucket(cloud))
        assert store.put_if_absent("packs/one", b"a" * size) is True
        monkeypatch.setattr(store, "_is_there", _not_at_first(store._is_there))
        assert store.put_if_absent("packs/one", b"b" * size) is False
        assert store.get("packs/one") == b"a" * size


def _not_at_first(look: Callable[[str, int], bool]) -> Callable[[str, int], bool]:
    looked: list[str] = []

    def look_too_early(key: str, size: int) -> bool:
        looked.append(key)
        return len(looked) > 1 and look(key, size)

    return look_too_early


@pytest.mark.server
@pytest.mark.parametrize(
    "credentials",
    [
        {"account_key": "bm90IHRoZSBrZXk="},
        {"sas_token": "?sv=2022-11-02&ss=b&srt=sco&sp=rwdl&se=2020-01-01T00:00:00Z&sig=bm90IHNpZ25lZA%3D%3D"},
    ],
)
def test_azure_refuses_wrong_credentials_at_once(
    azure_server: AzureServer, credentials: dict[str, str]
) -> None:
    container = azure_server.container(f"wrong-{next(_numbers)}")
    with pytest.raises(StoreRefused, match="credentials"):
        azure_server.store(container, credentials=credentials).put_if_absent("one", b"x")


def test_too_many_half_done_uploads_give_the_oldest_up() -> None:
    dropped: list[tuple[str, int]] = []
    halves = Halves[int](lambda key, half: dropped.append((key, half)))
    for number in range(MOST_HALVES + 2):
        halves.keep(f"packs/{number}", number)
    halves.keep("packs/9", 99)
    assert dropped == [("packs/0", 0), ("packs/1", 1), ("packs/9", 9)]
    assert halves.take("packs/9") == 99
    assert halves.take("packs/9") is None


@pytest.mark.server
def test_a_server_that_dropped_an_upload_gets_it_anew(s3_server: S3Server, monkeypatch: Any) -> None:
    bucket = s3_server.bucket(f"dropped-{next(_numbers)}")
    store, put_part = s3_server.store(bucket), S3Store._put_part

    def forget_before_the_second(self: S3Store, key: str, upload_id: str, number: int, *rest: Any) -> str:
        if number == 2 and not forgotten:
            forgotten.append(upload_id)
            self._client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
        return put_part(self, key, upload_id, number, *rest)

    forgotten: list[str] = []
    monkeypatch.setattr(S3Store, "_put_part", forget_before_the_second)
    data = os.urandom(MULTIPART_FROM + 1)
    assert store.put_if_absent("packs/one", data) is True
    assert forgotten and store.get("packs/one") == data


@pytest.mark.server
def test_what_is_damaged_in_the_store_is_handed_out_for_the_vault_to_judge(azure_server: AzureServer) -> None:
    """The store cannot know which blobs are hit; the vault's own authentication does."""
    store = azure_server.store(azure_server.container(f"rot-{next(_numbers)}"))
    store.put_if_absent("packs/one", b"rotten")
    store._client.get_blob_client(store.bucket, "packs/one").set_http_headers(_md5_of(b"sound!"))
    assert store.get("packs/one") == b"rotten"
    with pytest.raises(ObjectMissing):
        store.get("packs/two")


def _md5_of(data: bytes) -> Any:
    from azure.storage.blob import ContentSettings

    from apps.vault.store.backends.parts import md5_bytes

    return ContentSettings(content_md5=bytearray(md5_bytes(data)))
