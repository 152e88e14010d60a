"""Bob's mailbox in the sandbox cloud, backed up for real, and a way to run jobs as a worker would."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.enums import ROLE_PERMISSIONS, Role
from apps.backups import engine
from apps.backups.enums import EntityState
from apps.backups.models import BackupTask, Entity, Snapshot
from apps.backups.selectors.points import point_of
from apps.connectors.enums import EntityKind, Service
from apps.connectors.microsoft import auth
from apps.connectors.microsoft.credentials import SecretCredential
from apps.connectors.services import connection_create_from_credentials
from apps.core import clock
from apps.core.actor import Actor, acting_as
from apps.core.scope import account_scope
from apps.jobs import runner
from apps.jobs.models import Job
from apps.notifications.sending import send_due
from apps.recovery.exports.start import export_start
from apps.recovery.models import Plan
from apps.recovery.restore.plan import plan_create, plan_make, plan_start
from apps.recovery.services import selection_change, selection_everything
from apps.sandbox.testing import SandboxCloud
from tests.cast import Cast
from tests.recovery.factories import mail


@pytest.fixture
def cloud(sandbox_cloud: SandboxCloud, settings: Any) -> SandboxCloud:
    """A fresh tenant that the portal takes for Microsoft; retries wait next to nothing."""
    auth._kept.clear()
    settings.MICROSOFT_LOGIN_URL = sandbox_cloud.login_url
    settings.MICROSOFT_GRAPH_URL = sandbox_cloud.graph_url
    settings.MICROSOFT_RETRY_SECONDS = 0.001
    return sandbox_cloud


@dataclass
class Office:
    """What a person at Pizza Perfecto can do: back up, choose, restore, export."""

    cloud: SandboxCloud
    task: BackupTask
    bob: Entity
    minutes: int = 0

    def back_up(self, entity: Entity | None = None) -> Snapshot:
        entity = entity or self.bob
        self.minutes += 1
        with clock.travel(clock.now() + timedelta(minutes=self.minutes)):
            Entity.objects.filter(pk=entity.pk).update(next_run_at=clock.now())
            verdict = engine.run_backup(account_id=entity.account_id, entity_id=entity.pk)
        assert verdict == "success", verdict
        return Snapshot.objects.filter(entity=entity).latest("number")

    def mailbox(self, address: str) -> Entity:
        found = Entity.objects.filter(address=address).first()
        return found or Entity.objects.create(
            account_id=self.task.account_id, task=self.task, remote_id=address, kind=EntityKind.USER_MAILBOX,
            name=address.split("@", maxsplit=1)[0], address=address, state=EntityState.ACTIVE,
        )  # fmt: skip

    def choose(self, snapshot: Snapshot, *, items: list[str] = [], folders: list[str] = []) -> None:  # noqa: B006
        if items or folders:
            selection_change(snapshot=snapshot, items=items, folders_on=folders)
        else:
            selection_everything(snapshot=snapshot)

    def plan(self, snapshot: Snapshot, mode: str, target: Entity | None = None) -> Plan:
        plan = plan_make(plan=plan_create(point=point_of(snapshot.run), target=target or self.bob, mode=mode))
        assert plan.state == "ready", plan.message
        return plan

    def restore(self, snapshot: Snapshot, mode: str, target: Entity | None = None) -> Job:
        return self.work(plan_start(plan=self.plan(snapshot, mode, target)))

    def export(self, snapshot: Snapshot) -> Job:
        return self.work(export_start(point=point_of(snapshot.run)))

    def work(self, job: Job) -> Job:
        runner.run(job.pk)
        send_due()
        job.refresh_from_db()
        return job

    def live(self, entity: Entity | None = None) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.cloud.export((entity or self.bob).remote_id)["messages"]
        return messages


@pytest.fixture
def office(
    cast: Cast, cloud: SandboxCloud, transactional_db: None, tmp_path: Any, settings: Any
) -> Iterator[Office]:
    """Olivia's office: one connection, one task, her own mailbox `bob` that is backed up."""
    settings.DATA_DIR = tmp_path
    rita = Actor("user", "Rita", cast.restorer.pk, ROLE_PERMISSIONS[Role.ADMINISTRATOR], services=None)
    with account_scope(cast.account.pk), acting_as(rita):
        connection = connection_create_from_credentials(
            tenant_id=cloud.tenant_id,
            client_id=cloud.manual.client_id,
            credential=SecretCredential(cloud.manual.secret),
        )
        task = BackupTask.objects.create(
            account=cast.account, connection=connection, service=Service.EXCHANGE, name="Mail"
        )
        office = Office(cloud, task, Entity(account_id=cast.account.pk))
        office.bob = office.mailbox(cloud.admin)
        for number in range(6):
            cloud.deliver(cloud.admin, mail(f"Order {number}", f"Flour, {number} bags."))
        yield office


Compare = Callable[[dict[str, Any]], tuple[Any, ...]]


def as_it_was(mail: dict[str, Any]) -> tuple[Any, ...]:
    """What has to be the same after a restore, wherever the message lies."""
    return (
        mail["subject"], mail["internetMessageId"], mail["received"], mail["isRead"], mail["isDraft"],
        mail["importance"], tuple(sorted(mail["categories"])), mail["flag"]["flagStatus"],
    )  # fmt: skip
