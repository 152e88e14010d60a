"""Shared mailboxes and rooms: found for what they are, backed up, browsed and restored like a person's."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.backups.enums import EntityState
from apps.backups.models import BackupTask, Entity
from apps.backups.selectors.points import point_of
from apps.backups.services.discovery import discover
from apps.connectors.documents import canonical
from apps.connectors.enums import EntityKind, SubService
from apps.connectors.writing import WriteItem
from apps.core import clock
from apps.recovery.restore.target import open_target
from tests.cast import Cast
from tests.recovery.conftest import Office
from tests.recovery.factories import mail
from tests.recovery.test_restore_kinds import BINS, SEEDS


@pytest.fixture(autouse=True)
def kinds() -> None:
    """Back up every kind."""


FOUND = {"Finance department": EntityKind.SHARED_MAILBOX, "Tasting room": EntityKind.ROOM_MAILBOX}


def test_they_are_found_backed_up_browsed_and_put_back(office: Office, cast: Cast, client: Client) -> None:
    since = clock.now()
    BackupTask.objects.filter(pk=office.task.pk).update(discovering_since=since)
    discover(task_id=office.task.pk, since=since)
    client.force_login(cast.restorer)
    entities = {each.name: each for each in Entity.objects.filter(name__in=FOUND)}
    assert {name: each.kind for name, each in entities.items()} == FOUND
    for entity in entities.values():
        there_and_back(office, client, entity)


def there_and_back(office: Office, client: Client, entity: Entity) -> None:
    Entity.objects.filter(pk=entity.pk).update(state=EntityState.ACTIVE)
    entity.refresh_from_db()
    office.cloud.deliver(entity.address, mail("Bill of the baker", "Forty rolls."))
    with open_target(entity) as live:
        calendar = live.items(SubService.CALENDARS)
        folder_id = next(each.remote_id for each in live.do(calendar.folders()))
        event = canonical(SEEDS[SubService.CALENDARS])
        live.do(calendar.write(WriteItem("seed", folder_id, event, b"")))
    snapshot = office.back_up(entity)
    kept = {each.sub_service: each.items for each in point_of(snapshot.run).snapshots}
    assert (kept["mail"] >= 1, kept["calendars"] >= 1) == (True, True), kept
    page: Any = client.get(reverse("recovery_browse", args=[snapshot.run.public_id]))
    assert "Bill of the baker" in page.content.decode()
    before = in_place(office, entity)
    with open_target(entity) as live:
        for each in office.live(entity):
            live.do(live.items(SubService.MAIL).remove(each["id"]))
    office.choose(snapshot)
    job = office.restore(snapshot, "skip", entity)
    assert (job.state, job.items_failed) == ("succeeded", 0), job.message
    assert in_place(office, entity) == before


def in_place(office: Office, entity: Entity) -> list[tuple[str, str]]:
    found = [(each["folder"], each["subject"]) for each in office.live(entity)]
    return sorted(each for each in found if not each[0].startswith(BINS))
