"""Immutability at Azure and Google, by their documents (tests/fakes/lockers.py): their emulators know none."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.vault.store.backends.azure import AzureAddress, AzureStore
from apps.vault.store.backends.gcs import GCSAddress, GCSStore
from apps.vault.store.backends.locks import FOR_EVER, Lock, LockMode
from apps.vault.store.backends.remote import RemoteStore
from apps.vault.store.errors import LockUnsupported, ObjectLocked
from apps.vault.store.probe import Outcome, probe
from tests.fakes.lockers import AzureHandler, GoogleHandler, locker
from tests.fixtures.clouds import ACCOUNT, ACCOUNT_KEY, QUICK

LOCK = Lock(LockMode.COMPLIANCE, 30)
KEY = "v/packs/aa/one"


@dataclass
class Cloud:
    """A store, and what the server behind it holds."""

    kind: str
    store: RemoteStore
    objects: dict[str, dict[str, Any]]

    @property
    def kept(self) -> dict[str, Any]:
        (found,) = self.objects.values()
        return found

    @property
    def mode(self) -> str:
        return str(self.kept["mode"] if self.kind == "azure" else self.kept["retention"]["mode"])

    def hold(self) -> None:
        """What a person does in the provider's own pages."""
        self.kept.update({"hold": True} if self.kind == "azure" else {"eventBasedHold": True})


def connect(kind: str, lock: Lock | None, *, lockable: bool = True) -> Iterator[Cloud]:
    with locker(AzureHandler if kind == "azure" else GoogleHandler, lockable=lockable) as (address, objects):
        if kind == "azure":
            where = AzureAddress(ACCOUNT, "box", "", f"{address}/{ACCOUNT}", {"account_key": ACCOUNT_KEY})
            yield Cloud(kind, AzureStore(where, QUICK, lock), objects)
        else:
            yield Cloud(kind, GCSStore(GCSAddress("bucket", "", address, anonymous=True), QUICK, lock), objects)


@pytest.fixture(params=["azure", "google"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def cloud(kind: str) -> Iterator[Cloud]:
    yield from connect(kind, LOCK)


def days_left(cloud: Cloud) -> float:
    until = cloud.store.locked_until(KEY)
    return 0.0 if until is None else (until - datetime.now(UTC)) / timedelta(days=1)


def test_a_pack_is_protected_from_its_first_moment(cloud: Cloud) -> None:
    assert cloud.store.put_if_absent(KEY, b"data") is True
    assert days_left(cloud) == pytest.approx(30, abs=0.1)
    assert cloud.mode == "Locked"
    with pytest.raises(ObjectLocked, match="protected until"):
        cloud.store.delete(KEY)
    assert cloud.store.refuses_deletion(KEY) is True


def test_a_governance_lock_may_be_lifted_by_the_owner(kind: str) -> None:
    for cloud in connect(kind, Lock(LockMode.GOVERNANCE, 7)):
        cloud.store.put_if_absent(KEY, b"data")
        assert cloud.mode == "Unlocked"
        assert days_left(cloud) == pytest.approx(7, abs=0.1)


def test_key_envelopes_are_not_locked(cloud: Cloud) -> None:
    cloud.store.put_if_absent("v/keys/m1", b"data")
    assert cloud.store.locked_until("v/keys/m1") is None
    cloud.store.delete("v/keys/m1")
    assert cloud.objects == {}


def test_a_lock_is_extended_and_never_shortened(cloud: Cloud) -> None:
    cloud.store.put_if_absent(KEY, b"data")
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)
    assert cloud.store.extend_lock(KEY, later) is True
    assert cloud.store.locked_until(KEY) == later
    assert cloud.store.extend_lock(KEY, later - timedelta(days=50)) is False
    assert cloud.store.locked_until(KEY) == later


def test_a_hold_that_somebody_set_has_no_end(cloud: Cloud) -> None:
    cloud.store.put_if_absent("v/keys/m1", b"data")
    cloud.hold()
    assert cloud.store.locked_until("v/keys/m1") == FOR_EVER
    with pytest.raises(ObjectLocked):
        cloud.store.delete("v/keys/m1")


def test_a_bucket_that_cannot_lock_refuses_the_first_pack(kind: str) -> None:
    for cloud in connect(kind, LOCK, lockable=False):
        with pytest.raises(LockUnsupported):
            cloud.store.put_if_absent(KEY, b"data")
        assert cloud.objects == {}
        assert cloud.store.bucket_locks().possible is False


def test_what_the_bucket_says_of_locks_is_read(cloud: Cloud) -> None:
    found = cloud.store.bucket_locks()
    assert found.possible is True
    assert found.default == ("" if cloud.kind == "azure" else "retention policy, 2 days")


def test_a_server_that_answers_nonsense_fails_the_probe_and_does_not_break_it(cloud: Cloud) -> None:
    """These stand-ins know neither reading nor lists."""
    found = {result.name: result for result in probe(cloud.store)}
    assert found["write"].outcome is Outcome.PASSED
    assert found["read"].outcome is found["list"].outcome is Outcome.FAILED
    assert found["read"].what
