"""Answers that get lost, and names that are taken in the last moment: apps/vault/store/backends/s3.py."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from apps.vault.store.backends.base import ObjectInfo
from apps.vault.store.backends.parts import MULTIPART_FROM
from apps.vault.store.backends.remote import Head
from apps.vault.store.backends.retry import Retry
from apps.vault.store.backends.s3 import S3Address, S3Store
from apps.vault.store.backends.s3_errors import translated
from apps.vault.store.errors import (
    ObjectConflict,
    ObjectMissing,
    ObjectTruncated,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)
from tests.fixtures.s3 import S3Server


def losing_first_answer(work: Callable[..., Any]) -> Callable[..., Any]:
    """Do the work, but lose the first answer on the way back."""
    lost = False

    def call(**arguments: Any) -> Any:
        nonlocal lost
        answer = work(**arguments)
        if not lost:
            lost = True
            raise ReadTimeoutError(endpoint_url="http://scripted")
        return answer

    return call


@pytest.mark.server
@pytest.mark.parametrize(
    "method, size",
    [
        ("put_object", 5_000),
        ("upload_part", MULTIPART_FROM + 1),
        ("create_multipart_upload", MULTIPART_FROM + 1),
        ("complete_multipart_upload", MULTIPART_FROM + 1),
        ("head_object", 5_000),
    ],
)
def test_a_lost_answer_is_made_good(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, method: str, size: int
) -> None:
    store = s3_server.store(s3_server.bucket(f"lost-{method.replace('_', '-')}"))
    data = bytes(range(256)) * (size // 256 + 1)
    monkeypatch.setattr(store._client, method, losing_first_answer(getattr(store._client, method)))
    store.put_if_absent("packs/one", data)
    assert store.get("packs/one") == data
    assert [found.key for found in store.list("")] == ["packs/one"]


@pytest.mark.server
@pytest.mark.parametrize("size", [5_000, MULTIPART_FROM + 1])
def test_a_name_taken_in_the_last_moment_is_never_replaced(
    conditional_s3: str, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    address = S3Address(f"taken-{size}", "", conditional_s3, "us-east-1", "path", "some-key-id", "some-secret")
    store = S3Store(address, Retry(tries=2, first_seconds=0.01))
    store._client.create_bucket(Bucket=address.bucket)
    assert store.put_if_absent("packs/one", b"a" * size) is True
    for other, outcome in ((b"b" * size, None), (b"c" * (size + 1), ObjectConflict)):
        look, looked = store._head_once, []

        def too_early(key: str, look: Any = look, looked: list[str] = looked) -> Head | None:
            looked.append(key)
            return None if len(looked) == 1 else look(key)

        monkeypatch.setattr(store, "_head_once", too_early)
        if outcome is None:
            assert store.put_if_absent("packs/one", other) is False
        else:
            with pytest.raises(outcome):
                store.put_if_absent("packs/one", other)
        monkeypatch.undo()
        assert store.get("packs/one") == b"a" * size


@pytest.mark.server
def test_more_objects_than_one_page_are_listed(s3_server: S3Server) -> None:
    store = s3_server.store(s3_server.bucket("pages"), "some/folder/")
    keys = [f"packs/{number:05d}" for number in range(1, 1104)]
    for key in keys:
        store._put_whole(key, memoryview(b"x"))
    assert [found.key for found in store.list("packs/")] == keys


def test_what_a_server_lists_twice_is_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    store = S3Store(S3Address("bucket", "folder/", "http://127.0.0.1:9", "x", "path", "k", "s"))
    pages = {"": ["a", "b", "b"], "more": ["b", "c", "c", "c"]}

    def page(ContinuationToken: str = "", **_: Any) -> Any:
        found = [{"Key": f"folder/{name}", "Size": 4} for name in pages[ContinuationToken]]
        return {"IsTruncated": not ContinuationToken, "NextContinuationToken": "more", "Contents": found}

    monkeypatch.setattr(store._client, "list_objects_v2", page)
    assert list(store.list("")) == [ObjectInfo("a", 4), ObjectInfo("b", 4), ObjectInfo("c", 4)]


def answered(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutObject")


@pytest.mark.parametrize(
    "code, status, expected",
    [
        ("SlowDown", 503, StoreUnavailable),
        ("InternalError", 500, StoreUnavailable),
        ("RequestTimeout", 400, StoreUnavailable),
        ("BadDigest", 400, StoreUnavailable),
        ("TooManyRequests", 429, StoreUnavailable),
        ("", 502, StoreUnavailable),
        ("XMinioStorageFull", 507, StoreFull),
        ("QuotaExceeded", 403, StoreFull),
        ("", 507, StoreFull),
        ("AccessDenied", 403, StoreRefused),
        ("SignatureDoesNotMatch", 403, StoreRefused),
        ("NoSuchBucket", 404, StoreRefused),
        ("NoSuchKey", 404, ObjectMissing),
        ("404", 404, ObjectMissing),
        ("InvalidRange", 416, ObjectTruncated),
    ],
)
def test_each_answer_has_one_meaning(code: str, status: int, expected: type[StoreError]) -> None:
    assert type(translated(answered(code, status), "packs/one", "bucket")) is expected


@pytest.mark.parametrize("tokens", ["same", "fresh", "none"])
def test_a_list_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch, tokens: str) -> None:
    store = S3Store(S3Address("bucket", endpoint="http://127.0.0.1:9", region="x", key_id="k", secret="s"))
    asked = 0

    def page(**arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        token = {"same": "again", "fresh": f"token {asked}", "none": ""}[tokens]
        return {"IsTruncated": True, "NextContinuationToken": token, "Contents": []}

    monkeypatch.setattr(store._client, "list_objects_v2", page)
    with pytest.raises(StoreRefused, match="has no end"):
        list(store.list(""))
    assert asked <= 102
