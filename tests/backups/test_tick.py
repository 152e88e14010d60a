"""What is due runs, fairly and once, whatever happens to messages and workers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from kombu.exceptions import OperationalError

from apps.accounts.models import Account
from apps.backups import tick
from apps.backups.engine.lease import LEASE, Lease, claim
from apps.backups.enums import EntityState, Precedence, Trigger, Verdict
from apps.backups.errors import LeaseLost
from apps.backups.models import BackupTask, Entity, Run
from apps.backups.selectors import Word, word_of
from apps.backups.services import runs
from apps.connectors.enums import CredentialKind, EntityKind, Service
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.scope import account_scope, every_account
from tests.cast import Cast
from tests.plans import plan_of

pytestmark = pytest.mark.database

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
Sent = list[dict[str, Any]]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Sent]:
    """What was sent; the clock stands at NOW and all accounts are in view."""
    sent: Sent = []
    settings.BACKUP_WORKERS = 5
    monkeypatch.setattr(tick.current_app, "send_task", lambda name, kwargs, **options: sent.append(kwargs))
    with clock.travel(NOW), every_account("the tick looks at all"):
        yield sent


def make_entities(account: Account, count: int, *, due: timedelta = timedelta(hours=-1)) -> list[Entity]:
    made = Connection.objects.create(
        account=account, tenant_id="t", credential_kind=CredentialKind.CLIENT_SECRET
    )
    task = BackupTask.objects.create(account=account, connection=made, service=Service.EXCHANGE, name="Mail")
    return [
        Entity.objects.create(
            account=account,
            task=task,
            remote_id=f"user-{number}",
            kind=EntityKind.USER_MAILBOX,
            name=f"User {number}",
            state=EntityState.ACTIVE,
            next_run_at=NOW + due + timedelta(minutes=number),
        )
        for number in range(count)
    ]


def accounts_of(sent: Sent) -> list[int]:
    return [message["account_id"] for message in sent]


def test_no_more_is_sent_than_twice_what_the_workers_can_run(cast: Cast, broker: Sent) -> None:
    make_entities(cast.account, 30)
    assert tick.dispatch_due() == 10
    assert tick.dispatch_due() == 0, "the first ten are still at the broker"


def test_a_small_account_does_not_wait_behind_a_big_one(cast: Cast, broker: Sent) -> None:
    make_entities(cast.account, 30, due=timedelta(days=-3))
    make_entities(cast.other_account, 2)
    tick.dispatch_due()
    assert accounts_of(broker).count(cast.other_account.pk) == 2
    assert accounts_of(broker)[:2] == [cast.account.pk, cast.other_account.pk]


def test_the_most_overdue_goes_first_and_what_is_not_due_waits(cast: Cast, broker: Sent) -> None:
    first, second, *_ = make_entities(cast.account, 3)
    later = make_entities(cast.other_account, 1, due=timedelta(minutes=5))
    tick.dispatch_due()
    assert [message["entity_id"] for message in broker[:2]] == [first.pk, second.pk]
    assert later[0].pk not in [message["entity_id"] for message in broker]


def test_a_backup_on_demand_overtakes_the_queue(cast: Cast, broker: Sent) -> None:
    make_entities(cast.account, 30, due=timedelta(days=-3))
    (urgent,) = make_entities(cast.other_account, 1, due=timedelta(days=1))
    with account_scope(cast.other_account.pk):
        assert runs.backup_now(entities=Entity.objects.filter(pk=urgent.pk)) == 1
    tick.dispatch_due()
    assert broker[0]["entity_id"] == urgent.pk


def test_who_orders_everything_at_once_leaves_the_others_their_turns(cast: Cast, broker: Sent) -> None:
    make_entities(cast.account, 60, due=timedelta(days=1))
    make_entities(cast.other_account, 20)
    with account_scope(cast.account.pk):
        assert runs.backup_now(entities=Entity.objects.all()) == 60
    for _ in range(4):
        tick.dispatch_due()
        running = Entity.objects.exclude(lease_owner="").order_by("lease_until", "pk")[:5]
        Entity.objects.filter(pk__in=[each.pk for each in running]).update(lease_owner="", next_run_at=None)
    sent = accounts_of(broker)
    assert sent[:2] == [cast.account.pk] * 2, "who waits comes first"
    assert sent.count(cast.other_account.pk) >= 8, "and those whose hour has come are not kept waiting for it"


@pytest.mark.parametrize("state", [EntityState.PAUSED, EntityState.NOT_ACTIVE, EntityState.ARCHIVED])
def test_only_active_entities_run(cast: Cast, broker: Sent, state: str) -> None:
    make_entities(cast.account, 1)
    Entity.objects.update(state=state)
    assert tick.dispatch_due() == 0
    with account_scope(cast.account.pk):
        assert runs.backup_now(entities=Entity.objects.all()) == 0


def test_what_was_paused_on_its_way_to_a_worker_may_be_sent_again_at_once(cast: Cast, broker: Sent) -> None:
    (entity,) = make_entities(cast.account, 1)
    tick.dispatch_due()
    with account_scope(cast.account.pk):
        Entity.objects.update(state=EntityState.PAUSED, next_run_at=None)
        assert claim(**broker[0]) is None
        entity.refresh_from_db()
        assert word_of(entity, NOW) is Word.PAUSED
        Entity.objects.update(state=EntityState.ACTIVE, next_run_at=NOW)
    assert tick.dispatch_due() == 1


def test_a_lost_message_is_sent_again_and_the_old_one_does_nothing(cast: Cast, broker: Sent) -> None:
    make_entities(cast.account, 1)
    tick.dispatch_due()
    with clock.travel(NOW + timedelta(minutes=11)):
        assert tick.dispatch_due() == 1
        old, new = broker
        assert claim(**old) is None
        assert claim(**new) is not None
        assert claim(**new) is None, "the same message twice"


def test_when_the_broker_is_down_nothing_is_lost(
    cast: Cast, broker: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_entities(cast.account, 3)
    good = tick.current_app.send_task

    def refuse(*args: Any, **options: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(tick.current_app, "send_task", refuse)
    assert tick.dispatch_due() == 0
    monkeypatch.setattr(tick.current_app, "send_task", good)
    assert tick.dispatch_due() == 3


def test_a_dead_workers_entity_runs_again_and_its_run_is_closed(cast: Cast, broker: Sent) -> None:
    (entity,) = make_entities(cast.account, 1)
    tick.dispatch_due()
    assert claim(**broker[0]) is not None
    dead = Run.objects.create(account=cast.account, entity=entity)
    assert tick.dispatch_due() == 0, "its lease is fresh"
    with clock.travel(NOW + 2 * LEASE):
        assert tick.dispatch_due() == 1
        assert claim(**broker[1]) is not None
    dead.refresh_from_db()
    assert dead.verdict == Verdict.FAILED
    assert "interrupted" in dead.message


def test_what_kills_its_worker_every_time_is_tried_less_and_less_often(cast: Cast, broker: Sent) -> None:
    (entity,) = make_entities(cast.account, 1)
    later, begun = NOW, []
    for _ in range(60):
        with clock.travel(later):
            sent = len(broker)
            tick.dispatch_due()
        for message in broker[sent:]:
            # Half a minute from each tick: how long the test itself takes decides nothing.
            with clock.travel(later + LEASE / 2):
                if claim(**message) is not None:  # and the worker dies
                    begun.append(later)
                    Run.objects.create(account=cast.account, entity=entity, started_at=later)
        later += timedelta(minutes=1)
    assert [round((at - NOW).total_seconds() / 60) for at in begun] == [0, 2, 50]
    assert Run.objects.filter(verdict=Verdict.RUNNING).count() <= 1


def test_who_was_overtaken_cannot_write_any_more(cast: Cast, broker: Sent) -> None:
    (entity,) = make_entities(cast.account, 1)
    slow = claim(account_id=cast.account.pk, entity_id=entity.pk)
    assert slow is not None
    with clock.travel(NOW + 2 * LEASE):
        assert isinstance(claim(account_id=cast.account.pk, entity_id=entity.pk), Lease)
    with pytest.raises(LeaseLost), slow.guard():
        Entity.objects.filter(pk=entity.pk).update(name="written too late")
    entity.refresh_from_db()
    assert entity.name == "User 0"


@pytest.mark.parametrize("number", [0, 1, 50, 150])
def test_a_tick_asks_few_questions_whatever_is_due(
    cast: Cast, broker: Sent, settings: Any, number: int
) -> None:
    settings.BACKUP_WORKERS = 100
    make_entities(cast.account, number, due=timedelta(days=-1))
    with CaptureQueriesContext(connection) as queries:
        assert tick.dispatch_due() == number
    assert len(queries) <= 11


def test_the_queue_is_read_by_its_index(cast: Cast, broker: Sent) -> None:
    """Whatever waits behind is not walked through: a tick takes the first of each stretch of the index."""
    make_entities(cast.account, 30)
    with CaptureQueriesContext(connection) as asked:
        tick.dispatch_due()
    reads = [each["sql"] for each in asked if "next_run_at" in each["sql"] and "ORDER BY" in each["sql"]]
    assert len(reads) == 2, "the heads of all lanes, and more of the only one"
    for query in reads:
        plan = plan_of(query, without=("seqscan", "sort"))  # a few rows are as quickly read and sorted
        assert "entity_lane" in plan, plan
        assert "Sort Key" not in plan and "TEMP B-TREE" not in plan, plan


def make_small_accounts(number: int, each: int) -> set[int]:
    """Accounts with some entities, all of them due for longer than anybody else's."""
    accounts = Account.objects.bulk_create(Account(name=f"Small {n}", location="de") for n in range(number))
    connections = Connection.objects.bulk_create(
        Connection(account=account, tenant_id="t", credential_kind=CredentialKind.CLIENT_SECRET)
        for account in accounts
    )
    tasks = BackupTask.objects.bulk_create(
        BackupTask(account=made.account, connection=made, service=Service.EXCHANGE, name="Mail")
        for made in connections
    )
    Entity.objects.bulk_create(
        Entity(
            account=task.account,
            task=task,
            remote_id=f"user-{n}",
            kind=EntityKind.USER_MAILBOX,
            state=EntityState.ACTIVE,
            next_run_at=NOW - timedelta(days=2, minutes=place),
        )
        for place, task in enumerate(tasks)
        for n in range(each)
    )
    return {account.pk for account in accounts}


@pytest.mark.parametrize("finish", [True, False], ids=["workers finish at once", "the giant's go on"])
def test_every_account_has_its_first_turn_before_any_has_many(
    cast: Cast, broker: Sent, settings: Any, finish: bool
) -> None:
    settings.BACKUP_WORKERS = 32
    make_entities(cast.account, 100, due=timedelta(days=-3))
    small = make_small_accounts(300, each=3)
    if not finish:
        assert tick.dispatch_due() == 64
        broker.clear()
        Entity.objects.filter(account__in=small).update(lease_owner="", lease_until=None)
    for _ in range(5):  # 301 accounts in fives of 64
        tick.dispatch_due()
        done = Entity.objects.filter(~Q(lease_owner=""))
        done = done if finish else done.filter(account__in=small)
        done.update(lease_owner="", lease_until=None, next_run_at=None)
    assert small <= set(accounts_of(broker))
    assert accounts_of(broker).count(cast.account.pk) <= 5


def test_a_waiting_backup_on_demand_can_be_taken_back(cast: Cast, broker: Sent) -> None:
    (entity,) = make_entities(cast.account, 1)
    with account_scope(cast.account.pk):
        runs.backup_now(entities=Entity.objects.all())
        tick_sent = tick.dispatch_due()
        runs.cancel_run(entity=entity)
        assert tick_sent == 1
        assert claim(**broker[0]) is None
        entity.refresh_from_db()
        assert entity.next_run_at is not None
        assert (entity.next_run_at > NOW, entity.run_trigger) == (True, "")
        with pytest.raises(Conflict):
            runs.cancel_run(entity=entity)


def test_an_order_made_before_a_run_is_noted_as_its_trigger(cast: Cast, broker: Sent) -> None:
    make_entities(cast.account, 1)
    with account_scope(cast.account.pk):
        runs.backup_now(entities=Entity.objects.all())
    assert Entity.objects.get().run_trigger == Trigger.PERSON


def set_task(account: Any, **values: Any) -> None:
    with account_scope(account.pk):
        BackupTask.objects.update(**values)


def test_a_task_runs_no_more_at_the_same_time_than_it_says(cast: Cast, broker: Sent) -> None:
    make_entities(cast.account, 5)
    set_task(cast.account, concurrency=2)
    assert (tick.dispatch_due(), tick.dispatch_due()) == (2, 0)
    with account_scope(cast.account.pk):
        Entity.objects.filter(pk=broker[0]["entity_id"]).update(lease_owner="", next_run_at=None)
    assert tick.dispatch_due() == 1


def test_what_an_account_puts_first_goes_first_and_no_other_account_waits_for_it(
    cast: Cast, broker: Sent, settings: Any
) -> None:
    settings.BACKUP_WORKERS = 1
    mine, theirs = make_entities(cast.account, 3), make_entities(cast.other_account, 3)
    with account_scope(cast.account.pk):
        Entity.objects.filter(pk=mine[2].pk).update(precedence=Precedence.FIRST)
        Entity.objects.filter(pk=mine[0].pk).update(precedence=Precedence.LAST)
    tick.dispatch_due()
    sent = [message["entity_id"] for message in broker]
    assert sent[0] == mine[2].pk or sent[1] == mine[2].pk
    assert len({*sent} & {entity.pk for entity in theirs}) == 1
