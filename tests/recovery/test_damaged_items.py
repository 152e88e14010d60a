"""A message that the vault cannot read: named with what becomes of it, and no reason to stop the others."""

import csv
import io
import zipfile
from types import SimpleNamespace
from typing import cast as cast_type

import pytest
from django.test import Client
from django.urls import reverse

from apps.backups.damage import mark_items
from apps.backups.models import NodeVersion, Snapshot
from apps.backups.selectors.browse import AsOf, Node, node_key
from apps.connectors.enums import SubService
from apps.core.scope import account_scope
from apps.jobs.models import Job, JobItem
from apps.recovery.exports.files import folder_of, parts_of
from apps.recovery.reading import as_damage
from apps.vault.api import BlobMissing, decode_content
from apps.vault.enums import DamageState, FoundBy
from apps.vault.models import BlobLocation, Damage
from tests.cast import Cast
from tests.recovery.conftest import Office

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database, pytest.mark.server]


def break_one(snapshot: Snapshot) -> tuple[NodeVersion, bytes]:
    """Lose the bytes of one message; returns its version and the blob."""
    for row in NodeVersion.objects.filter(entity_id=snapshot.entity_id, is_folder=False).order_by("pk"):
        (part,) = decode_content(bytes(row.content))
        BlobLocation.objects.filter(account_id=row.account_id, blob_id=part.blobs[0]).delete()
        return row, part.blobs[0]
    raise AssertionError("the mailbox is empty")


def failed_items(job: Job) -> list[tuple[str, str, str]]:
    rows = JobItem.objects.filter(job=job, outcome="failed")
    return [(row.label, row.cause, row.message) for row in rows]


def test_an_export_names_it_and_holds_all_others(office: Office) -> None:
    snapshot = office.back_up()
    row, blob_id = break_one(snapshot)
    office.choose(snapshot)
    job = office.export(snapshot)
    assert job.state == "partial"
    ((label, cause, message),) = failed_items(job)
    assert (label, cause) == (row.name, "item_damaged")
    assert message.startswith("This message is damaged in the vault.")
    (part,) = parts_of(job)
    archive = zipfile.ZipFile(folder_of(job) / part.name)
    assert archive.testzip() is None
    listed = list(csv.DictReader(io.StringIO(archive.read("index/part-1.csv").decode("utf-8-sig"))))
    assert [line["Outcome"] for line in listed].count("Failed") == 1
    found = Damage.objects.get()
    assert (bytes(found.blob_id), found.found_by, found.state) == (
        blob_id, FoundBy.READING, DamageState.FOUND,
    )  # fmt: skip


def test_a_restore_names_it_and_brings_all_others_back(office: Office) -> None:
    snapshot = office.back_up()
    row, _ = break_one(snapshot)
    office.choose(snapshot)
    job = office.restore(snapshot, "new_root")
    assert job.state == "partial"
    assert job.items_done == job.items_total - 1
    ((label, cause, message),) = failed_items(job)
    assert (label, cause) == (row.name, "item_damaged")
    assert "damaged in the vault" in message


def test_the_preview_says_what_becomes_of_it(office: Office, cast: Cast) -> None:
    snapshot = office.back_up()
    row, blob_id = break_one(snapshot)
    client = Client()
    client.force_login(cast.owner)
    address = reverse("recovery_item", args=[snapshot.public_id, node_key(row.remote_id)])
    page = client.get(address).content.decode()
    assert "This message is damaged in the vault." in page
    assert "looked at again within the hour" in page
    with account_scope(snapshot.account_id):
        assert mark_items(snapshot.account_id, [blob_id])[blob_id] >= 1
    assert "It will be fetched again by the next backup." in client.get(address).content.decode()
    raw = client.get(reverse("recovery_message", args=[snapshot.public_id, node_key(row.remote_id)]))
    assert raw.status_code == 503, "no half message is ever handed out"


def test_an_item_is_called_what_it_is(cast: Cast) -> None:
    node = cast_type(Node, SimpleNamespace(remote_id="gone"))
    with account_scope(cast.account.pk):
        for sub_service, named in ((SubService.CALENDARS, "event"), (SubService.CONTACTS, "contact")):
            state = AsOf(cast.account.pk, 1, sub_service, 1, 1)
            error = as_damage(BlobMissing("Nothing is there.", blob_id=bytes(32)), state, node)
            assert str(error).startswith(f"This {named} is damaged in the vault.")
