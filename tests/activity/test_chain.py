"""The security audit is a chain: whatever is done to it behind the application's back is found and named."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from apps.accounts.models import Account
from apps.activity import heads
from apps.activity.audit import audit
from apps.activity.chain import seal_of
from apps.activity.heads import Head, Keeper, head_keep
from apps.activity.models import ChainHead, DailyHead, SecurityEvent
from apps.activity.verify import chain_verify
from apps.core import clock
from apps.core.errors import Unavailable
from apps.core.scope import account_scope
from tests.activity.chains import act, sql
from tests.cast import Cast, make_cast

pytestmark = pytest.mark.database


def rows(account: Account) -> list[SecurityEvent]:
    with account_scope(account.pk):
        return list(SecurityEvent.objects.order_by("sequence"))


def broken_at(account: Account) -> int | None:
    finding = chain_verify(account.pk).finding
    return finding.sequence if finding else None


def rewrite_from(account: Account, first: int) -> None:
    """Do what somebody with the database and our source could do: compute every seal anew, the head's too."""
    found = rows(account)
    for before, row in zip([None, *found], found, strict=False):
        if row.sequence >= first:
            row.previous = before.seal if before else row.previous
            row.seal = seal_of(row)
            sql(
                "UPDATE security_event SET previous = %s, seal = %s WHERE id = %s",
                row.previous,
                row.seal,
                row.pk,
            )
    sql("UPDATE audit_head SET seal = %s WHERE account_id = %s", found[-1].seal, account.pk)


def test_entries_are_numbered_without_gaps_in_each_account(cast: Cast) -> None:
    act(cast.account, 2)
    act(cast.other_account)
    act(cast.account)
    assert [row.sequence for row in rows(cast.account)] == [1, 2, 3]
    assert [row.sequence for row in rows(cast.other_account)] == [1]
    assert rows(cast.account)[2].previous == rows(cast.account)[1].seal
    assert chain_verify(cast.account.pk).unbroken
    assert rows(cast.account)[0].previous != rows(cast.other_account)[0].previous


def test_an_act_that_is_rolled_back_leaves_no_gap(cast: Cast) -> None:
    act(cast.account)
    with pytest.raises(RuntimeError), transaction.atomic():
        act(cast.account)
        raise RuntimeError
    act(cast.account)
    assert [row.sequence for row in rows(cast.account)] == [1, 2]
    assert chain_verify(cast.account.pk).unbroken


def test_what_a_database_would_change_does_not_break_the_seal(cast: Cast) -> None:
    act(
        cast.account, whole=3.0, half=0.1, tiny=1e-7, large=1e22, none=None, nan=float("nan"), nul="a\0b",
        half_letter="\ud83d", letters="Übergrößenträger 🍕", nested={"b": [1, True], "a": {"x": 2.5}},
    )  # fmt: skip
    assert chain_verify(cast.account.pk).unbroken


@pytest.mark.parametrize(
    ("column", "value"),
    [("description", "Nothing"), ("actor_label", "Somebody"), ("at", "2020-01-01 00:00:00"), ("code", "x.y"),
     ("status", "failed"), ("details", "{}"), ("address", "1.2.3.4"), ("task_label", "T"), ("actor_id", 5),
     ("service", "mail"), ("version", 2), ("previous", "0" * 64), ("seal", "0" * 64)],
)  # fmt: skip
def test_an_edited_entry_is_named(cast: Cast, column: str, value: object) -> None:
    act(cast.account, 5, was="here")
    sql(f"UPDATE security_event SET {column} = %s WHERE sequence = 3", value)
    assert broken_at(cast.account) == 3


def test_an_edited_entry_whose_own_seal_was_made_anew_is_named(cast: Cast) -> None:
    act(cast.account, 5)
    sql("UPDATE security_event SET description = 'Nothing' WHERE sequence = 3")
    sql("UPDATE security_event SET seal = %s WHERE sequence = 3", seal_of(rows(cast.account)[2]))
    assert broken_at(cast.account) == 3


def test_a_deleted_entry_is_named(cast: Cast) -> None:
    act(cast.account, 5)
    sql("DELETE FROM security_event WHERE sequence = 1")
    assert broken_at(cast.account) == 1


def test_deleted_newest_entries_are_named_also_after_others_were_written(cast: Cast) -> None:
    act(cast.account, 5)
    sql("DELETE FROM security_event WHERE sequence > 3")
    assert broken_at(cast.account) == 4
    act(cast.account)
    assert broken_at(cast.account) == 4


def test_exchanged_entries_are_named(cast: Cast) -> None:
    act(cast.account, 5)
    for old, new in ((2, 99), (4, 2), (99, 4)):
        sql("UPDATE security_event SET sequence = %s WHERE sequence = %s", new, old)
    assert broken_at(cast.account) == 2
    two, four = rows(cast.account)[1], rows(cast.account)[3]
    for row in (two, four):
        sql("UPDATE security_event SET seal = %s WHERE id = %s", seal_of(row), row.pk)
    assert broken_at(cast.account) == 2


@pytest.mark.parametrize(("number", "named"), [(0, 0), (6, 6), (9, 6)])
def test_an_entry_slipped_in_is_named(cast: Cast, number: int, named: int) -> None:
    *_, last = act(cast.account, 5)
    with account_scope(cast.account.pk):
        new = SecurityEvent(account=cast.account, code="a.b", sequence=number, previous=last.seal)
        new.seal = seal_of(new)
        new.save()
    assert broken_at(cast.account) == named


def test_a_chain_of_another_account_does_not_pass_for_this_one(cast: Cast) -> None:
    act(cast.other_account, 3)
    for table in ("security_event", "audit_head"):
        sql(f"UPDATE {table} SET account_id = %s", cast.account.pk)
    assert broken_at(cast.account) == 1


def test_a_chain_written_anew_does_not_agree_with_the_head_of_a_day(cast: Cast) -> None:
    act(cast.account, 3)
    head_keep(cast.account.pk)
    act(cast.account, 2)
    sql("UPDATE security_event SET description = 'Nothing' WHERE sequence = 2")
    rewrite_from(cast.account, 2)
    verdict = chain_verify(cast.account.pk)
    assert verdict.finding and verdict.finding.sequence == 3
    assert "since entry 1" in verdict.finding.what


class Shelf:
    """A keeper outside the database."""

    def __init__(self) -> None:
        self.kept: list[Head] = []
        self.away = False

    def keep(self, account_id: int, head: Head) -> bool:
        if self.away:
            raise Unavailable("The store is away.")
        self.kept.append(head)
        return True

    def heads(self, account_id: int) -> list[Head]:
        if self.away:
            raise Unavailable("The store is away.")
        return [Head(each.sequence, each.seal, each.day, each.account, "the vault") for each in self.kept]


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    made = Shelf()
    monkeypatch.setattr(heads, "_keepers", [Keeper("the vault", made.keep, made.heads)])
    return made


def test_a_keeper_knows_what_nobody_left_in_the_database(cast: Cast, shelf: Shelf) -> None:
    act(cast.account, 4)
    head_keep(cast.account.pk)
    sql("DELETE FROM audit_daily_head")
    sql("DELETE FROM security_event WHERE sequence > 2")
    sql("UPDATE audit_head SET sequence = 2, seal = %s", rows(cast.account)[-1].seal)
    finding = chain_verify(cast.account.pk).finding
    assert finding and finding.sequence == 3
    assert "the vault had entry 4" in finding.what


def test_a_head_is_kept_once_a_day_and_only_when_something_is_new(cast: Cast, shelf: Shelf) -> None:
    act(cast.account)
    head_keep(cast.account.pk)
    act(cast.account)
    assert head_keep(cast.account.pk) is None
    with clock.travel(clock.now() + timedelta(days=1)):
        head_keep(cast.account.pk)
    with clock.travel(clock.now() + timedelta(days=2)):
        assert head_keep(cast.account.pk) is None
    assert [head.sequence for head in shelf.kept] == [1, 2]


def test_a_keeper_that_was_away_gets_the_head_later(cast: Cast, shelf: Shelf) -> None:
    act(cast.account)
    shelf.away = True
    head_keep(cast.account.pk)
    verdict = chain_verify(cast.account.pk)
    assert verdict.unbroken
    assert "The store is away" in verdict.trouble
    shelf.away = False
    head_keep(cast.account.pk)
    assert [head.sequence for head in shelf.kept] == [1]
    with account_scope(cast.account.pk):
        assert DailyHead.objects.get().kept_at


def test_the_command_names_the_entry_and_ends_with_1(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    act(cast.account, 3)
    act(cast.other_account, 2)
    call_command("audit", "verify")
    sql("UPDATE security_event SET description = 'x' WHERE sequence = 2 AND account_id = %s", cast.account.pk)
    with pytest.raises(SystemExit) as end:
        call_command("audit", "verify", account=str(cast.account.public_id))
    assert end.value.code == 1
    assert "BROKEN at entry 2" in capsys.readouterr().out
    with account_scope(cast.account.pk):
        assert ChainHead.objects.get().broken_at == 2
    call_command("audit", "verify", account=str(cast.other_account.public_id))


def test_a_lost_head_is_made_anew_from_the_last_entry(cast: Cast) -> None:
    act(cast.account, 2)
    sql("DELETE FROM audit_head")
    act(cast.account)
    assert [row.sequence for row in rows(cast.account)] == [1, 2, 3]
    assert chain_verify(cast.account.pk).unbroken


def test_a_head_that_lags_stops_nothing_and_is_logged(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    act(cast.account, 3)
    with account_scope(cast.account.pk):
        ChainHead.objects.update(sequence=2)
    act(cast.account, 1)
    assert [row.sequence for row in rows(cast.account)] == [1, 2, 3, 4]
    assert "entry 3 is beyond its head" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_two_who_write_at_once_stand_in_line() -> None:
    account = make_cast().account

    def work(count: int) -> Callable[[], None]:
        def run() -> None:
            try:
                with account_scope(account.pk):
                    for number in range(count):
                        with transaction.atomic():
                            audit("task.changed", description=f"{number}")
            finally:
                connection.close()

        return run

    threads = [threading.Thread(target=work(15)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.sequence for row in rows(account)] == list(range(1, 46))
    assert chain_verify(account.pk).unbroken
