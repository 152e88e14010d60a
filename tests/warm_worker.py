"""A worker process that can be killed at any moment and is back at once.

`WarmWorker` starts `python -m tests.warm_worker` on a data folder of its own (SQLite file, local vault). That
process loads Everkeep once; each order runs in a forked child, so a SIGKILL takes a real process in the
middle of real work, and the next order meets only what is on the disk.
"""

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Done:
    """How an order ended. `answer` is None when the child was killed; times in seconds, `rss` in bytes."""

    killed: bool
    answer: Any
    seconds: float
    cpu: float
    rss: int


class WarmWorker:
    """Orders are the functions below; see `order`."""

    def __init__(self, data: Path, cloud_url: str, **environment: str) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("EVERKEEP_", "DJANGO_"))}
        settings = {
            "DJANGO_SETTINGS_MODULE": "config.settings.embedded",
            "EVERKEEP_DATA": str(data),
            "EVERKEEP_MICROSOFT_LOGIN_URL": cloud_url,
            "EVERKEEP_MICROSOFT_GRAPH_URL": cloud_url,
            "EVERKEEP_DEBUG": "false",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_worker"],
            cwd=ROOT,
            env=clean | settings | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def order(self, name: str, *, kill_after: float | None = None, **arguments: Any) -> Done:
        """Have a child do something; with `kill_after` seconds it is killed unless it has ended before."""
        return self.orders([(name, arguments)], kill_after=kill_after)[0]

    def orders(
        self, orders: list[tuple[str, dict[str, Any]]], *, kill_after: float | None = None
    ) -> list[Done]:
        """Have several children work at the same time."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"orders": orders, "kill_after": kill_after}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the worker ended with {self._process.wait()}"
        done = [Done(**each) for each in json.loads(line)]
        for each in done:
            if isinstance(each.answer, dict) and "error" in each.answer:
                raise AssertionError(each.answer["error"])
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


# What runs in the worker.


def prepare(*, mailbox: str, tenant: str, client: str, secret: str) -> None:
    """Make the database, an account and one active mailbox."""
    from django.core.management import call_command

    from apps.accounts.models import Account
    from apps.backups.enums import EntityState
    from apps.backups.models import BackupTask, Entity
    from apps.connectors.enums import EntityKind, Service
    from apps.connectors.microsoft.credentials import SecretCredential
    from apps.connectors.services import connection_create_from_credentials
    from apps.core.scope import account_scope

    call_command("migrate", verbosity=0)
    account = Account.objects.create(name="Pizza Perfecto", location="DE")
    with account_scope(account.pk):
        connection = connection_create_from_credentials(
            tenant_id=tenant, client_id=client, credential=SecretCredential(secret)
        )
        task = BackupTask.objects.create(
            account=account, connection=connection, service=Service.EXCHANGE, name="Mail"
        )
        Entity.objects.create(
            account=account, task=task, remote_id=mailbox, kind=EntityKind.USER_MAILBOX, name=mailbox,
            address=mailbox, state=EntityState.ACTIVE,
        )  # fmt: skip


def backup(
    *, minutes: float = 0, limits: dict[str, Any] | None = None, window: int | None = None
) -> dict[str, Any]:
    """Back up, `minutes` from now (leases of the dead have run out by then).

    `window` replaces how many requests per mailbox our governor allows in ten minutes: a bench of 20,000 mails
    would only measure its patience.
    """
    from datetime import timedelta

    from apps.backups.engine import run_backup
    from apps.backups.engine.context import Limits
    from apps.backups.models import Entity, Run
    from apps.connectors.microsoft import governor
    from apps.core import clock
    from apps.core.scope import account_scope, every_account

    if window is not None:
        governor.MAILBOX_REQUESTS = window  # type: ignore[misc]
    with every_account("the test has one"):
        entity = Entity.objects.get()
    with account_scope(entity.account_id), clock.travel(clock.now() + timedelta(minutes=minutes)):
        Entity.objects.update(next_run_at=clock.now())
        verdict = run_backup(account_id=entity.account_id, entity_id=entity.pk, limits=Limits(**limits or {}))
        run = Run.objects.order_by("id").last() or Run()  # another process may have claimed and not begun
    return {"verdict": verdict, "message": run.message, "stored": run.items_stored, "calls": run.calls}


def state(*, number: int) -> dict[str, Any]:
    """Return a snapshot: folders by id, and mails by id with the SHA-256 of what the vault gives back."""
    import hashlib

    from django.db.models import Q

    from apps.backups.models import NodeVersion, Snapshot
    from apps.core.scope import every_account
    from apps.vault.api import decode_content, open_reader

    with every_account("the test has one"):
        snapshot = Snapshot.objects.get(number=number)
        visible = NodeVersion.objects.filter(Q(gone__isnull=True) | Q(gone__gt=number), first__lte=number)
        reader = open_reader(snapshot.account_id)
        folders, mails = [], []
        for row in visible.order_by("id"):
            if row.is_folder:
                folders.append([row.remote_id, row.parent_id, row.name])
                continue
            (part,) = decode_content(bytes(row.content))
            digest = hashlib.sha256(reader.read(part)).hexdigest()
            mails.append([row.remote_id, row.parent_id, row.name, digest, json.loads(bytes(row.props))])
    return {"folders": folders, "mails": mails, "items": snapshot.items, "totals": snapshot.folder_totals}


def audit() -> dict[str, Any]:
    """Return what must never be: versions that overlap or wait for a snapshot, and runs without an end."""
    from apps.backups.models import NodeVersion, Run, Snapshot
    from apps.core.scope import every_account

    with every_account("the test has one"):
        last = max(Snapshot.objects.values_list("number", flat=True), default=0)
        lives: dict[str, list[tuple[int, int]]] = {}
        for remote_id, first, gone in NodeVersion.objects.values_list("remote_id", "first", "gone"):
            lives.setdefault(remote_id, []).append((first, gone or 10**9))
        overlaps = [
            remote_id
            for remote_id, spans in lives.items()
            for before, after in zip(sorted(spans), sorted(spans)[1:], strict=False)
            if before[1] > after[0]
        ]
        return {
            "snapshots": sorted(Snapshot.objects.values_list("number", flat=True)),
            "overlaps": overlaps,
            "invisible": NodeVersion.objects.filter(first__gt=last).count(),
            "future_ends": NodeVersion.objects.filter(gone__gt=last).count(),
            "versions": NodeVersion.objects.count(),
            "running": Run.objects.filter(verdict="running").count(),
            "interrupted": Run.objects.filter(message__contains="interrupted").count(),
        }


def bare(**arguments: Any) -> dict[str, int]:
    """Fetch a mailbox with a bare client and keep nothing, to compare with."""
    from tests.bench.bare import fetch_all

    return fetch_all(**arguments)


ORDERS = {"prepare": prepare, "backup": backup, "state": state, "audit": audit, "bare": bare}


def main() -> None:
    import django

    django.setup()
    from apps.backups import tasks  # noqa: F401 - loaded before the forks
    from apps.connectors import services  # noqa: F401
    from apps.vault import api  # noqa: F401
    from tests.bench import bare  # noqa: F401
    from tests.only_mail import keep_to

    keep_to(*os.environ.get("EVERKEEP_TEST_KINDS", "mail").split())

    for line in sys.stdin:
        wanted = json.loads(line)
        children = [_fork(name, arguments) for name, arguments in wanted["orders"]]
        done = [_await(*child, kill_after=wanted["kill_after"]) for child in children]
        print(json.dumps(done), flush=True)  # noqa: T201


def _order(name: str) -> Any:
    """Orders of other apps are named `module:function`."""
    module, _, function = name.rpartition(":")
    return getattr(importlib.import_module(module), function) if module else ORDERS[name]


def _fork(name: str, arguments: dict[str, Any]) -> tuple[int, int, float]:
    reading, writing = os.pipe()
    started = time.monotonic()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading, started
    os.close(reading)
    os.dup2(2, 1)  # the parent's answers are the only thing on its standard output
    try:
        answer = json.dumps(_order(name)(**arguments))
    except BaseException:
        import traceback

        answer = json.dumps({"error": traceback.format_exc()})
    with os.fdopen(writing, "w") as pipe:
        pipe.write(answer)
    os._exit(0)


def _await(child: int, reading: int, started: float, *, kill_after: float | None) -> dict[str, Any]:
    killed = False
    if kill_after is not None and not select.select([reading], [], [], kill_after)[0]:
        os.kill(child, signal.SIGKILL)
        killed = True
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    _, _, usage = os.wait4(child, 0)
    return {
        "killed": killed,
        "answer": json.loads(text) if text and not killed else None,
        "seconds": time.monotonic() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "rss": usage.ru_maxrss * 1024,
    }


if __name__ == "__main__":
    main()
