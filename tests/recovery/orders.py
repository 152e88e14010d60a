"""What a warm worker (`tests/warm_worker.py`) does for the crash tests of recovery, in a process of its own."""

import hashlib
import zipfile
from datetime import timedelta
from typing import Any

from apps.accounts.enums import Role
from apps.accounts.models import User
from apps.accounts.selectors import actor_of
from apps.backups.models import Entity, Snapshot
from apps.backups.selectors.points import point_of
from apps.connectors.documents import canonical
from apps.connectors.enums import SubService
from apps.connectors.writing import WriteItem
from apps.core import clock
from apps.core.actor import acting_as
from apps.core.scope import account_scope, every_account
from apps.jobs import runner
from apps.jobs.models import Job, JobItem
from tests.cast import member
from tests.recovery.test_restore_kinds import SEEDS


def start(*, kind: str, mode: str = "new_root") -> dict[str, Any]:
    """Choose the whole mailbox of the newest backup and make the job; nobody works on it yet."""
    from apps.recovery.exports.start import export_start
    from apps.recovery.restore.plan import plan_create, plan_make, plan_start
    from apps.recovery.services import selections_everything

    with every_account("the test has one"):
        snapshot = Snapshot.objects.select_related("entity__task__connection", "run").latest("id")
        known = User.objects.filter(email="rita@pizza-perfecto.example").first()
    rita = (
        known or member(snapshot.account, "rita@pizza-perfecto.example", Role.ADMINISTRATOR)
    ).memberships.get()
    with account_scope(snapshot.account_id), acting_as(actor_of(rita)):
        selections_everything(point=point_of(snapshot.run))
        if kind == "export":
            job = export_start(point=point_of(snapshot.run))
        else:
            plan = plan_make(plan=plan_create(point=point_of(snapshot.run), target=snapshot.entity, mode=mode))
            job = plan_start(plan=plan)
    return {"job": job.pk, "items": job.items_total}


def seed(*, number: int) -> None:
    """Write so many events with a file, contacts and tasks into the mailbox."""
    from apps.recovery.restore.target import open_target

    with every_account("the test has one"):
        entity = Entity.objects.select_related("task__connection").get()
    with account_scope(entity.account_id), open_target(entity) as live:
        for kind in (SubService.CALENDARS, SubService.CONTACTS, SubService.TASKS):
            writer, fields, files = live.items(kind), SEEDS[kind], (b"%PDF-1.7",)
            folder_id = next(each.remote_id for each in live.do(writer.folders()))
            if kind == SubService.CALENDARS:
                fields = fields | {"attachments": [{"name": "plan.pdf", "size": 8, "part": 0}]}
            for each in range(number):
                item = WriteItem(f"seed{each}", folder_id, canonical(fields), b"", attachments=files)
                live.do(writer.write(item))


def undo(*, job: int) -> dict[str, Any]:
    """Make the job that takes a restore back."""
    from apps.recovery.models import Plan
    from apps.recovery.restore.undo import undo_start

    with every_account("the test has one"):
        plan = Plan.objects.get(job_id=job)
    with account_scope(plan.account_id):
        made = undo_start(plan=plan)
    return {"job": made.pk, "items": made.items_total}


def post_bare(*, mailbox: str) -> dict[str, Any]:
    """Post every message of the newest backup as a restore does, four at once, and do nothing else.

    Only the posting is timed: the messages are composed before.
    """
    import asyncio
    import time

    from apps.backups.models import NodeVersion
    from apps.connectors.microsoft import governor
    from apps.connectors.microsoft.exchange.mail_compose import read_letter
    from apps.connectors.microsoft.exchange.mail_fields import message_json, read_props
    from apps.connectors.services import open_writer
    from apps.recovery.reading import read_item
    from apps.vault.api import open_reader

    governor.MAILBOX_REQUESTS = 10**9  # type: ignore[misc]
    with every_account("the test has one"):
        snapshot = Snapshot.objects.select_related("entity__task__connection").latest("id")
        bodies = []
        reader = open_reader(snapshot.account_id)
        for row in NodeVersion.objects.filter(is_folder=False).order_by("id"):
            content, _ = read_item(reader, bytes(row.content))
            letter = read_letter(content)
            bodies.append(message_json(letter, read_props(bytes(row.props)), letter.attachments, "bare"))

    async def post() -> float:
        async with open_writer(snapshot.entity.task.connection) as writer:
            graph, gate = writer.graph, asyncio.Semaphore(4)  # type: ignore[attr-defined]
            path, pool = f"/users/{mailbox}/mailFolders/drafts/messages", graph.pool(mailbox)

            async def one(body: dict[str, Any]) -> None:
                async with gate:
                    await graph.write_json("POST", path, body, pool=pool)

            since = time.monotonic()
            await asyncio.gather(*(one(body) for body in bodies))
            return time.monotonic() - since

    return {"items": len(bodies), "seconds": asyncio.run(post())}


def work(*, job: int, part_bytes: int = 0, unlimited: bool = False) -> dict[str, Any]:
    """Work on the job as a worker that comes after the lease of the dead has run out."""
    from django.conf import settings

    from apps.connectors.microsoft import governor
    from apps.recovery.restore import pace

    if unlimited:  # a bench would only measure the provider's limits, which we keep to
        pace.WINDOW_BYTES, governor.MAILBOX_REQUESTS = 10**15, 10**9  # type: ignore[misc]
    if part_bytes:
        settings.EXPORT_PART_BYTES = part_bytes
    with every_account("the test has one"):
        account_id = Job.objects.get(pk=job).account_id
        Job.objects.filter(pk=job).update(lease_until=clock.now() - timedelta(minutes=5))
    with account_scope(account_id):
        ending = runner.run(job)
        row = Job.objects.get(pk=job)
    return {
        "ending": ending, "state": row.state, "message": row.message, "done": row.items_done,
        "failed": row.items_failed, "total": row.items_total, "result": row.result,
    }  # fmt: skip


def outcomes(*, job: int) -> dict[str, Any]:
    """Return the ledger, and for an export what its parts hold; each part is tested as an archive."""
    from apps.recovery.exports.files import folder_of, parts_of

    with every_account("the test has one"):
        row = Job.objects.get(pk=job)
        written = list(JobItem.objects.filter(job=row).values_list("outcome", "written_id"))
        mails: list[str] = []
        names: list[str] = []
        for part in parts_of(row):
            with zipfile.ZipFile(folder_of(row) / part.name) as archive:
                assert archive.testzip() is None
                eml = [name for name in archive.namelist() if name.endswith(".eml")]
                names += eml
                mails += [hashlib.sha256(archive.read(name)).hexdigest() for name in eml]
        on_disk = sorted(path.name for path in folder_of(row).glob("*")) if row.result.get("parts") else []
        known = sorted(
            name
            for part in parts_of(row)
            for name in (part.name, f"{part.number}.items", f"{part.number}.list-1")
        )
        return {"written": written, "mails": mails, "names": names, "stray": on_disk != known}


def forgive(*, job: int) -> None:
    """Let the job live on: five deaths without a step forward would end it, and these are not its fault."""
    with every_account("the test has one"):
        Job.objects.filter(pk=job).update(attempts=0)
