"""A mailbox of any size and age, and the times of its pages, for the bench."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.backups.models import Entity, NodeVersion, Run, Snapshot
from apps.backups.models.catalog import hash_of
from apps.backups.selectors import browse, tree
from apps.backups.selectors.browse import Sort
from apps.core.bulk import insert_rows

START = datetime(2026, 1, 1, tzinfo=UTC)
_COLUMNS = (
    "account_id", "entity_id", "sub_service", "remote_hash", "remote_id", "parent_hash", "parent_id",
    "is_folder", "well_known", "name", "author", "recipients", "time", "size", "has_attachments", "etag",
    "props", "content", "first",
    "gone", "run_id",
)  # fmt: skip


def fill(entity: Entity, *, items: int = 100_000, snapshots: int = 30, seed: int = 7) -> list[Snapshot]:
    """Give the entity one folder that holds `items` at the end, and a history in which 1 % changes a day."""
    assert NodeVersion._meta.db_table == "node_version"
    run = Run.objects.create(account_id=entity.account_id, entity=entity)
    with transaction.atomic():
        insert_rows(NodeVersion, _COLUMNS, _rows(entity, run.pk, items, snapshots, random.Random(seed)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE node_version" if connection.vendor == "postgresql" else "ANALYZE")
    return [
        Snapshot.objects.create(
            account_id=entity.account_id, entity=entity, run=run, sub_service="mail", number=number,
            items=items, folders=1, taken_at=START + timedelta(days=number), verdict="success",
            folder_totals={"inbox": [items, items * 15_000]},
        )
        for number in range(1, snapshots + 1)
    ]  # fmt: skip


def _rows(
    entity: Entity, run_id: int, items: int, snapshots: int, rng: random.Random
) -> Iterator[tuple[Any, ...]]:
    def row(remote_id: str, folder: str | None, name: str, at: datetime | None, *span: int | None) -> Any:
        first, gone = span
        when = at.isoformat(sep=" ")[:19] if at and connection.vendor == "sqlite" else at
        hashed = None if folder is None else hash_of(folder)
        known = "inbox" if folder is None else ""
        author, size = f"Author {rng.randrange(500)}", rng.randrange(2_000, 90_000)
        return (
            entity.account_id, entity.pk, "mail", hash_of(remote_id), remote_id,
            hashed, folder, folder is None, known, name, author, "bob@pizza-perfecto.example", when, size,
            rng.random() < 0.2, "e", b"{}", b"\0" * 40, first, gone, run_id,
        )  # fmt: skip

    yield row("inbox", None, "Inbox", None, 1, None)
    for number in range(items):
        remote_id = f"AAMkAGI2-{number:0100d}"
        first = 1 if rng.random() < 0.7 else rng.randrange(1, snapshots + 1)
        at = START - timedelta(minutes=items - number) if first == 1 else START + timedelta(days=first - 1)
        if rng.random() < 0.01 * snapshots and first < snapshots:  # read, flagged or moved meanwhile
            changed = rng.randrange(first + 1, snapshots + 1)
            yield row(remote_id, "inbox", f"Subject {number % 997}", at, first, changed)
            first = changed
        yield row(remote_id, "inbox", f"Subject {number % 997}", at, first, None)


def page_times(snapshots: list[Snapshot], *, rounds: int = 3) -> list[float]:
    """Return milliseconds of tree and page together for old and new days, all orders, first and later pages."""
    times = []
    for _ in range(rounds):
        for snapshot in (snapshots[0], snapshots[len(snapshots) // 2], snapshots[-1]):
            for sort in Sort:
                after = None
                for _page in range(3):
                    began = time.perf_counter()
                    state = browse.as_of(snapshot)
                    tree.folder_tree(snapshot, state)
                    page = browse.folder_page(state, "inbox", sort=sort, after=after)
                    browse.no_longer_there(state, page.nodes)
                    times.append((time.perf_counter() - began) * 1_000)
                    after = page.next
    return times
