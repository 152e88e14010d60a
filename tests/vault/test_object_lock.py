"""Immutability against a server that enforces Object Lock (moto): apps/vault/store/backends/s3.py."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.vault.store.backends.addresses import open_store
from apps.vault.store.backends.locks import FOR_EVER, Lock, LockMode
from apps.vault.store.backends.parts import MULTIPART_FROM
from apps.vault.store.backends.prefixed import PrefixedStore
from apps.vault.store.backends.retry import Retry
from apps.vault.store.backends.s3 import S3Address, S3Store
from apps.vault.store.errors import LockUnsupported, ObjectLocked, ObjectMissing, StoreRefused

LOCK = Lock(LockMode.COMPLIANCE, 30)


def make(server: str, bucket: str, lock: Lock | None, *, lockable: bool = True) -> S3Store:
    address = S3Address(bucket, "", server, "us-east-1", "path", "some-key-id", "some-secret")
    store = S3Store(address, Retry(tries=2, first_seconds=0.01), lock=lock)
    store._client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=lockable)
    return store


def versions(store: S3Store) -> list[Any]:
    page: Any = store._client.list_object_versions(Bucket=store.bucket)
    return [*page.get("Versions", []), *page.get("DeleteMarkers", [])]


def days_left(store: S3Store, key: str) -> float:
    until = store.locked_until(key)
    return 0.0 if until is None else (until - datetime.now(UTC)) / timedelta(days=1)


@pytest.mark.server
@pytest.mark.parametrize("mode", list(LockMode))
@pytest.mark.parametrize("size", [5_000, MULTIPART_FROM + 1])
def test_a_pack_is_protected_from_its_first_moment(conditional_s3: str, mode: LockMode, size: int) -> None:
    store = make(conditional_s3, f"first-moment-{mode}-{size}", Lock(mode, 30))
    assert store.put_if_absent("v/packs/aa/one", b"x" * size) is True
    assert days_left(store, "v/packs/aa/one") == pytest.approx(30, abs=0.1)
    with pytest.raises(ObjectLocked, match="protected until"):
        store.delete("v/packs/aa/one")
    assert store.get("v/packs/aa/one") == b"x" * size
    # Also when asked behind our back, by who has our key pair.
    (version,) = versions(store)
    with pytest.raises((ObjectLocked, StoreRefused)):
        store.delete_version("v/packs/aa/one", version["VersionId"])


@pytest.mark.server
def test_journals_are_protected_and_key_envelopes_are_not(conditional_s3: str) -> None:
    store = make(conditional_s3, "kinds", LOCK)
    for key in ("v/journals/e/mail/1", "v/keys/m1", "everkeep-store.json"):
        store.put_if_absent(key, b"data")
    assert days_left(store, "v/journals/e/mail/1") > 29
    for key in ("v/keys/m1", "everkeep-store.json"):
        assert store.locked_until(key) is None
    store.delete("v/keys/m1")
    assert [found["Key"] for found in versions(store) if found["Key"] == "v/keys/m1"] == []


@pytest.mark.server
def test_a_lock_is_extended_and_never_shortened(conditional_s3: str) -> None:
    store = make(conditional_s3, "extend", LOCK)
    vault = PrefixedStore(store, "v/")
    vault.put_if_absent("packs/aa/one", b"data")
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)
    assert vault.extend_lock("packs/aa/one", later) is True
    assert vault.locked_until("packs/aa/one") == later
    assert vault.extend_lock("packs/aa/one", later) is False
    assert vault.extend_lock("packs/aa/one", later - timedelta(days=40)) is False
    assert vault.locked_until("packs/aa/one") == later
    with pytest.raises(ObjectMissing):
        vault.extend_lock("packs/aa/two", later)


@pytest.mark.server
def test_a_bucket_that_cannot_lock_refuses_the_first_pack(conditional_s3: str) -> None:
    store = make(conditional_s3, "no-lock", LOCK, lockable=False)
    with pytest.raises(LockUnsupported, match="no-lock has no Object Lock"):
        store.put_if_absent("v/packs/aa/one", b"data")
    assert store.size("v/packs/aa/one") is None


@pytest.mark.server
def test_what_the_buckets_own_default_protects_is_not_deleted_either(conditional_s3: str) -> None:
    store = make(conditional_s3, "default-lock", None)
    store._client.put_object_lock_configuration(
        Bucket="default-lock",
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}},
        },
    )
    store.put_if_absent("v/keys/m1", b"data")
    with pytest.raises(ObjectLocked):
        store.delete("v/keys/m1")


@pytest.mark.server
def test_a_legal_hold_has_no_end(conditional_s3: str) -> None:
    store = make(conditional_s3, "legal-hold", LOCK)
    store.put_if_absent("v/keys/m1", b"data")
    store._client.put_object_legal_hold(Bucket="legal-hold", Key="v/keys/m1", LegalHold={"Status": "ON"})
    assert store.locked_until("v/keys/m1") == FOR_EVER
    with pytest.raises(ObjectLocked):
        store.delete("v/keys/m1")


@pytest.mark.server
def test_deleting_leaves_no_older_version_behind(conditional_s3: str) -> None:
    store = make(conditional_s3, "versions", None)
    for text in (b"one", b"two"):
        store._client.put_object(Bucket="versions", Key="v/keys/m1", Body=text)
    store.delete("v/keys/m1")
    assert versions(store) == []
    store.delete("v/keys/m1")


def test_a_store_says_honestly_whether_it_locks() -> None:
    open_one = open_store("s3://bucket/a?region=eu-central-1&lock=governance&lock_days=14")
    assert open_one.describe().lock == Lock(LockMode.GOVERNANCE, 14)
    plain = open_store("s3://bucket/a?region=eu-central-1")
    assert plain.describe().lock is None and plain.describe().can_lock
    with pytest.raises(LockUnsupported):
        plain.extend_lock("v/packs/aa/one", datetime.now(UTC))
    folder = open_store("file:///srv/vault").describe()
    assert (folder.lock, folder.can_lock) == (None, False)


@pytest.mark.parametrize("options", ["lock=strong&lock_days=3", "lock=governance", "lock_days=3",
                                     "lock=governance&lock_days=0", "lock=governance&lock_days=x"])  # fmt: skip
def test_a_lock_that_makes_no_sense_is_refused(options: str) -> None:
    with pytest.raises(StoreRefused):
        open_store(f"s3://bucket/?{options}")
