"""A mailbox in the catalog, built by days: each `day` is one committed snapshot."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from apps.backups.enums import EntityState, Verdict
from apps.backups.models import BackupTask, Entity, NodeVersion, Run, Snapshot
from apps.backups.models.catalog import hash_of
from apps.connectors.documents import canonical
from apps.connectors.enums import CredentialKind, EntityKind, Service
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.scope import account_scope, current_account_id
from apps.jobs.enums import JobKind, JobState
from apps.jobs.models import Job
from apps.recovery.exports.files import folder_of
from apps.recovery.models import Plan, PlanPart
from apps.vault.api import Role, encode_content, open_writer
from tests.cast import Cast

FIRST_DAY = datetime(2026, 11, 1, 5, 0, tzinfo=UTC)


def make_entity(
    name: str = "Bob Smith", address: str = "bob.smith@pizza-perfecto.example", **fields: Any
) -> Entity:
    account_id = current_account_id()
    task = fields.pop("task", None) or make_task()
    return Entity.objects.create(
        account_id=account_id,
        task=task,
        remote_id=fields.pop("remote_id", address),
        kind=EntityKind.USER_MAILBOX,
        name=name,
        address=address,
        state=fields.pop("state", EntityState.ACTIVE),
        **fields,
    )


def make_task(name: str = "Mail and calendars") -> BackupTask:
    account_id = current_account_id()
    connection = Connection.objects.create(
        account_id=account_id, tenant_id="tenant-1", credential_kind=CredentialKind.CLIENT_SECRET
    )
    return BackupTask.objects.create(
        account_id=account_id, connection=connection, service=Service.EXCHANGE, name=name
    )


@dataclass
class Mailbox:
    """Writes versions of one kind of data straight into the catalog, as the engine would commit them."""

    entity: Entity
    sub_service: str = "mail"
    number: int = 0
    live: dict[str, NodeVersion] = field(default_factory=dict)
    run: Run | None = None

    @property
    def next(self) -> int:
        return self.number + 1

    def folder(self, remote_id: str, name: str, parent: str | None = None, well_known: str = "") -> str:
        self._put(remote_id, parent_id=parent, name=name, is_folder=True, well_known=well_known)
        return remote_id

    def item(self, remote_id: str, folder: str | None, name: str = "Hello", **fields: Any) -> str:
        fields.setdefault("time", FIRST_DAY)
        fields.setdefault("author", "Agata Brown")
        self._put(remote_id, parent_id=folder, name=name, is_folder=False, **fields)
        return remote_id

    def remove(self, remote_id: str) -> None:
        version = self.live.pop(remote_id)
        NodeVersion.objects.filter(pk=version.pk).update(gone=self.next)

    def move(self, remote_id: str, folder: str) -> None:
        version = self.live[remote_id]
        keep = ("name", "author", "recipients", "time", "size", "has_attachments", "etag", "content")
        self.item(remote_id, folder, **{name: getattr(version, name) for name in keep})

    def day(
        self, at: datetime | None = None, verdict: str = Verdict.SUCCESS, run: Run | None = None
    ) -> Snapshot:
        """Commit what was written since the last day; with `run` as a part of that run."""
        at = at or FIRST_DAY + timedelta(days=self.number)
        run = self._run() if run is None else self._join(run)
        Run.objects.filter(pk=run.pk).update(verdict=verdict, started_at=at, finished_at=at)
        items = [v for v in self.live.values() if not v.is_folder]
        totals: dict[str, list[int]] = {v.remote_id: [0, 0] for v in self.live.values() if v.is_folder}
        for item in items:
            total = totals.setdefault(item.parent_id or "", [0, 0])
            total[0], total[1] = total[0] + 1, total[1] + item.size
        self.number += 1
        self.run = None
        Entity.objects.filter(pk=self.entity.pk).update(
            last_snapshot_at=at,
            first_snapshot_at=self.entity.first_snapshot_at or at,
            last_verdict=verdict,
            items=len(items),
            size=sum(i.size for i in items),
        )
        self.entity.refresh_from_db()
        return Snapshot.objects.create(
            account_id=self.entity.account_id,
            entity=self.entity,
            run=run,
            sub_service=self.sub_service,
            number=self.number,
            taken_at=at,
            verdict=verdict,
            items=len(items),
            folders=len(totals),
            folder_totals=totals,
            size=sum(i.size for i in items),
        )

    def failed_day(self, at: datetime) -> Run:
        return Run.objects.create(
            account_id=self.entity.account_id, entity=self.entity, verdict=Verdict.FAILED, started_at=at
        )

    def _join(self, run: Run) -> Run:
        if self.run is not None:
            NodeVersion.objects.filter(run_id=self.run.pk).update(run_id=run.pk)
            self.run.delete()
        return run

    def _run(self) -> Run:
        if self.run is None:
            self.run = Run.objects.create(account_id=self.entity.account_id, entity=self.entity)
        return self.run

    def _put(self, remote_id: str, *, parent_id: str | None, name: str, **fields: Any) -> None:
        if remote_id in self.live:
            self.remove(remote_id)
        self.live[remote_id] = NodeVersion.objects.create(
            account_id=self.entity.account_id,
            entity_id=self.entity.pk,
            sub_service=self.sub_service,
            remote_hash=hash_of(remote_id),
            remote_id=remote_id,
            parent_hash=None if parent_id is None else hash_of(parent_id),
            parent_id=parent_id,
            name=name,
            first=self.next,
            run_id=self._run().pk,
            **fields,
        )


def make_plan(snapshot: Snapshot, **fields: Any) -> Plan:
    """A plan to restore the whole of one snapshot, back into its mailbox unless said otherwise."""
    target = fields.pop("target", snapshot.entity)
    plan = Plan.objects.create(
        account_id=snapshot.account_id, run=snapshot.run, source=snapshot.entity, target=target, **fields
    )
    PlanPart.objects.create(
        account_id=snapshot.account_id, plan=plan, snapshot=snapshot, user_id=plan.user_id, everything=True
    )
    return plan


def mail(subject: str = "Hello", body: str = "Good morning.", *, html: str = "", **headers: str) -> bytes:
    """A small message as a provider would serve it."""
    message = EmailMessage()
    message["From"] = headers.pop("sender", "Agata Brown <agata.brown@pizza-perfecto.example>")
    message["To"] = "Bob Smith <bob.smith@pizza-perfecto.example>"
    message["Subject"] = subject
    message["Date"] = "Sat, 14 Nov 2026 13:28:00 +0000"
    message["Message-ID"] = headers.pop("message_id", f"<{abs(hash(subject + body))}@pizza-perfecto.example>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    if html:
        message.add_alternative(html, subtype="html")
    return message.as_bytes()


def store(data: bytes) -> bytes:
    """Put bytes into the vault of the account in force; returns the content list of a catalog row."""
    with open_writer(current_account_id()) as writer:
        part = writer.put(Role.MIME, data)
        writer.flush()
    return encode_content([part])


def store_document(document: dict[str, Any], *files: bytes) -> bytes:
    """Put an item's fields and its files into the vault, as the engine does; returns its content list."""
    with open_writer(current_account_id()) as writer:
        parts = [writer.put(Role.PROPS, canonical(document))]
        parts += [writer.put(Role.ATTACHMENT, file) for file in files]
        writer.flush()
    return encode_content(parts)


def make_export(cast: Cast, data: bytes = b"PK-not-really-a-zip", **fields: Any) -> Job:
    """A finished export of the owner with one part on disk."""
    with account_scope(cast.account.pk):
        part = {
            "number": 1,
            "name": "bob_Exchange_20261120204400_1.zip",
            "size": len(data),
            "items": 1,
            "last": 1,
        }
        job = Job.objects.create(
            account=cast.account,
            kind=JobKind.EXPORT,
            service=Service.EXCHANGE,
            state=JobState.SUCCEEDED,
            entity_label="Bob Smith",
            initiator_id=cast.owner.pk,
            finished_at=fields.pop("finished_at", clock.now()),
            result={"parts": [part]},
            **fields,
        )
        folder_of(job).mkdir(parents=True)
        (folder_of(job) / str(part["name"])).write_bytes(data)
    return job
