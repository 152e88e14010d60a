"""Testing stores that customers name: bounded in rate and in time, and what they are told of ours."""

import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.cache import cache

from apps.core.discretion import told
from apps.core.scope import account_scope
from apps.jobs.models import Job
from apps.vault import trying
from apps.vault.errors import StoreFull, StoreUnavailable, VaultTaken
from apps.vault.models import Shelf
from apps.vault.moving import move_start
from apps.vault.shelves import replica_set
from apps.vault.store.backends.base import ObjectInfo
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.probe import Outcome, probe
from apps.vault.store_forms import GoogleForm
from tests.cast import Cast
from tests.jobs.conftest import signed_in
from tests.vault.own_stores import make_own_store
from tests.vault.shelves import back_up

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def account(cast: Cast) -> Iterator[None]:
    cache.clear()
    with account_scope(cast.account.pk):
        yield
    cache.clear()


def test_an_account_may_test_so_often_and_others_meanwhile_too(cast: Cast) -> None:
    for _ in range(trying.MOST_TRIES):
        assert trying.tried(lambda: 1) == 1
    with pytest.raises(trying.TriedTooOften, match="within 10 minutes"):
        trying.tried(lambda: 1)
    with account_scope(cast.other_account.pk):
        assert trying.tried(lambda: 1) == 1


def test_a_slow_store_lets_the_page_go_and_no_second_test_begins_beside_it() -> None:
    release, ended = threading.Event(), threading.Event()

    def slow() -> None:
        release.wait(30)
        ended.set()

    with patch.object(trying, "PATIENCE_SECONDS", 0.05), pytest.raises(StoreUnavailable, match="did not get"):
        trying.tried(slow)
    with pytest.raises(trying.TriedTooOften, match="is being tested"):
        trying.tried(lambda: 1)
    release.set()
    assert ended.wait(30)


def test_what_a_test_raises_reaches_who_asked() -> None:
    def full() -> None:
        raise StoreFull("The bucket is full.")

    with pytest.raises(StoreFull):
        trying.tried(full)


def test_a_list_without_end_ends_the_test(tmp_path: Path) -> None:
    def endless(self: LocalStore, prefix: str) -> Iterator[ObjectInfo]:
        while True:
            yield ObjectInfo(f"{prefix}again", 1)

    with patch.object(LocalStore, "list", endless):
        results = {result.name: result.outcome for result in probe(LocalStore(tmp_path))}
    assert results["list"] == Outcome.FAILED


def test_a_google_key_is_not_sent_back_after_a_test_that_failed() -> None:
    form = GoogleForm(
        {"name": "Ours", "bucket": "our-bucket", "service_account_json": '{"private_key": "secret"}'}
    )
    names = [name for name in form.fields if name.endswith("_json")]
    form = GoogleForm({"name": "Ours", "bucket": "our-bucket", names[0]: '{"private_key": "secret"}'})
    assert "private_key" not in form.as_p() and "our-bucket" in form.as_p()


def test_errors_of_the_operators_stores_are_told_in_neutral_words(caplog: pytest.LogCaptureFixture) -> None:
    error = StoreFull(
        "Bucket everkeep-prod-7 at s3.eu-central-1.example refuses key AKIA123.", do="Free space."
    )
    said = told(error, "r-1")
    assert said == "A store of Everkeep's does not answer as it should. Reference: r-1"
    assert "everkeep-prod-7" in caplog.text and "r-1" in caplog.text
    taken = VaultTaken("It is another's.", do="manage.py vault claim --account 1")
    assert "manage.py" not in told(taken, "r-2")


@pytest.mark.django_db(transaction=True)
@pytest.mark.database
def test_moving_to_a_store_that_hangs_or_copying_there_ends_by_itself_and_changes_nothing(
    cast: Cast, vault_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(cast.account.pk, packs=1)
    slow, hangs = make_own_store(cast.account.pk), threading.Event()
    monkeypatch.setattr("apps.vault.trying.PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr("apps.vault.answering.reach_own", lambda *args, **more: hangs.wait(30))
    with account_scope(cast.account.pk), signed_in(cast.owner):
        shelf = Shelf.objects.select_related("store", "replica").get(number=0)
        with pytest.raises(StoreUnavailable, match=r"within 0 seconds"):
            move_start(shelf=shelf, target=slow)
        with pytest.raises(trying.TriedTooOften):
            replica_set(shelf=shelf, replica=slow)
        hangs.set()
        assert not Job.objects.exists()
        shelf = Shelf.objects.get(number=0)
        assert shelf.replica is None and shelf.store_id != slow.pk
