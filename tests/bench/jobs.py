"""The jobs page with 100,000 jobs of one account, over HTTP, beside the same pages of an account with 100.

Of 1,000 mailboxes a tenth is limited; 40 people started jobs of all kinds over 90 days, 30 of which are under
way. Two people look: one sees everything; the other, in the lines `.limited`, no limited mailbox and one of two
services, so that each row is judged. `small_p50_ms` is the page with 100 jobs, `ratio` how many times as long.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .crowd import BATCH, fill, row_of, uuid_of
from .portal import PASSWORD, database
from .serving import served

JOBS, ITEMS, SMALL = 100_000, 10_000, 100
MAILBOXES, PEOPLE, TASKS, OPEN, DAYS = 1_000, 40, 20, 30, 90
KINDS = {"restore": 55, "export": 25, "usage": 12, "undo": 5, "move": 3}
STATES = {"succeeded": 80, "partial": 9, "failed": 8, "cancelled": 3}
OUTCOMES = {"done": 90, "skipped": 6, "failed": 4}
PARAMS = '{"plan": "' + "0" * 36 + '", "folders": [' + ", ".join(f'"{n:032}"' for n in range(8)) + "]}"
FOLDERS = ("Inbox", "Sent Items", "Projects/North", "Archive/2019")
LISTS = {
    "week": "",
    "all": "period=all",
    "oldest": "period=all&order=oldest",
    "middle": "period=all",
    "failed": "period=all&state=failed",
    "cancelled_week": "state=cancelled",
    "under_way": "state=in_progress",
    "kind": "period=all&kind=export",
    "rare_kind": "period=all&kind=move",
    "service": "period=all&service=onedrive",
    "person": "period=all&initiator=Person+7",
    "task_week": "task=sk+7",
    "task": "period=all&task=sk+7",
    "mailbox_week": "item=0123",
    "mailbox": "period=all&item=0123",
    "no_mailbox": "period=all&item=nobody",
    "mixed": "period=all&item=12&state=failed&kind=export&initiator=Person+7",
}
ITEM_LISTS = {
    "items": "",
    "items_failed": "?outcome=failed",
    "items_search": "?q=77",
    "items_no_such": "?q=nothing",
}
CSV = {"csv": "report.csv", "csv_search": "report.csv?q=nothing"}
PAGES, FILES = (
    [name + ending for name in names for ending in ("", ".limited")]
    for names in ([*LISTS, *ITEM_LISTS, "card"], CSV)
)


@dataclass(frozen=True, slots=True)
class History:
    """An account with its jobs: who looks at them, and ids that stand in addresses."""

    owner: Any
    narrow: Any
    middle: str
    running: str
    long: str


def pages(jobs: int = JOBS, items: int = ITEMS, rounds: int = 40) -> Iterator[dict[str, Any]]:
    """The list by every filter, the live card, the items of one job and their file."""
    scale = float(os.environ.get("BENCH_SCALE", "1"))
    rounds = int(os.environ.get("BENCH_ROUNDS", rounds))
    large = _history("Large", max(int(jobs * scale), SMALL), max(int(items * scale), SMALL))
    small = _history("Small", SMALL, SMALL)
    _analyze()
    of_small = _addresses(small)
    with served() as server:
        for name, address in _addresses(large).items():
            for ending in ("", ".limited"):
                person = "narrow" if ending else "owner"
                ours, theirs = getattr(large, person), getattr(small, person)
                figures = server.beside((ours, address), (theirs, of_small[name]), rounds)
                yield {"bench": f"jobs.{name}{ending}", **figures}


def _addresses(of: History) -> dict[str, str]:
    job = f"/jobs/{of.long}/"
    lists = {name: f"/jobs/?{query}" for name, query in LISTS.items()}
    lists["middle"] += f"&after={of.middle}"
    items = {name: job + query for name, query in ITEM_LISTS.items()}
    return (
        lists
        | items
        | {"card": f"/jobs/{of.running}/card/"}
        | {name: job + query for name, query in CSV.items()}
    )


def _history(name: str, jobs: int, items: int) -> History:
    database()
    from django.db import transaction

    from apps.accounts.enums import Role
    from apps.accounts.models import Account, Membership, User
    from apps.backups.models import Entity
    from apps.core.scope import account_scope
    from apps.jobs.models import Job
    from tests.backups.makers import make_connection, make_task

    account = Account.objects.create(name=name, location="de")
    owner, narrow = (
        User.objects.create_user(f"{who}@{name.lower()}.example", PASSWORD, name=who)
        for who in ("owner", "narrow")
    )
    Membership.objects.create(account=account, user=owner, role=Role.ADMINISTRATOR, is_owner=True)
    Membership.objects.create(account=account, user=narrow, role=Role.RESTORE_OPERATOR, services=["exchange"])
    with account_scope(account.pk), transaction.atomic():
        task = make_task(make_connection(account), name="Mail")
        fill(task, MAILBOXES, nights=0)
        first = Entity.objects.filter(task=task).order_by("pk").values_list("pk", flat=True)[: MAILBOXES // 10]
        Entity.objects.filter(pk__in=list(first)).update(limited=True)
        boxes = list(Entity.objects.order_by("pk").values_list("public_id", "name"))
        _insert_jobs(account.pk, boxes, jobs)
        newest = Job.objects.order_by("-created_at", "-id")
        long = newest[0]
        Job.objects.filter(pk=long.pk).update(items_total=items)
        _insert_items(long, items)
        seen = newest.filter(service="exchange", kind="usage")
        return History(
            owner,
            narrow,
            middle=str(seen[seen.count() // 2].public_id),
            running=str(newest.filter(state="running")[0].public_id),
            long=str(long.public_id),
        )


def _insert_jobs(account_id: int, boxes: list[Any], number: int) -> None:
    """Newest first: the one with many items, then what is under way; that and reports name no mailbox."""
    from django.db import connection

    from apps.core import clock
    from apps.core.bulk import insert_rows, moment_adapter
    from apps.jobs.models import Job

    chance, now, moment = random.Random(11), clock.now(), moment_adapter(connection)
    kinds = chance.choices([*KINDS], [*KINDS.values()], k=number)
    states = chance.choices([*STATES], [*STATES.values()], k=number)
    for start in range(0, number, BATCH):
        rows = []
        for each in range(start, min(start + BATCH, number)):
            box, label = chance.choice(boxes) if each else boxes[-1]
            is_open, at = 0 < each <= OPEN, now - timedelta(days=DAYS) * each / number
            said = {
                "public_id": uuid_of(0xA000, account_id, each),
                "account_id": account_id,
                "kind": "restore" if each <= OPEN else kinds[each],
                "state": "running" if is_open else states[each],
                "service": chance.choice(("exchange", "onedrive")) if each > OPEN else "exchange",
                "task_label": f"Task {chance.randrange(TASKS)}",
                "initiator_label": f"Person {chance.randrange(PEOPLE)}",
                "params": PARAMS,
                "result": "{}",
                "items_total": 300,
                "items_done": 200,
                "items_failed": 3,
                "bytes_total": 9_000_000,
                "bytes_done": 6_000_000,
                "created_at": moment(at),
                "started_at": moment(at),
                "lease_owner": "worker" if is_open else "",
                "lease_until": moment(now + timedelta(days=1)) if is_open else None,
            }
            if not is_open and said["kind"] != "usage":
                said |= {"entity_label": label, "entity_id": _hex(box)}
                said |= {"destination_label": label, "destination_id": _hex(box)}
            rows.append(row_of(Job, said)[1:])
        insert_rows(Job, [field.column for field in Job._meta.concrete_fields][1:], rows)


def _insert_items(job: Any, number: int) -> None:
    from apps.core.bulk import insert_rows
    from apps.jobs.models import JobItem

    outcomes = random.Random(13).choices([*OUTCOMES], [*OUTCOMES.values()], k=number)
    columns = [field.column for field in JobItem._meta.concrete_fields][1:]
    rows = [
        row_of(
            JobItem,
            {
                "public_id": uuid_of(0xB000, job.pk, each),
                "account_id": job.account_id,
                "job_id": job.pk,
                "key": str(each),
                "label": f"Re: the offer of week {each:06}",
                "folder_label": FOLDERS[each % len(FOLDERS)],
                "outcome": outcomes[each],
                "message": "Exchange refused it: the message is larger than its mailbox takes."
                if outcomes[each] == "failed"
                else "",
                "size": 20_000,
                "details": "{}",
            },
        )[1:]
        for each in range(number)
    ]
    insert_rows(JobItem, columns, rows)


def _hex(public_id: Any) -> Any:
    from django.db import connection

    return public_id.hex if connection.vendor == "sqlite" else public_id


def _analyze() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


CASES = {"jobs": pages}
