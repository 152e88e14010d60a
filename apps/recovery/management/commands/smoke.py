"""`manage.py smoke`: the whole main job against a real tenant, by the portal's own code and in its database.

Connect, discover, back up one mailbox, restore its newest messages into a new dated folder, read them back. It
works in an account of its own named "Smoke test", kept afterwards so that its runs and jobs can be looked at.
"""

import os
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from apps.accounts.models import Membership, User
from apps.accounts.selectors import actor_of
from apps.accounts.services import account_open
from apps.backups.enums import Verdict
from apps.backups.models import BackupTask, Entity, Snapshot
from apps.backups.selectors.browse import as_of
from apps.backups.selectors.points import point_of
from apps.backups.selectors.tree import folder_tree
from apps.backups.services.activation import activate
from apps.backups.services.discovery import discover
from apps.backups.services.runs import run_now
from apps.backups.services.tasks import create_task
from apps.connectors.enums import Service
from apps.connectors.services import connection_create_from_credentials, connection_test, credential_from
from apps.core.actor import Actor, acting_as
from apps.core.errors import EverkeepError
from apps.core.scope import account_scope
from apps.jobs.models import Job
from apps.jobs.runner import run as run_job

from ...choosing import newest
from ...enums import PlanState, RestoreMode
from ...restore.plan import plan_create, plan_make, plan_start
from ...services import selection_change

EMAIL = "smoke-test@everkeep.invalid"


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="directory (tenant) id")
        parser.add_argument("--client-id", required=True)
        proof = parser.add_mutually_exclusive_group(required=True)
        proof.add_argument("--secret-env", help="name of the variable that holds the client secret")
        proof.add_argument("--certificate", type=Path, help="PEM file with the certificate and its key")
        parser.add_argument("--mailbox", required=True, help="address of the mailbox to use")
        parser.add_argument("--items", type=int, default=10, help="how many of its newest messages to restore")

    def handle(self, *args: Any, **options: Any) -> None:
        actor, account_id = _smoke_tester()
        with account_scope(account_id), acting_as(actor):
            try:
                self._walk(options)
            except EverkeepError as error:
                raise CommandError(f"{type(error).__name__}: {error}") from error

    def _walk(self, options: dict[str, Any]) -> None:
        task = self._connect(options)
        entity = self._discover(task, options["mailbox"])
        snapshot = self._back_up(entity)
        self._restore(snapshot, options["items"])

    def _connect(self, options: dict[str, Any]) -> BackupTask:
        pem = options["certificate"].read_bytes() if options["certificate"] else b""
        secret = os.environ.get(options["secret_env"], "") if options["secret_env"] else ""
        connection = connection_create_from_credentials(
            tenant_id=options["tenant"],
            client_id=options["client_id"],
            credential=credential_from(secret=secret, pem=pem),
        )
        found = connection_test(connection)
        if not found.passed:
            raise CommandError(f"{found.what} {found.do}")
        self.stdout.write(f"1. Connected: the tenant is {found.tenant_name}.")
        return create_task(connection=connection, service=Service.EXCHANGE, name="Smoke test")

    def _discover(self, task: BackupTask, mailbox: str) -> Entity:
        task.refresh_from_db()
        assert task.discovering_since is not None
        discover(task_id=task.pk, since=task.discovering_since)
        task.refresh_from_db()
        found = Entity.objects.filter(task=task)
        self.stdout.write(f"2. Discovered {found.count()} mailboxes. {task.discovery_error}".rstrip())
        entity = found.filter(address__iexact=mailbox).first()
        if entity is None:
            raise CommandError(f"There is no mailbox {mailbox} among them.")
        activate(task=task, entities=found.filter(pk=entity.pk))
        return entity

    def _back_up(self, entity: Entity) -> Snapshot:
        verdict = run_now(entity=entity)
        entity.refresh_from_db()
        self.stdout.write(f"3. Backed up: {Verdict(verdict).label}. {entity.last_message}")
        snapshot = Snapshot.objects.filter(entity=entity).order_by("-number").first()
        if snapshot is None:
            raise CommandError("Nothing was committed.")
        self.stdout.write(f"   Snapshot {snapshot.number}: {snapshot.items} messages, {snapshot.size} bytes.")
        return snapshot

    def _restore(self, snapshot: Snapshot, count: int) -> None:
        state = as_of(snapshot)
        selection_change(snapshot=snapshot, items=newest(state, folder_tree(snapshot, state), count))
        plan = plan_make(
            plan=plan_create(point=point_of(snapshot.run), target=snapshot.entity, mode=RestoreMode.NEW_ROOT)
        )
        if plan.state != PlanState.READY:
            raise CommandError(plan.message)
        job = plan_start(plan=plan)
        run_job(job.pk)
        while (job := Job.objects.get(pk=job.pk)).is_open:
            time.sleep(1)  # a worker of this installation was quicker than we
        said = f"{job.items_done} restored and read back, {job.items_failed} failed"
        self.stdout.write(f"4. Restored into “{plan.root_name}”: {said}. {job.message}".rstrip())
        if job.items_done != job.items_total:
            raise CommandError("Not everything came back. The job's page names each message.")


def _smoke_tester() -> tuple[Actor, int]:
    """Return who acts and in which account; made at the first call, with a password that nobody has."""
    user = User.objects.filter(email=EMAIL).first() or account_open(
        account_name="Smoke test", location="de", name="Smoke test", email=EMAIL, password=os.urandom(32).hex()
    )
    membership = Membership.objects.get(user=user)
    actor = actor_of(membership)
    return actor, membership.account_id
