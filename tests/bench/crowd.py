"""An account of 100,000 mailboxes beside 300 small ones, made by bulk SQL for the portal's pages and tick.

Fourteen nights of runs for a tenth of the mailboxes and one for the others; 3 % failed, 5 % partial.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.bench.portal import PASSWORD, database

BATCH = 5_000
NIGHTS = 14


def giant(entities: int) -> dict[str, Any]:
    """The account's owner, its task and a mailbox in the middle of its list."""
    database()
    from apps.accounts.enums import Role
    from apps.accounts.models import Account, Membership, User
    from apps.backups.models import Entity
    from apps.core.scope import account_scope
    from tests.backups.makers import make_connection, make_task

    account = Account.objects.create(name="Giant", location="de")
    user = User.objects.create_user(f"giant.{time.time_ns()}@giant.example", PASSWORD, name="Gina Giant")
    Membership.objects.create(account=account, user=user, role=Role.ADMINISTRATOR, is_owner=True)
    with account_scope(account.pk):
        task = make_task(make_connection(account), name="Mail of the giant")
        fill(task, entities)
        middle = Entity.objects.filter(task=task).order_by("name", "id")[entities // 2]
    return {"user": user, "account": account, "task": task, "middle": middle}


def small_accounts(number: int, entities: int) -> list[int]:
    """Accounts with a few due mailboxes each; returns their keys."""
    from apps.accounts.models import Account
    from apps.core.scope import account_scope
    from tests.backups.makers import make_connection, make_task

    accounts = Account.objects.bulk_create(Account(name=f"Small {n}", location="de") for n in range(number))
    for account in accounts:
        with account_scope(account.pk):
            fill(make_task(make_connection(account), name="Mail"), entities, nights=0)
    return [account.pk for account in accounts]


@dataclass(frozen=True)
class Crowd:
    """The mailboxes of one task that are to be made; `first` is the key of the first."""

    task: Any
    first: int
    verdicts: list[str]
    now: datetime
    moment: Callable[[datetime], Any]


def fill(task: Any, entities: int, nights: int = NIGHTS) -> None:
    """Entities with their runs, all of them due now."""
    from django.db import connection, transaction

    from apps.backups.models import Entity
    from apps.core import clock
    from apps.core.bulk import moment_adapter

    verdicts = random.Random(7).choices(["success", "partial", "failed"], [92, 5, 3], k=entities)
    newest = Entity._base_manager.order_by("-pk").values_list("pk", flat=True).first()
    crowd = Crowd(task, (newest or 0) + 1, verdicts, clock.now(), moment_adapter(connection))
    with transaction.atomic():
        for start in range(0, entities, BATCH):
            _insert_entities(crowd, range(start, min(start + BATCH, entities)))
        for back in range(nights):
            _insert_runs(crowd, back)


def _insert_entities(crowd: Crowd, numbers: range) -> None:
    from apps.backups.models import Entity
    from apps.core.bulk import insert_rows

    said = {
        "task_id": crowd.task.pk,
        "account_id": crowd.task.account_id,
        "kind": "user_mailbox",
        "licensed": True,
        "reachable": True,
        "properties": "{}",
        "limited": False,
        "state": "active",
        "first_snapshot_at": crowd.moment(crowd.now - timedelta(days=90)),
        "last_snapshot_at": crowd.moment(crowd.now - timedelta(hours=20)),
        "items": 8_000,
        "size": 2_000_000_000,
        "next_run_at": crowd.moment(crowd.now - timedelta(minutes=5)),
        "run_priority": 100,
        "precedence": 2,
        "cancel_requested": False,
    }
    rows = []
    for number in numbers:
        name = f"Person {(number * 7919) % 1_000_003:07}"
        own = {
            "id": crowd.first + number,
            "public_id": uuid_of(0xE000, crowd.task.pk, number),
            "remote_id": f"r-{number}",
            "name": name,
            "address": f"{name.lower().replace(' ', '.')}@giant.example",
            "last_verdict": crowd.verdicts[number],
        }
        rows.append(row_of(Entity, said | own))
    insert_rows(Entity, [field.column for field in Entity._meta.concrete_fields], rows)


def _insert_runs(crowd: Crowd, back: int) -> None:
    from apps.backups.models import Run
    from apps.core.bulk import insert_rows

    at = crowd.now - timedelta(days=back, hours=20)
    rows = [
        row_of(
            Run,
            {
                "public_id": uuid_of(0xF000 + back, crowd.task.pk, number),
                "account_id": crowd.task.account_id,
                "entity_id": crowd.first + number,
                "trigger": "schedule",
                "verdict": crowd.verdicts[number],
                "started_at": crowd.moment(at + timedelta(milliseconds=number)),
                "finished_at": crowd.moment(at + timedelta(minutes=2)),
            },
        )[1:]
        for number in range(0, len(crowd.verdicts), 1 if back == 0 else 10)
    ]
    insert_rows(Run, [field.column for field in Run._meta.concrete_fields][1:], rows)


def row_of(model: Any, said: dict[str, Any]) -> list[Any]:
    return [said.get(field.column, _empty(field)) for field in model._meta.concrete_fields]


def uuid_of(kind: int, task: int, number: int) -> Any:
    from django.db import connection

    found = UUID(int=(kind << 100) | (task << 40) | number)
    return found.hex if connection.vendor == "sqlite" else found


def _empty(field: Any) -> Any:
    """What a column holds that nothing was said about."""
    if field.null:
        return None
    kind = field.get_internal_type()
    if "Integer" in kind:
        return 0
    return "[]" if kind == "JSONField" else False if kind == "BooleanField" else ""
