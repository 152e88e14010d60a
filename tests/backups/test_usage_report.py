"""The usage report: every mailbox of every task, whether it is covered, and who may have the file."""

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from apps.backups.enums import EntityState, GapCause, Verdict
from apps.backups.models import BackupTask, CoverageGap, Entity
from apps.backups.services import tags
from apps.backups.usage import job as usage
from apps.backups.usage.rows import STATES, WHY_NOT, usage_rows
from apps.core import clock
from apps.core.streams import as_now
from apps.jobs.models import Job
from apps.jobs.runner import run as run_job
from tests.cast import Cast

from .makers import make_mailbox, make_protected, make_task


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    return client


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, settings: object) -> None:
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]


def make_gap(entity: Entity, count: int, **fields: object) -> None:
    values: dict[str, object] = {"sub_service": "mail", "place_hash": count, "cause": GapCause.FAILED}
    CoverageGap.objects.create(account_id=entity.account_id, entity=entity, count=count, **values | fields)


def read(text: str) -> dict[str, dict[str, str]]:
    """The file as a spreadsheet program reads it, by name."""
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text[1:], newline="")))
    return {row["Name"]: row for row in rows}


def test_each_mailbox_says_whether_it_is_covered_and_why_not(olivia: Client, task: BackupTask) -> None:
    make_protected(task, "Agata Brown", size=3_910_000_000)
    make_gap(make_protected(task, "Bob Smith", Verdict.PARTIAL, licensed=False), 2)
    make_gap(make_protected(task, "Ida Taylor"), 3, acknowledged_at=clock.now())
    make_gap(make_protected(task, "Jo Provider"), 9, by_default=True, acknowledged_at=clock.now())
    ruled = {"cause": GapCause.EXCLUDED, "by_default": True, "acknowledged_at": clock.now()}
    make_gap(by_rule := make_protected(task, "Ruth Rule"), 30, **ruled)
    make_gap(by_rule, 1, sub_service="contacts", what="A rule leaves this kind of data out.", **ruled)
    make_protected(task, "Rosa Late", last_snapshot_at=clock.now() - timedelta(days=3))
    make_mailbox(task, "Linda Fuller", state=EntityState.ARCHIVED)
    make_mailbox(task, "Max Gone", state=EntityState.DELETING)
    make_mailbox(make_task(task.connection, name="Other"), "Info", licensed=None)
    kitchen = tags.tag_create(name="Kitchen")
    tags.tag_apply(task=task, entities=Entity.objects.filter(name="Agata Brown"), tag=kitchen)
    rows = read(olivia.get(reverse("usage_csv")).getvalue().decode())
    assert {name: row["Covered"] for name, row in rows.items()} == {
        "Agata Brown": "yes",
        "Bob Smith": "no",
        "Ida Taylor": "except acknowledged gaps",
        "Jo Provider": "yes",
        "Ruth Rule": "except what a rule leaves out",
        "Rosa Late": "no",
        "Linda Fuller": "no",
        "Max Gone": "no",
        "Info": "no",
    }
    agata, bob = rows["Agata Brown"], rows["Bob Smith"]
    assert (agata["Size in bytes"], agata["Tags"], agata["Licence"]) == ("3910000000", "Kitchen", "licensed")
    assert (bob["Licence"], bob["Open gaps"]) == ("unlicensed", "Items that could not be read: 2")
    assert [rows[name]["Left out by rule"] for name in ("Ruth Rule", "Agata Brown")] == [
        "Items: 30; whole kinds of data: 1",
        "",
    ]
    assert rows["Rosa Late"]["Not covered because"] == "The last good backup is too old"
    assert (rows["Linda Fuller"]["Status"], rows["Info"]["Status"]) == ("archived", "inactive")
    assert rows["Info"]["Task"] == "Other"
    assert set(STATES) == {*WHY_NOT, EntityState.ACTIVE} == set(EntityState), "no words for a state"


def test_no_name_becomes_a_formula_and_every_letter_arrives(olivia: Client, task: BackupTask) -> None:
    make_mailbox(task, '=HYPERLINK("http://evil.example","x")', remote_id="r1")
    make_mailbox(task, 'Zoë "Zo", Łódź\nline', remote_id="r2")
    text = olivia.get(reverse("usage_csv")).getvalue().decode()
    names = set(read(text))
    assert names == {'\'=HYPERLINK("http://evil.example","x")', 'Zoë "Zo", Łódź\nline'}


def test_each_sees_in_the_report_what_they_see_in_the_lists(
    client: Client, cast: Cast, task: BackupTask
) -> None:
    make_mailbox(task, "Agata Brown")
    make_mailbox(task, "Board", limited=True)
    client.force_login(cast.viewer)
    assert set(read(client.get(reverse("usage_csv")).getvalue().decode())) == {"Agata Brown"}
    client.force_login(cast.custom)
    assert read(client.get(reverse("usage_csv")).getvalue().decode()) == {}


def test_many_mailboxes_are_read_in_batches(
    task: BackupTask, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr("apps.backups.usage.rows.BATCH", 5)
    for number in range(13):
        make_mailbox(task, f"Name {number % 4}", remote_id=f"r{number}")
    with django_assert_num_queries(1 + 3 * 3 + 2):  # tasks; rows, tags and gaps of each; where the next begin
        rows = list(usage_rows(as_now()))
    assert len(rows) == 13


def test_an_ordered_report_comes_by_mail_and_is_for_its_orderer_alone(
    olivia: Client,
    cast: Cast,
    task: BackupTask,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    make_mailbox(task, "Agata Brown")
    olivia.post(reverse("usage_order"))
    job = Job.objects.get(kind="usage")
    with django_capture_on_commit_callbacks(execute=True):
        assert run_job(job.pk) == "succeeded"
    address = reverse("usage_file", args=[job.public_id])
    assert mail.outbox[-1].to == [cast.owner.email] and address in mail.outbox[-1].body
    assert set(read(olivia.get(address).getvalue().decode())) == {"Agata Brown"}
    assert address in olivia.get(reverse("job", args=[job.public_id])).text
    other = Client()
    other.force_login(cast.viewer)
    assert other.get(address).status_code == 404
    Job.objects.update(finished_at=clock.now() - usage.VALID_FOR)
    assert olivia.get(address).status_code == 404
    Job.objects.update(finished_at=clock.now(), result={"seen": "of less"})
    assert olivia.get(address).status_code == 404
    assert usage.delete_usage(cast.account.pk).proof == {"files": 1}


def test_an_ordered_report_names_nobody_who_is_hidden_from_its_orderer_since(
    client: Client, cast: Cast, task: BackupTask
) -> None:
    agata = make_mailbox(task, "Agata Brown")
    make_mailbox(task, "Board", limited=True)
    client.force_login(cast.viewer)
    client.post(reverse("usage_order"))
    job = Job.objects.get(kind="usage")
    assert run_job(job.pk) == "succeeded"
    address = reverse("usage_file", args=[job.public_id])
    assert set(read(client.get(address).getvalue().decode())) == {"Agata Brown"}
    Entity.objects.filter(pk=agata.pk).update(limited=True)
    assert client.get(address).status_code == 404
