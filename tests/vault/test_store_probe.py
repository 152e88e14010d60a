"""Trying a store out before backups are trusted to it: apps/vault/store/probe.py."""

from pathlib import Path
from typing import Any

import pytest

from apps.vault.store.backends.base import ObjectStore
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.backends.locks import Lock, LockMode
from apps.vault.store.errors import StoreError
from apps.vault.store.probe import FOLDER, Outcome, ProbeResult, probe
from tests.faults.store import Fault, FaultyStore, Kind
from tests.fixtures.clouds import AzureServer, GCSServer
from tests.fixtures.s3 import MotoServer, S3Server

LOCK = Lock(LockMode.GOVERNANCE, 14)
PASSED, FAILED, SKIPPED, NOTED = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED, Outcome.NOTED


def outcomes(results: list[ProbeResult]) -> dict[str, Outcome]:
    return {result.name: result.outcome for result in results}


def lock_of(store: ObjectStore) -> ProbeResult:
    *_, found = probe(store)
    assert found.name == "lock"
    return found


def test_a_good_folder_passes_and_is_said_not_to_be_immutable(store: LocalStore) -> None:
    results = probe(store)
    assert [result.name for result in results] == ["write", "read", "range", "list", "delete", "lock"]
    assert [result.outcome for result in results] == [PASSED] * 5 + [NOTED]
    assert "not immutable" in results[-1].what
    assert list(store.list("")) == []


def test_a_folder_that_cannot_be_written_says_why_and_tries_no_more(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    write, *others = probe(LocalStore(tmp_path / "file"))
    assert write.outcome is FAILED and write.what
    assert {result.outcome for result in others} == {SKIPPED}


@pytest.mark.parametrize(
    "method, broken",
    [("get", "read"), ("get_range", "range"), ("list", "list"), ("delete", "delete")],
)
def test_each_step_fails_by_itself(store: LocalStore, method: str, broken: str) -> None:
    faulty = FaultyStore(store, [Fault(Kind.FAIL, 1, method)])
    found = outcomes(probe(faulty))
    assert found.pop(broken) is FAILED
    assert FAILED not in found.values()
    assert found["lock"] is (SKIPPED if broken == "delete" else NOTED)


class Forgetful(LocalStore):
    """Says that it wrote and did not."""

    def put_if_absent(self, key: str, data: Any) -> bool:
        return True


def test_a_store_that_forgets_is_found_out(tmp_path: Path) -> None:
    write, *_ = probe(Forgetful(tmp_path))
    assert write.outcome is FAILED and "written once more" in write.what


@pytest.mark.server
def test_a_bucket_with_object_lock_passes(moto_server: MotoServer) -> None:
    store = moto_server.store(moto_server.bucket("probe-lock", lockable=True), "a/", lock=LOCK)
    results = probe(store)
    assert set(outcomes(results).values()) == {PASSED}
    assert "at least 14 days (governance)" in results[-1].what
    (left,) = store.list("")
    assert left.key.startswith(f"{FOLDER}locked-") and store.locked_until(left.key) is not None
    assert outcomes(probe(store))["delete"] is PASSED


@pytest.mark.server
def test_a_bucket_without_object_lock_fails_where_a_lock_is_wanted(moto_server: MotoServer) -> None:
    bucket = moto_server.bucket("probe-plain")
    found = lock_of(moto_server.store(bucket, lock=LOCK))
    assert found.outcome is FAILED and bucket in found.what and "Object Lock" in found.do
    assert lock_of(moto_server.store(bucket)).outcome is NOTED


@pytest.mark.server
def test_a_default_that_locks_keys_too_is_noted(moto_server: MotoServer) -> None:
    store = moto_server.store(moto_server.bucket("probe-default", lockable=True), lock=LOCK)
    rule: Any = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 3}}
    store._client.put_object_lock_configuration(
        Bucket=store.bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    results = probe(store)
    assert [result.outcome for result in results] == [PASSED] * 4 + [NOTED, PASSED]
    assert "key envelopes" in results[4].what and "compliance, 3 days" in results[5].what


@pytest.mark.server
def test_a_server_that_knows_no_locks_is_found_out(s3_server: S3Server) -> None:
    store = s3_server.store(s3_server.bucket("probe-rclone"), lock=LOCK)
    results = probe(store)
    assert [result.outcome for result in results] == [PASSED] * 5 + [FAILED]


@pytest.mark.server
def test_a_wrong_secret_fails_the_first_step(s3_server: S3Server) -> None:
    store = s3_server.store(s3_server.bucket("probe-secret"), secret="not the secret")
    write, *others = probe(store)
    assert write.outcome is FAILED and write.do
    assert {result.outcome for result in others} == {SKIPPED}


@pytest.mark.server
def test_azures_emulator_passes_and_cannot_lock(azure_server: AzureServer) -> None:
    container = azure_server.container("probe")
    assert [result.outcome for result in probe(azure_server.store(container))] == [PASSED] * 5 + [NOTED]
    found = lock_of(azure_server.store(container, lock=LOCK))
    assert found.outcome is FAILED and found.do


@pytest.mark.server
def test_googles_emulator_passes_and_cannot_lock(gcs_server: GCSServer) -> None:
    bucket = gcs_server.bucket("probe")
    assert [result.outcome for result in probe(gcs_server.store(bucket))] == [PASSED] * 5 + [NOTED]
    assert lock_of(gcs_server.store(bucket, lock=LOCK)).outcome is FAILED


def test_results_never_carry_an_exception_out(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(key: str, data: Any) -> bool:
        raise StoreError("Everything is wrong.", do="Begin anew.")

    monkeypatch.setattr(store, "put_if_absent", fail)
    write, *_ = probe(store)
    assert (write.what, write.do) == ("Everything is wrong.", "Begin anew.")
