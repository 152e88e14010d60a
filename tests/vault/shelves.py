"""An account with a vault in one folder and further folders to move and to replicate to."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from django.db import connection

from apps.accounts.models import User
from apps.core.scope import account_scope
from apps.jobs import runner
from apps.jobs.models import Job
from apps.vault.api import ContentPart, Role, open_reader
from apps.vault.models import Pack, Shelf, Store, VaultLease
from apps.vault.moving import move_start
from apps.vault.services import open_vault
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.writer import VaultWriter
from apps.vault.stores import operator_store
from tests.faults.store import Killed
from tests.jobs.conftest import signed_in

Kept = list[tuple[bytes, ContentPart]]
STORE_CALLS = ("put_if_absent", "get", "get_range", "size", "delete")


def second_store(folder: Path) -> Store:
    """Another store of the operator's."""
    return operator_store(folder.as_uri())


def back_up(account_id: int, seed: int = 1, *, packs: int = 3, shelf: int = 0) -> Kept:
    """Store some mails in so many packs."""
    vault = open_vault(account_id=account_id, shelf=shelf)
    writer = VaultWriter(vault.keys, vault.store, vault.index)
    rng, kept = random.Random(seed), []
    for _ in range(packs):
        mails = [rng.randbytes(rng.randint(50, 3_000)) for _ in range(4)]
        parts = writer.put_many([(Role.MIME, mail) for mail in mails])
        writer.flush()
        kept += list(zip(mails, parts, strict=True))
    return kept


def assert_all_is_readable(account_id: int, kept: Kept) -> None:
    assert list(open_reader(account_id).read_many([part for _, part in kept])) == [data for data, _ in kept]


def default_shelf(account_id: int) -> Shelf:
    return Shelf.objects.select_related("store", "replica").get(account_id=account_id, number=0)


def order_move(owner: User, target: Store, number: int = 0) -> Job:
    """Start a move as a person does."""
    with signed_in(owner), patch("celery.app.task.Task.apply_async"):
        return move_start(shelf=Shelf.objects.select_related("store").get(number=number), target=target)


def work_on(job: Job) -> Job:
    """Run the job as a worker would who comes after a dead one."""
    with account_scope(job.account_id):
        Job.objects.filter(pk=job.pk, state="running").update(lease_until="2000-01-01T00:00:00Z")
        VaultLease.objects.update(owner="", until=None)
        runner.run(job.pk)
        job.refresh_from_db()
    return job


def stores_of_packs(account_id: int) -> set[int]:
    with account_scope(account_id):
        return set(Pack.objects.filter(state=1).values_list("store_id", flat=True))


def objects_in(folder: Path) -> set[str]:
    """What lies in a folder, without its marker and without what says whose it is."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json")
    return {path.name for path in files if path.parent.name != "owners"}


@contextmanager
def dying_at(step: int) -> Iterator[list[int]]:
    """End the process at the n-th call of a store or statement of the database, counted together (0: never).

    Calls of a store are counted twice, so that the process ends once before and once after each.
    """
    counted = [0]

    def tick() -> None:
        counted[0] += 1
        if counted[0] == step:
            raise Killed

    def wrapped(name: str):  # type: ignore[no-untyped-def]
        original = getattr(LocalStore, name)

        def call(self, *args):  # type: ignore[no-untyped-def]
            tick()
            result = original(self, *args)
            tick()
            return result

        return call

    def statement(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        tick()
        return execute(sql, params, many, context)

    patches = [patch.object(LocalStore, name, wrapped(name)) for name in STORE_CALLS]
    with connection.execute_wrapper(statement):
        for each in patches:
            each.start()
        try:
            yield counted
        finally:
            for each in patches:
                each.stop()
