"""The ledger on pages: what is uncovered is named, acknowledged by who may change tasks, and then green."""

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse

from apps.activity.models import Activity, SecurityEvent
from apps.backups.enums import IssueKind, Verdict
from apps.backups.exclusions import Exclusions
from apps.backups.models import BackupTask, CoverageGap, Entity, Run, RunIssue
from apps.core import clock
from apps.core.scope import account_scope
from tests.backups.makers import make_protected, make_run, make_snapshot
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def gap(entity: Entity, cause: str = "refused", place: str = "", **fields: object) -> CoverageGap:
    values = {"sub_service": "contacts", "label": "Contacts", "do": "Grant Contacts.Read.", "count": 1}
    return CoverageGap.objects.create(
        account_id=entity.account_id,
        entity=entity,
        place=place,
        place_hash=CoverageGap.hash_of_place(place),
        cause=cause,
        **{**values, **fields},
    )


def csv_of(client: Client, run: Run) -> list[list[str]]:
    answer = client.get(reverse("run_coverage_csv", args=[run.public_id]))
    return list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


def verdicts(task: BackupTask) -> list[str]:
    with account_scope(task.account_id):
        return list(Entity.objects.order_by("name").values_list("last_verdict", flat=True))


def test_one_word_for_all_mailboxes_makes_the_task_green_and_can_be_taken_back(
    task: BackupTask, cast: Cast, client: Client
) -> None:
    for name in ("Ann", "Ben"):
        gap(make_protected(task, name, Verdict.PARTIAL))
    gap(Entity.objects.get(name="Ben"), "malware", "inbox", label="Secret folder", sub_service="mail")
    client.force_login(cast.owner)
    address = reverse("task_coverage", args=[task.public_id])
    page = client.get(address).content.decode()
    assert "A permission is missing" in page
    assert "Grant Contacts.Read.</td>" in page
    act = reverse("task_gaps", args=[task.public_id])
    client.post(act, {"gap": "contacts:refused", "action": "acknowledge", "reason": "We need none"})
    assert verdicts(task) == ["success", "partial"], "Ben has another gap"
    with account_scope(task.account_id):
        known = CoverageGap.objects.filter(cause="refused")
        assert {(row.acknowledged_by, row.reason, row.acknowledged_count) for row in known} == {
            (Activity.objects.latest("id").actor_label, "We need none", 1)
        }
        assert Activity.objects.latest("id").code == "coverage.acknowledged"
    client.post(act, {"gap": "contacts:refused", "action": "reopen"})
    assert verdicts(task) == ["partial", "partial"]


def test_the_page_of_a_mailbox_names_gaps_and_limits_and_who_acknowledged_them(
    task: BackupTask, cast: Cast, client: Client
) -> None:
    ann = make_protected(task, "Ann", Verdict.PARTIAL)
    found = gap(ann, "malware", "inbox", label="Secret folder", sub_service="mail", do="")
    client.force_login(cast.owner)
    address = reverse("entity", args=[ann.public_id])
    page = client.get(address).content.decode()
    assert "Secret folder" in page
    assert "Public folders" in page
    assert "In-place archive" in page
    client.post(reverse("entity_gaps", args=[ann.public_id]), {"gap": str(found.public_id), "reason": "Known"})
    assert "Acknowledged" in client.get(address).content.decode()
    with account_scope(task.account_id):
        entry = SecurityEvent.objects.get(code="coverage.acknowledged")
        assert entry.description.startswith("Ann: A folder: ")
        shown = {key: value for key, value in entry.details.items() if key != "content"}
        assert "Secret" not in str(shown) and entry.details["content"] == "Secret folder"
    assert verdicts(task) == ["success"]
    client.force_login(cast.viewer)
    page = client.get(address).content.decode()
    assert "Secret folder" not in page
    assert "Name hidden" in page


def test_the_ledger_of_a_run_says_n_of_m_by_cause_as_a_page_and_as_csv(
    task: BackupTask, cast: Cast, client: Client
) -> None:
    run = make_run(make_protected(task, "Ann"), verdict=Verdict.PARTIAL)
    coverage = {"inbox": {"expected": 12, "captured": 9, "skipped": 2, "skipped malware": 2, "failed": 1}}
    make_snapshot(run, coverage=coverage)
    RunIssue.objects.create(
        account_id=task.account_id,
        run=run,
        entity=run.entity,
        sub_service="contacts",
        kind=IssueKind.FAILED,
        remote_id="",
        what="A permission is missing.",
        do="Grant Contacts.Read.",
    )
    client.force_login(cast.owner)
    page = client.get(reverse("run_coverage", args=[run.public_id])).content.decode()
    assert "1 failed, 2 skipped" in page
    assert "Contacts are not in this backup." in page
    assert "Public folders" in page
    lines = csv_of(client, run)
    assert {len(line) for line in lines} == {11}
    assert lines[1][:8] == [
        "Mail", "Folder without a name", "1 failed, 2 skipped", "9", "12", "1", "2",
        "Marked as malware by the provider: 2",
    ]  # fmt: skip
    assert lines[2][:2] == ["Contacts", "Everything"]
    client.force_login(cast.viewer)
    assert not any("Folder without a name" in line for line in csv_of(client, run))


def test_what_a_rule_leaves_out_is_said_to_be_that_and_asks_for_nothing(
    task: BackupTask, cast: Cast, client: Client
) -> None:
    BackupTask._base_manager.update(exclusions=Exclusions(larger_than=1).to_json())
    ann = make_protected(task, "Ann", items=2)
    run = make_run(ann, verdict=Verdict.SUCCESS)
    coverage = {"inbox": {"expected": 4, "captured": 1, "skipped": 3, "skipped excluded": 2, "skipped gone": 1}}
    make_snapshot(run, coverage=coverage)
    gap(
        ann,
        "excluded",
        "inbox",
        label="Inbox",
        sub_service="mail",
        by_default=True,
        acknowledged_at=clock.now(),
    )
    client.force_login(cast.owner)
    lines = csv_of(client, run)
    assert lines[1][2:9] == [
        "1 skipped, 2 left out by rule", "1", "4", "0", "1", "Deleted while the backup ran: 1", "2",
    ]  # fmt: skip
    assert ["Items larger than 1 MB", "A rule of the backup task leaves this out."] in [
        [line[0], line[-1]] for line in lines
    ]
    page = client.get(reverse("entity", args=[ann.public_id])).content.decode()
    assert 'value="acknowledge"' not in page, "there is nothing to choose"
    listed = client.get(reverse("task", args=[task.public_id])).content.decode()
    assert "2 items kept" in listed and "All 2 items" not in listed


def test_why_a_folder_was_not_read_stands_in_the_ledger(task: BackupTask, cast: Cast, client: Client) -> None:
    run = make_run(make_protected(task, "Ann"), verdict=Verdict.PARTIAL)
    make_snapshot(run, coverage={"archive": {"unread": 1, "captured": 0}})
    RunIssue.objects.create(
        account_id=task.account_id, run=run, entity=run.entity, sub_service="mail", kind=IssueKind.FAILED,
        remote_id="archive", what="The in-place archive could not be read.", do="Consent to User.Read.All.",
    )  # fmt: skip
    client.force_login(cast.owner)
    state, do = csv_of(client, run)[1][2::8]
    assert state == "Not read to its end: The in-place archive could not be read."
    assert do == "Consent to User.Read.All."
    page = client.get(reverse("run_coverage", args=[run.public_id])).content.decode()
    assert "The in-place archive could not be read. Consent to User.Read.All." in page


def test_mailboxes_with_different_things_to_do_are_not_all_told_the_same(
    task: BackupTask, cast: Cast, client: Client
) -> None:
    for name, do in (("Ann", "Consent."), ("Ben", "Switch it off.")):
        gap(make_protected(task, name, Verdict.PARTIAL), "folder", "archive", sub_service="mail", do=do)
    client.force_login(cast.owner)
    page = client.get(reverse("task_coverage", args=[task.public_id])).content.decode()
    assert "See the page of each mailbox" in page and "Switch it off." not in page
