"""The end of an account: all of it goes, nothing else does, wherever it is killed, and never too early."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from allauth.socialaccount.models import SocialToken
from django.apps import apps
from django.core import mail
from django.db import connection, connections

from apps.accounts.enums import AccountState, ClosingCause, Role
from apps.accounts.life import deleting, rows
from apps.accounts.life.closing import GRACE, account_close, account_reactivate, remind
from apps.accounts.life.deleting import deletion_begin, deletions_begin, deletions_go_on
from apps.accounts.models import Account, Membership, Tombstone, User
from apps.accounts.registry import ClosingStep, StepResult, closing_steps
from apps.core import clock, mails
from apps.core.errors import Conflict
from apps.core.scope import account_scope
from apps.recovery.exports.files import folder_of
from apps.vault.api import Role as ContentRole
from apps.vault.api import open_reader, open_writer
from apps.vault.ending import PATIENCE
from apps.vault.errors import KeysShredded
from apps.vault.models import Shelf, Store, VaultKey
from apps.vault.store.content import ContentPart
from tests.cast import Cast
from tests.jobs.conftest import new_job
from tests.recovery.factories import Mailbox, make_entity, make_export, store
from tests.vault.own_stores import make_own_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


class Killed(BaseException):
    """As `kill -9` would have it: nothing of the application catches it."""


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.VAULT_URL = f"file://{tmp_path / 'vault'}"
    return tmp_path / "vault"


@pytest.fixture
def full(cast: Cast, folder: Path) -> Cast:
    """Backups, a job, an export on disk; the viewer also works for the neighbour, who has backups too."""
    for account in (cast.account, cast.other_account):
        with account_scope(account.pk):
            box = Mailbox(make_entity())
            box.folder("inbox", "Inbox")
            box.item("m1", "inbox", "Papers", content=store(b"Subject: Papers\r\n\r\nHello"), size=20)
            box.day()
    new_job(cast.owner)
    Membership.objects.create(account=cast.other_account, user=cast.viewer, role=Role.AUDITOR)
    return cast


def grace_is_over(cast: Cast) -> None:
    past = clock.now() - GRACE - timedelta(minutes=1)
    Account.objects.filter(pk=cast.account.pk).update(
        closes_at=past + GRACE, counted_seconds=int(GRACE.total_seconds()), closing_told=True
    )


def rows_of(account_id: int) -> dict[str, int]:
    """How many rows of an account each table of the database holds, asked without the application's models."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}" LIMIT 0')
            columns = [column[0] for column in cursor.description]
            if "account_id" in columns:
                cursor.execute(f'SELECT count(*) FROM "{table}" WHERE account_id = %s', [account_id])
                found[table] = int(cursor.fetchone()[0])
    return {table: count for table, count in found.items() if count}


def objects_of(folder: Path, vault_id: str) -> list[Path]:
    return [path for path in (folder / vault_id).rglob("*") if path.is_file()]


def people() -> set[int]:
    return set(User.objects.values_list("pk", flat=True))


def elsewhere(cast: Cast) -> set[int]:
    return {cast.viewer.pk, cast.stranger.pk, cast.both.pk, cast.invited.pk, cast.partner.pk, cast.staff.pk}


def vault_of(account_id: int) -> str:
    with account_scope(account_id):
        return VaultKey.objects.get().public_id.hex


def test_everything_of_the_account_goes_and_nothing_else(full: Cast, folder: Path) -> None:
    own, neighbours = full.account.pk, full.other_account.pk
    vault, before = vault_of(own), rows_of(neighbours)
    export = folder_of(make_export(full))
    assert objects_of(folder, vault) and len(rows_of(own)) > 10 and export.exists()
    account_close(account_id=own)
    grace_is_over(full)
    mail.outbox.clear()
    assert (deletions_begin(), deletions_go_on()) == (1, 0)

    assert rows_of(own) == {} and not Account.objects.filter(pk=own).exists()
    assert objects_of(folder, vault) == [] and not export.exists()
    assert rows_of(neighbours) == before and objects_of(folder, vault_of(neighbours))
    assert people() == elsewhere(full), "who belongs to another account stays"
    assert mail.outbox[0].subject == "The account Pizza Perfecto is being deleted"

    stone = Tombstone.objects.get()
    assert stone.shredded_at and stone.deleted_at and stone.cause == "cancelled"
    assert stone.proof["keys"]["envelopes_destroyed"] == 1 and stone.proof["stores"]["deleted"] > 0
    assert stone.proof["stores"]["left"] == 0
    told = " ".join(str(value) for value in vars(stone).values())
    assert "Pizza" not in told and "@" not in told and "Olivia" not in told, "a tombstone names nobody"


def each_step_counts(monkeypatch: pytest.MonkeyPatch, dies_at: Callable[[], int]) -> None:
    """Die after each step, each table and each person in turn: at the call that `dies_at` says."""
    calls = 0

    def counted(act: Callable[..., Any]) -> Callable[..., Any]:
        def acts(*arguments: Any) -> Any:
            nonlocal calls
            result = act(*arguments)
            calls += 1
            if calls == dies_at():
                calls = 0
                raise Killed
            return result

        return acts

    steps = [ClosingStep(s.order, s.name, counted(s.run), s.empties) for s in closing_steps()]
    monkeypatch.setattr(deleting, "closing_steps", lambda: steps)
    monkeypatch.setattr(rows, "_empty", counted(rows._empty))
    monkeypatch.setattr(deleting, "_delete_person", counted(deleting._delete_person))


def test_killed_anywhere_it_is_finished_by_the_next_hour(
    full: Cast, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, vault = full.account.pk, vault_of(full.account.pk)
    before = rows_of(full.other_account.pk)
    deaths = 0
    each_step_counts(monkeypatch, lambda: deaths + 1)
    account_close(account_id=own)
    grace_is_over(full)
    assert deletions_begin() == 1
    now = clock.now()
    while Tombstone.objects.filter(deleted_at=None).exists():
        with clock.travel(now + timedelta(hours=2 * deaths + 2)):
            try:
                deletions_go_on()
            except Killed:
                deaths += 1
    assert deaths > 30
    assert rows_of(own) == {} and objects_of(folder, vault) == []
    assert rows_of(full.other_account.pk) == before
    assert people() == elsewhere(full)
    assert deletions_go_on() == 0, "again it finds nothing to do"


def test_from_the_point_of_no_return_on_nothing_can_be_read_or_taken_back(full: Cast, folder: Path) -> None:
    with account_scope(full.account.pk), open_writer(full.account.pk) as writer:
        part: ContentPart = writer.put(ContentRole.MIME, b"kept")
    account_close(account_id=full.account.pk)
    grace_is_over(full)
    deletions_begin()
    with pytest.raises(Conflict):
        account_reactivate(account_id=full.account.pk)
    (keys,) = [step for step in closing_steps() if step.name == "keys"]
    with account_scope(full.account.pk):
        keys.run(full.account.pk)
    with pytest.raises(KeysShredded):
        open_reader(full.account.pk).read(part)


def test_a_store_that_is_away_holds_the_deletion_up_and_is_named(
    full: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = ClosingStep(20, "keys", lambda account_id: StepResult(waits="the store does not answer"))
    monkeypatch.setattr(deleting, "closing_steps", lambda: [away])
    account_close(account_id=full.account.pk)
    grace_is_over(full)
    deletions_begin()
    assert deletions_go_on() == 1
    stone = Tombstone.objects.get()
    assert stone.waiting_for == "keys: the store does not answer" and stone.shredded_at is None
    assert Account.objects.get(pk=full.account.pk).state == AccountState.ENDING
    monkeypatch.undo()
    assert deletions_go_on() == 0
    assert Tombstone.objects.get().waiting_for == ""


def test_a_reactivated_account_is_never_deleted(full: Cast) -> None:
    account_close(account_id=full.account.pk)
    grace_is_over(full)
    account_reactivate(account_id=full.account.pk)
    assert deletion_begin(full.account.pk) is False
    account_close(account_id=full.account.pk)
    assert deletions_begin() == 0, "closing again begins a grace of its own"
    assert not Tombstone.objects.exists()


def test_of_reactivation_and_deletion_at_one_moment_one_happens(cast: Cast) -> None:
    for _ in range(5):
        Account.objects.filter(pk=cast.account.pk).update(state=AccountState.ACTIVE)
        Tombstone.objects.all().delete()
        account_close(account_id=cast.account.pk)
        grace_is_over(cast)
        won = at_once(
            lambda: deletion_begin(cast.account.pk),
            lambda: bool(account_reactivate(account_id=cast.account.pk)),
        )
        assert won.count(True) == 1, won
        begun = Account.objects.get(pk=cast.account.pk).state == AccountState.ENDING
        assert begun == won[0] == Tombstone.objects.exists()


def at_once(*acts: Callable[[], bool]) -> list[bool]:
    """Run each in a thread of its own, begun together; a Conflict counts as lost."""
    together, won = Barrier(len(acts)), [False] * len(acts)

    def run(place: int) -> None:
        together.wait()
        try:
            won[place] = acts[place]()
        except Conflict:
            won[place] = False
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=[place]) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won


@pytest.fixture
def closing(cast: Cast) -> Iterator[Account]:
    yield account_close(account_id=cast.account.pk)


def test_a_clock_that_jumps_ahead_deletes_nothing_early(closing: Account) -> None:
    with clock.travel(clock.now() + timedelta(days=3650)):
        for _ in range(3):
            assert deletions_begin() == 0
    assert deletions_begin() == 0
    assert Account.objects.get(pk=closing.pk).counted_seconds <= 6 * 3600


def test_hour_by_hour_the_grace_ends_after_seven_days_and_not_before(closing: Account) -> None:
    begin = clock.now()
    begun_at = None
    for hour in range(1, 24 * 8):
        with clock.travel(begin + timedelta(hours=hour)):
            remind()
            if deletions_begin():
                begun_at = hour
                break
    assert begun_at is not None and 7 * 24 <= begun_at <= 7 * 24 + 1


def test_nothing_is_deleted_before_the_last_mail_went_out_and_a_day_has_passed(
    closing: Account, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    grace_is_over(cast)
    Account.objects.filter(pk=closing.pk).update(closing_told=False)
    with monkeypatch.context() as patched:
        patched.setattr(mails, "_send", lambda *_: False)
        assert (remind(), deletions_begin()) == (0, 0)
    assert (remind(), deletions_begin()) == (1, 0), "the mail speaks of tomorrow"
    begin = clock.now()
    begun = []
    for hour in range(1, 26):
        with clock.travel(begin + timedelta(hours=hour)):
            begun.append(deletions_begin())
    assert sum(begun) == 1 and begun.index(1) >= 22


def test_where_nobody_can_be_told_the_deletion_is_not_held_up(closing: Account, cast: Cast) -> None:
    grace_is_over(cast)
    Account.objects.filter(pk=closing.pk).update(closing_told=False)
    Membership.objects.filter(account=closing).delete()
    assert remind() == 1


def test_without_billing_nothing_is_deleted_for_want_of_a_plan(cast: Cast, settings: Any) -> None:
    account_close(account_id=cast.account.pk, cause=ClosingCause.TRIAL)
    grace_is_over(cast)
    settings.BILLING = False
    assert deletions_begin() == 0 and not deletion_begin(cast.account.pk)
    settings.BILLING = True
    assert deletions_begin() == 1


def test_what_another_worker_noted_stays(full: Cast) -> None:
    account_close(account_id=full.account.pk)
    grace_is_over(full)
    deletions_begin()
    stale = Tombstone.objects.get()
    Tombstone.objects.update(proof={"files": {"exports": 7}}, shredded_at=clock.now())
    shredded_at = Tombstone.objects.get().shredded_at
    assert deleting.deletion_go_on(stale)
    stone = Tombstone.objects.get()
    assert stone.proof["files"]["exports"] >= 7 and stone.shredded_at == shredded_at


def test_a_librarys_own_accounts_are_not_ours() -> None:
    """allauth's SocialToken.account_id names a SocialAccount: by our number a stranger's would go."""
    assert SocialToken not in rows.owned()


def test_no_table_of_an_account_can_be_forgotten() -> None:
    """Whatever belongs to an account by a key is found by itself; what hangs on people goes with them."""
    found = {model._meta.db_table for model in rows.owned()}
    hanging = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if field.is_relation and field.related_model is Account and not model._meta.proxy
    }
    assert hanging <= found


def test_a_store_whose_credentials_cannot_be_read_is_named_and_does_not_block_the_deletion(
    full: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    unreadable, own = make_own_store(full.account.pk), full.account.pk
    Store.objects.filter(pk=unreadable.pk).update(sealed_credentials=b"\1\1k" + bytes(80))
    with account_scope(own):
        Shelf.objects.update(replica=unreadable)
    account_close(account_id=own)
    grace_is_over(full)
    deletions_begin()
    assert deletions_go_on() == 1 and "cannot be read any more" in Tombstone.objects.get().waiting_for
    VaultKey._base_manager.filter(account_id=own).update(
        shredding_since=clock.now() - PATIENCE - timedelta(minutes=1)
    )
    mail.outbox.clear()
    written: list[str] = []
    monkeypatch.setattr(
        deleting, "audit", lambda code, *, description: written.append(f"{code}: {description}")
    )
    assert deletions_go_on() == 0 and not Account.objects.filter(pk=own).exists()

    (told,) = [str(sent.body) for sent in mail.outbox if sent.to == [full.owner.email]]
    assert told.count("Our bucket (s3://papers/everkeep)") == 2, "its keys, and its objects"
    assert written[0].startswith("account.remains: In Our bucket") and "could not be emptied" in caplog.text
    (left,) = Tombstone.objects.get().proof["stores"]["left_in"]
    assert left["store"].startswith("s3://papers/everkeep") and left["why"] == "store_refused"
