"""An account's vault through apps/vault/api.py, with the real database and a local folder."""

import os
import random
import threading
from pathlib import Path

import pytest
from django.db import connection

from apps.core.scope import account_scope
from apps.vault.api import (
    BlobMissing,
    ContentPart,
    Role,
    decode_content,
    encode_content,
    open_reader,
    open_writer,
)
from apps.vault.models import BlobLocation, Pack
from apps.vault.services import open_vault
from apps.vault.store.writer import VaultWriter
from tests.cast import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> int:
    return cast.account.pk


def test_what_was_put_and_flushed_is_read_back(account_id: int) -> None:
    mail, big, nothing = b"Subject: hello\r\n\r\nworld" * 40, os.urandom(700_000), b""
    with open_writer(account_id) as writer:
        parts = writer.put_many([(Role.MIME, mail), (Role.FILE, big), (Role.PROPS, nothing)])
    stored = decode_content(encode_content(parts))
    assert list(open_reader(account_id).read_many(stored)) == [mail, big, nothing]
    assert [open_reader(account_id).read(part) for part in stored] == [mail, big, nothing]
    assert b"".join(open_reader(account_id).stream(stored[1])) == big


def test_the_same_bytes_are_stored_once_within_and_between_runs(account_id: int) -> None:
    with open_writer(account_id) as first:
        one, two = first.put_many([(Role.MIME, b"same" * 100), (Role.ATTACHMENT, b"same" * 100)])
        assert one.blobs == two.blobs
        assert first.put(Role.FILE, b"same" * 100).blobs == one.blobs
    with open_writer(account_id) as second:
        assert second.put(Role.MIME, b"same" * 100) == one
    assert (first.new_blobs, second.new_blobs, second.pending_bytes) == (1, 0, 0)
    with account_scope(account_id):
        assert Pack.objects.count() == 1


def test_one_accounts_blobs_are_nothing_to_another(account_id: int, cast: Cast) -> None:
    with open_writer(account_id) as writer:
        part = writer.put(Role.MIME, b"confidential")
    with pytest.raises(BlobMissing):
        open_reader(cast.other_account.pk).read(part)
    with open_writer(cast.other_account.pk) as foreign:
        assert foreign.put(Role.MIME, b"confidential").blobs != part.blobs
    assert foreign.new_blobs == 1


def test_a_worker_thread_leaves_no_connection_behind(account_id: int) -> None:
    left_open: list[bool] = []

    def work() -> None:
        with open_writer(account_id) as writer:
            writer.put(Role.MIME, b"from a thread")
        left_open.append(connection.connection is not None)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert left_open == [False]
    assert BlobLocation.objects.filter(account_id=account_id).count() == 1


def test_a_batch_costs_one_question(account_id: int, django_assert_num_queries: pytest.FixtureRequest) -> None:
    writer = open_writer(account_id)
    writer.put(Role.MIME, b"the first mail, before which the writer looks for dictionaries, once")
    items = [(Role.MIME, f"mail {number}".encode()) for number in range(400)]
    with django_assert_num_queries(1):  # type: ignore[operator]
        parts = writer.put_many(items)
    writer.flush()
    reader = open_reader(account_id)
    small = parts[:200]
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert list(reader.read_many(small)) == [data for _, data in items[:200]]


def test_two_writers_of_the_same_blob_both_succeed(account_id: int) -> None:
    one, two = open_writer(account_id), open_writer(account_id)
    part, same = one.put(Role.MIME, b"both have it"), two.put(Role.MIME, b"both have it")
    own = two.put(Role.MIME, b"only the second has it")
    one.flush()
    two.flush()
    assert part == same
    assert list(open_reader(account_id).read_many([part, own])) == [b"both have it", b"only the second has it"]
    assert BlobLocation.objects.filter(account_id=account_id).count() == 2


def test_a_blob_that_nobody_stored_is_named(account_id: int) -> None:
    with pytest.raises(BlobMissing, match="ab" * 32) as caught:
        open_reader(account_id).read(ContentPart(Role.MIME, 3, (b"\xab" * 32,)))
    assert caught.value.blob_id == "ab" * 32


def test_writers_in_threads_meet_in_the_database(account_id: int) -> None:
    """Overlapping items, packs that fill up in between: each part stays readable, each blob has one row."""
    mails = [random.Random(number).randbytes(3_000) for number in range(120)]
    results: dict[int, list[ContentPart]] = {}
    open_vault(account_id=account_id)

    def work(number: int) -> None:
        vault = open_vault(account_id=account_id)
        with VaultWriter(vault.keys, vault.store, vault.index, pack_bytes=40_000) as writer:
            mine = mails[number * 10 : number * 10 + 90]
            results[number] = writer.put_many([(Role.MIME, mail) for mail in mine])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = open_reader(account_id)
    for number in range(4):
        assert list(reader.read_many(results[number])) == mails[number * 10 : number * 10 + 90]
    assert BlobLocation.objects.filter(account_id=account_id).count() == 120


def test_two_first_uses_at_once_make_one_vault(account_id: int) -> None:
    keys = []
    threads = [
        threading.Thread(target=lambda: keys.append(open_vault(account_id=account_id).keys)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 4 and all(found == keys[0] for found in keys)


def test_the_blob_index_is_compact_on_sqlite() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no such tables")
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'vault_blob'")
        assert cursor.fetchone()[0].endswith("WITHOUT ROWID")
