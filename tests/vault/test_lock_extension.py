"""Locks that run out are prolonged while the data is needed: apps/vault/locks.py, against moto."""

import itertools
import os
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.accounts.life.closing import account_close, account_reactivate
from apps.core import clock
from apps.core.scope import account_scope
from apps.vault import needless as needless_module
from apps.vault import registry, tasks
from apps.vault.api import Chain, JournalName, Role, open_reader, open_writer
from apps.vault.enums import CopyState, PackState, StoreState
from apps.vault.folders import vault_folder
from apps.vault.locks import accounts_with_vault, locks_extend
from apps.vault.models import LockedUntil, Pack, PackCopy, Shelf, Store, VaultKey
from apps.vault.registry import JournalClaim
from apps.vault.services import open_vault
from apps.vault.shredding import vault_shred
from apps.vault.store.pack import pack_key
from apps.vault.stores import operator_store
from tests.cast import Cast
from tests.fixtures.s3 import KEY_ID, SECRET, MotoServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database, pytest.mark.server]
_numbers = itertools.count()
DAY = timedelta(days=1)


class Vault:
    """An account whose vault lies in a bucket of its own."""

    def __init__(self, server: MotoServer, settings: Any, account_id: int, *, lockable: bool = True) -> None:
        self.account_id, self._settings = account_id, settings
        bucket = server.bucket(f"extend-{next(_numbers)}", lockable=lockable)
        self.place = f"s3://{bucket}/a?endpoint={server.endpoint}&addressing=path&region=us-east-1"

    def use(self, options: str = "") -> None:
        self._settings.VAULT_URL = self.place + options

    def keep(self, data: bytes) -> str:
        """Store something in a pack of its own and return the pack's object name."""
        before = set(self.packs())
        with open_writer(self.account_id) as writer:
            writer.put(Role.MIME, data)
        (key,) = set(self.packs()) - before
        return key

    def packs(self) -> list[str]:
        with account_scope(self.account_id):
            return [pack_key(bytes(pack.pack_id)) for pack in Pack.objects.all()]

    def days_left(self, key: str) -> int:
        until = open_vault(account_id=self.account_id).store.locked_until(key)
        return 0 if until is None else round((until - datetime.now(UTC)) / DAY)


@pytest.fixture
def vault(moto_server: MotoServer, settings: Any, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Vault:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    made = Vault(moto_server, settings, cast.account.pk)
    made.use("&lock=compliance&lock_days=30")
    return made


def test_a_new_packs_lock_is_noted_and_left_alone(vault: Vault) -> None:
    vault.keep(b"one")
    first, second = (locks_extend(account_id=vault.account_id) for _ in range(2))
    assert (first.seen, first.extended, first.failed) == (1, 0, 0)
    assert (second.seen, second.extended, second.failed) == (0, 0, 0)
    with account_scope(vault.account_id):
        assert LockedUntil.objects.filter(pack__isnull=False).count() == 1


def test_what_is_still_needed_gets_more_time_when_half_of_it_is_left(vault: Vault) -> None:
    key = vault.keep(b"one")
    store = open_vault(account_id=vault.account_id).store
    store.put_if_absent("journals/0/mail/1", b"journal")
    locks_extend(account_id=vault.account_id)
    with clock.travel(datetime.now(UTC) + 14 * DAY):
        assert locks_extend(account_id=vault.account_id).extended == 0
    with clock.travel(datetime.now(UTC) + 16 * DAY):
        assert locks_extend(account_id=vault.account_id).extended == 2
        assert locks_extend(account_id=vault.account_id).seen == 0
    assert [vault.days_left(name) for name in (key, "journals/0/mail/1")] == [46, 46]


def test_what_garbage_collection_has_retired_is_let_go(vault: Vault) -> None:
    key = vault.keep(b"one")
    with account_scope(vault.account_id):
        Pack.objects.update(state=PackState.RETIRED)
    with clock.travel(datetime.now(UTC) + 16 * DAY):
        assert locks_extend(account_id=vault.account_id).seen == 0
    assert vault.days_left(key) == 30


def test_journals_that_no_backup_needs_are_let_go_and_those_in_doubt_are_not(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Erasures and deletions wait for them: prolonged again and again they would wait for ever."""
    vault.keep(b"one")
    store, lists = open_vault(account_id=vault.account_id).store, [Chain(uuid4(), "mail") for _ in range(4)]
    known, unknown, deleted, overtaken = lists

    def put(chain: Chain, number: int, *, base: bool = False) -> str:
        name = JournalName(chain, number, os.urandom(16), base).key()
        store.put_if_absent(name, b"journal")
        return name

    needless = [put(known, 1), put(known, 1) + ".000001", put(known, 3), put(deleted, 1)]
    store.put_if_absent(needless[1], b"segment")
    claims = [put(known, 2, base=True), put(known, 3), JournalName(overtaken, 5, bytes(16)).key()]
    needed = [*claims[:2], put(known, 4), put(unknown, 7), put(overtaken, 5, base=True)]

    def journals_of(account_id: int, entities: Collection[UUID]) -> list[JournalClaim]:
        return [JournalClaim(1, key, "", "") for key in claims if UUID(hex=key.split("/")[1]) in entities]

    (catalog,) = registry.catalogs()
    monkeypatch.setitem(registry._catalogs, catalog[0], replace(catalog[1], journals_of=journals_of))
    monkeypatch.setattr(needless_module, "_CHAINS", 2)
    given_up = registry.Ordered(lambda *_: 0, lambda account_id: [(deleted.entity, "mail")])
    monkeypatch.setitem(registry._ordered, "test", given_up)
    locks_extend(account_id=vault.account_id)
    with clock.travel(datetime.now(UTC) + 16 * DAY):
        assert locks_extend(account_id=vault.account_id).extended == len(needed) + 1
    assert {vault.days_left(name) for name in needed} == {46}
    assert {vault.days_left(name) for name in needless} == {30}


def test_a_lock_that_is_added_later_holds_old_packs_too(vault: Vault) -> None:
    vault.use()
    key = vault.keep(b"before the lock")
    assert vault.days_left(key) == 0
    assert locks_extend(account_id=vault.account_id).seen == 0
    vault.use("&lock=governance&lock_days=10")
    assert locks_extend(account_id=vault.account_id).extended == 1
    assert vault.days_left(key) == 10
    assert vault.days_left(vault.keep(b"after it")) == 10
    assert Store.objects.get().url.endswith("lock_days=10")


def test_a_bucket_that_cannot_lock_says_so_on_its_page(
    moto_server: MotoServer, settings: Any, vault: Vault
) -> None:
    plain = Vault(moto_server, settings, vault.account_id, lockable=False)
    plain.use()
    plain.keep(b"one")
    plain.use("&lock=governance&lock_days=10")
    assert locks_extend(account_id=vault.account_id).failed == 1
    store = Store.objects.get()
    assert store.state == StoreState.FAILING and "Object Lock" in store.state_reason


def test_a_pack_that_is_gone_does_not_stop_the_others(vault: Vault) -> None:
    vault.use()
    lost, kept = vault.keep(b"one"), vault.keep(b"two")
    open_vault(account_id=vault.account_id).store.delete(lost)
    vault.use("&lock=governance&lock_days=10")
    done = locks_extend(account_id=vault.account_id)
    assert (done.seen, done.extended, done.failed) == (2, 1, 0)
    assert vault.days_left(kept) == 10


def test_a_replicas_copies_are_looked_after_too(moto_server: MotoServer, settings: Any, vault: Vault) -> None:
    vault.use()
    key = vault.keep(b"one")
    second = Vault(moto_server, settings, vault.account_id)
    replica = operator_store(f"{second.place}&lock=governance&lock_days=10")
    with account_scope(vault.account_id):
        Shelf.objects.update(replica=replica)
        PackCopy.objects.create(
            account_id=vault.account_id, pack=Pack.objects.get(), store=replica, state=CopyState.REPLICA
        )
        folder = vault_folder(replica, VaultKey.objects.get().public_id)
    folder.put_if_absent(key, b"a copy")
    assert folder.locked_until(key) is not None
    with clock.travel(datetime.now(UTC) + 6 * DAY):
        assert locks_extend(account_id=vault.account_id).extended == 1
    until = folder.locked_until(key)
    assert until is not None and round((until - datetime.now(UTC)) / DAY) == 16


def test_a_shredded_vault_is_let_go(vault: Vault) -> None:
    vault.keep(b"one")
    vault_shred(account_id=vault.account_id)
    assert vault.account_id not in accounts_with_vault()
    with clock.travel(datetime.now(UTC) + 16 * DAY):
        assert locks_extend(account_id=vault.account_id).seen == 0


def test_beat_looks_after_every_vault(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.keep(b"one")
    sent: list[int] = []

    def note(account_id: int) -> None:
        sent.append(account_id)

    monkeypatch.setattr(tasks.extend_locks_of, "after_commit", note)
    assert tasks.extend_locks() == 1
    assert sent == [vault.account_id]
    assert tasks.extend_locks_of(account_id=vault.account_id) == 0


def test_locked_backups_are_read_like_others(vault: Vault) -> None:
    with open_writer(vault.account_id) as writer:
        part = writer.put(Role.MIME, b"kept")
    assert open_reader(vault.account_id).read(part) == b"kept"


def test_locks_are_not_prolonged_while_the_account_is_being_closed(vault: Vault) -> None:
    vault.keep(b"one")
    account_close(account_id=vault.account_id)
    with clock.travel(datetime.now(UTC) + 16 * DAY):
        assert locks_extend(account_id=vault.account_id).seen == 0
        account_reactivate(account_id=vault.account_id)
        assert locks_extend(account_id=vault.account_id).extended > 0, "taken back: it is kept on"
