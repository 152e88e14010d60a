"""A real worker with beat, a real broker, a real database: what is due runs, and a kill loses nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal_settings
from django.db import connection as database

from apps.backups.enums import Verdict
from apps.backups.models import Entity, Run, Snapshot
from apps.backups.services.activation import activate
from apps.backups.services.discovery import discover
from apps.backups.services.tasks import create_task
from apps.connectors.enums import Service, SubService
from apps.connectors.microsoft.credentials import SecretCredential
from apps.connectors.services import connection_create_from_credentials
from apps.core import clock
from apps.core.actor import Actor, acting_as
from apps.core.scope import account_scope
from apps.sandbox.testing import SandboxCloud
from tests.cast import Cast
from tests.servers import redis, valkey

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.server,
    pytest.mark.database,
    pytest.mark.slow,
]
ROOT = Path(__file__).resolve().parents[2]


def _database_url() -> str:
    """Return the address of the database that this test process uses, for another process."""
    row = database.settings_dict
    if database.vendor == "sqlite":
        return f"sqlite:///{row['NAME']}"
    return f"postgres://{row['USER']}@{row['HOST']}:{row['PORT']}/{row['NAME']}"


@pytest.fixture
def worker_environment(sandbox_cloud: SandboxCloud, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings of a worker that shares this test's rows and cloud, with a broker of its own."""
    with ExitStack() as stack:
        broker = stack.enter_context(redis() if database.vendor == "postgresql" else valkey(tmp_path))
        yield {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "EVERKEEP_DATABASE_URL": _database_url(),
            "EVERKEEP_DATA": str(portal_settings.DATA_DIR),
            "EVERKEEP_VAULT_URL": portal_settings.VAULT_URL,
            "EVERKEEP_BROKER_URL": broker,
            "EVERKEEP_MICROSOFT_LOGIN_URL": sandbox_cloud.url,
            "EVERKEEP_MICROSOFT_GRAPH_URL": sandbox_cloud.url,
        }


class Worker:
    """A Celery worker with beat in a process group of its own."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.log = folder / "worker.log"
        command = [sys.executable, "-m", "celery", "--app", "config", "worker", "--beat", "--concurrency", "2"]
        options = ["--schedule", str(folder / "beat"), "--queues", "default,backup", "--loglevel", "warning"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *options], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


def _wait(for_it: Callable[[], bool], worker: Worker, seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while not for_it():
        tail = worker.log.read_text(errors="replace")[-3000:]
        assert worker.process.poll() is None and time.monotonic() < deadline, tail
        time.sleep(0.2)


def _due_mailbox(cast: Cast, cloud: SandboxCloud) -> Entity:
    """Connect the sandbox, find its mailboxes, and let one of them be due now."""
    with acting_as(Actor("user", label="Olivia", user_id=cast.owner.pk, services=None)):
        connection = connection_create_from_credentials(
            tenant_id=cloud.tenant_id,
            client_id=cloud.manual.client_id,
            credential=SecretCredential(cloud.manual.secret),
        )
        task = create_task(connection=connection, service=Service.EXCHANGE, name="Mail")
        task.refresh_from_db()
        assert task.discovering_since is not None
        discover(task_id=task.pk, since=task.discovering_since)
        due = Entity.objects.filter(task=task, licensed=True).order_by("name")[:1].get()
        activate(task=task, entities=Entity.objects.filter(pk=due.pk))
    Entity.objects.filter(pk=due.pk).update(next_run_at=clock.now())
    return due


def test_a_due_mailbox_is_backed_up_by_whichever_worker_lives(
    cast: Cast,
    sandbox_cloud: SandboxCloud,
    settings: Any,
    worker_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    settings.MICROSOFT_LOGIN_URL = settings.MICROSOFT_GRAPH_URL = sandbox_cloud.url
    with account_scope(cast.account.pk):
        due = _due_mailbox(cast, sandbox_cloud)
        sandbox_cloud.bulk(due.address, messages=400)
        sandbox_cloud.switch(latency_ms=100)
        first = Worker(worker_environment, tmp_path)
        try:
            _wait(lambda: Run.objects.filter(verdict=Verdict.RUNNING).exists(), first)
        finally:
            first.kill()
        assert not Snapshot.objects.exists()
        sandbox_cloud.switch(latency_ms=0)
        # The minute that the dead worker's lease lasts need not be waited for here.
        Entity.objects.filter(pk=due.pk).update(lease_until=clock.now())

        second = Worker(worker_environment, tmp_path)
        try:
            _wait(lambda: Run.objects.filter(entity=due, verdict=Verdict.SUCCESS).exists(), second)
        finally:
            second.kill()
        interrupted, finished = Run.objects.order_by("id")
        assert interrupted.verdict == Verdict.FAILED and "interrupted" in interrupted.message
        assert finished.verdict == Verdict.SUCCESS
        mail = Snapshot.objects.get(sub_service=SubService.MAIL)
        assert mail.items == len(sandbox_cloud.export(due.address)["messages"])
