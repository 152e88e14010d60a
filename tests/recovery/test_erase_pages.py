"""Erasing from a selection: the question, the certificate, the second person; legal holds on single items."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.models import Account, Approval, Membership
from apps.backups.erasure.work import look_after_erasures
from apps.backups.models import ErasedPlace, Erasure, HeldPart, Hold, NodeVersion, Snapshot
from apps.backups.models.catalog import key_of
from apps.backups.registry import ErasedVersions, erase_elsewhere
from apps.backups.retention.night import night
from apps.backups.retention.rules import KeepFor, Rule, Unit
from apps.backups.selectors.browse import node_key
from apps.core import clock
from apps.core.scope import account_scope
from apps.jobs.enums import JobKind, JobState
from apps.jobs.models import Job, JobItem
from apps.recovery.drill.report import verified
from apps.recovery.exports.files import folder_of
from apps.recovery.models import BeforeState, Selection
from apps.vault.api import decode_content
from tests.cast import Cast, member, prove_again
from tests.recovery.factories import Mailbox, mail, make_entity, make_plan, store

pytestmark = pytest.mark.django_db
HOURS = timedelta(hours=6)


@pytest.fixture
def backup(cast: Cast) -> Iterator[Snapshot]:
    """Twelve days of a mailbox with three messages; what is selected are two of them."""
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox", well_known="inbox")
        for name in ("My knee", "My back", "Lunch"):
            letter = mail(name)
            box.item(name, "inbox", name, content=store(letter), size=len(letter))
        for number in range(12):
            snapshot = box.day(at=clock.now() - timedelta(days=40 - number))
        keys = [node_key("My knee"), node_key("My back")]
        Selection.objects.create(account=cast.account, snapshot=snapshot, user_id=cast.owner.pk, items=keys)
        yield snapshot


def address(snapshot: Snapshot) -> str:
    page = reverse("recovery_erase", args=[snapshot.entity.public_id])
    return f"{page}?point={snapshot.run.public_id}"


def ask(client: Client, snapshot: Snapshot, **more: object) -> str:
    body = {"item": [f"mail:{key_of(name)}" for name in ("My knee", "My back")], "reason": "Request 7", **more}
    answer = client.post(reverse("recovery_erase", args=[snapshot.entity.public_id]), body)
    return answer.get("Location", "") or answer.content.decode()


def test_it_is_asked_hidden_taken_back_and_certified_without_names(
    client: Client, cast: Cast, backup: Snapshot
) -> None:
    selection = reverse("recovery_selection", args=[backup.run.public_id])
    restorer = member(cast.account, "rita@pizza-perfecto.example", Role.RESTORE_OPERATOR)
    client.force_login(restorer)
    assert "Erase…" not in client.get(selection).content.decode()
    assert client.get(address(backup)).status_code == 403
    client.force_login(cast.owner)
    assert "Erase…" in client.get(selection).content.decode()
    assert client.get(address(backup))["Location"].startswith(reverse("sudo"))
    prove_again(client)
    page = client.get(address(backup)).content.decode()
    assert "My knee" in page and "Type <b>erase 2 items of Mail</b>" in page and "Lunch" not in page
    assert "exactly the same words" in ask(client, backup, typed="yes")
    assert "Say why" in ask(client, backup, typed="erase 2 items of mail", reason=" ")
    certificate = ask(client, backup, typed="erase 2 items of mail")
    erasure = Erasure.objects.get()
    assert certificate == reverse("erasure", args=[erasure.public_id])
    browse = reverse("recovery_browse", args=[backup.run.public_id])
    assert "My knee" not in client.get(browse).content.decode()
    assert client.get(reverse("recovery_item", args=[backup.public_id, key_of("My knee")])).status_code == 404
    assert "left to take it back" in client.get(certificate).content.decode()
    client.force_login(cast.viewer)
    assert "My knee" not in client.get(certificate).content.decode(), "names are for who may see contents"
    file = client.get(reverse("erasure_file", args=[erasure.public_id])).content.decode()
    said = verified(file)
    assert said["what"]["Mail"]["ids"] == sorted([key_of("My knee"), key_of("My back")])
    assert "My knee" not in file and said["ordered"]["by"] == "Olivia Romano"
    client.force_login(cast.owner)
    assert client.post(reverse("erasure_cancel", args=[erasure.public_id])).status_code == 302
    assert "My knee" in client.get(browse).content.decode()
    assert "Taken back" in client.get(reverse("erasures")).content.decode()


def test_under_the_two_person_rule_nothing_is_hidden_before_a_second_one_agrees(
    client: Client, cast: Cast, backup: Snapshot
) -> None:
    anna = member(cast.account, "anna@pizza-perfecto.example", Role.ADMINISTRATOR, name="Anna")
    Membership.objects.filter(user=anna).update(standing_since=clock.now() - timedelta(days=30))
    Account.objects.filter(pk=cast.account.pk).update(two_person=True)
    client.force_login(cast.owner)
    prove_again(client)
    assert ask(client, backup, typed="erase 2 items of mail") == reverse("approvals")
    assert not Erasure.objects.exists()
    approval = Approval.objects.get()
    assert "2 items of Mail of Bob Smith" in approval.words and "knee" not in approval.words
    assert "knee" not in json.dumps(approval.payload)
    Approval.objects.update(opens_at=clock.now())
    client.force_login(anna)
    prove_again(client)
    said = {"do": "approve", "read": approval.words}
    client.post(reverse("approval_settle", args=[approval.public_id]), said)
    erasure = Erasure.objects.get()
    assert (erasure.ordered_by, erasure.approved_by) == ("Olivia Romano", "Anna")


def test_a_hold_on_an_item_keeps_it_from_erasure_and_its_mailbox_from_retention(
    client: Client, cast: Cast, backup: Snapshot
) -> None:
    entity = backup.entity
    client.force_login(cast.owner)
    hold = reverse("recovery_hold", args=[entity.public_id])
    client.post(hold, {"point": str(backup.run.public_id), "name": "Case 7"})
    assert [part.label for part in HeldPart.objects.order_by("label")] == ["My back", "My knee"]
    assert "2 single items" in client.get(reverse("holds")).content.decode()
    browse = client.get(reverse("recovery_browse", args=[backup.run.public_id])).content.decode()
    assert browse.count("On hold") == 2
    item = client.get(reverse("recovery_item", args=[backup.public_id, key_of("My knee")])).content.decode()
    assert "On legal hold" in item and "Case 7" in item
    assert "On hold" in client.get(reverse("task", args=[entity.task.public_id])).content.decode()
    entity.task.retention = Rule(KeepFor(3, Unit.DAYS)).to_json()
    entity.task.save()
    assert night().marked == 0
    prove_again(client)
    assert "On legal hold, so it stays" in ask(client, backup)
    more = [f"mail:{key_of(name)}" for name in ("My knee", "Lunch")]
    assert ask(client, backup, item=more, typed="erase 1 item of mail").startswith("/erasures/")
    erasure = Erasure.objects.get()
    assert erasure.items_count == 1 and erasure.held == [
        {"kind": "mail", "id": key_of("My knee"), "holds": ["Case 7"]}
    ]
    assert "by “Case 7”" in client.get(reverse("erasure", args=[erasure.public_id])).content.decode()
    assert "Request 7" in client.get(reverse("erasures")).content.decode()
    assert reverse("erasures") in client.get(reverse("settings")).content.decode()
    rita = member(cast.account, "rita@pizza-perfecto.example", Role.RESTORE_OPERATOR)
    for person, address in (
        (rita, reverse("recovery_item", args=[backup.public_id, key_of("My knee")])),
        (cast.viewer, reverse("erasures")),
        (cast.viewer, reverse("erasure", args=[erasure.public_id])),
        (cast.viewer, reverse("erasure_file", args=[erasure.public_id])),
    ):
        client.force_login(person)
        shown = client.get(address).content.decode()
        assert "Case 7" not in shown and "Request 7" not in shown, "these name a case or a person"
        assert "legal hold" in shown or address == reverse("erasures")
    Hold.objects.update(lifted_at=clock.now())
    assert night().marked > 0, "from then on the rule takes its course"


def test_a_hold_that_comes_meanwhile_suspends_it(client: Client, cast: Cast, backup: Snapshot) -> None:
    client.force_login(cast.owner)
    prove_again(client)
    ask(client, backup, typed="erase 2 items of mail")
    body = {"item": [f"mail:{key_of('My knee')}"], "name": "Case 8"}
    client.post(reverse("recovery_hold", args=[backup.entity.public_id]), body)
    now = clock.now()
    for _ in range(32):
        with clock.travel(now):
            look_after_erasures()
        now += HOURS
    erasure = Erasure.objects.get()
    assert (erasure.state, erasure.waiting_for) == ("waiting", "On legal hold.")
    page = reverse("erasure", args=[erasure.public_id])
    assert "Holds: Case 8" in client.get(page).content.decode()
    client.force_login(cast.viewer)
    assert "It waits: On legal hold." in client.get(page).content.decode()
    assert NodeVersion.objects.filter(remote_id="My knee").exists()


def test_ledgers_files_and_plans_that_hold_it_are_cleared(cast: Cast, backup: Snapshot) -> None:
    entity = backup.entity
    rows = NodeVersion.objects.filter(entity_id=entity.pk, remote_id="My knee")
    version = rows.get().pk
    job = Job.objects.create(
        account=cast.account, kind=JobKind.EXPORT, state=JobState.SUCCEEDED, entity_id=entity.public_id
    )
    for pk, name in ((version, "My knee"), (version + 10_000, "Lunch")):
        JobItem.objects.create(account=cast.account, job=job, key=f"mail:{pk}", label=name, node_version_id=pk)
    plan = make_plan(
        backup, user_id=cast.owner.pk, mode="new_root", state="ready", samples=[{"name": "My knee"}]
    )
    numbers = erase_elsewhere(ErasedVersions(entity.public_id, "mail", [version], [key_of("My knee")]))
    assert numbers["exports ended"] == 1 and numbers["plans ended"] == 1
    job.refresh_from_db()
    plan.refresh_from_db()
    assert job.result["revoked"] and not folder_of(job).exists()
    assert sorted(JobItem.objects.values_list("label", flat=True)) == ["An erased item", "Lunch"]
    assert (plan.state, plan.samples) == ("failed", [])


def test_bytes_that_an_undo_keeps_of_it_are_followed_until_they_are_gone(
    client: Client, cast: Cast, backup: Snapshot
) -> None:
    """Somebody edited the mail before a restore replaced it: no backup has that state, the undo does."""
    edited = store(mail("My knee, as it really was"))
    job = Job.objects.create(account=cast.account, kind=JobKind.RESTORE, state=JobState.SUCCEEDED)
    row = JobItem.objects.create(account=cast.account, job=job, key="mail:1", label="My knee")
    make_plan(backup, user_id=cast.owner.pk, mode="replace", state="used", job=job, target=backup.entity)
    BeforeState.objects.create(
        account=cast.account, item=row, job=job, remote_id="My knee", name="My knee", content=edited
    )
    client.force_login(cast.owner)
    prove_again(client)
    ask(client, backup, typed="erase 2 items of mail")
    (blob_id,) = decode_content(edited)[0].blobs

    def followed() -> bool:
        return ErasedPlace.objects.filter(blob_id=blob_id, pack_row__isnull=False).exists()

    assert followed()
    now = clock.now()
    for _ in range(30):
        with clock.travel(now):
            look_after_erasures()
        now += HOURS
    assert not BeforeState.objects.exists() and followed()


def test_what_a_search_found_goes_the_same_way(client: Client, cast: Cast, backup: Snapshot) -> None:
    client.force_login(cast.owner)
    Selection.objects.all().delete()
    picks = [f"{backup.public_id}:{key_of(name)}" for name in ("My knee", "Lunch")]
    answer = client.post(reverse("recovery_found"), {"then": "erase", "pick": picks})
    assert answer["Location"] == address(backup)
    prove_again(client)
    page = client.get(answer["Location"]).content.decode()
    assert "My knee" in page and "Lunch" in page and "My back" not in page
    client.force_login(member(cast.account, "rita@pizza-perfecto.example", Role.RESTORE_OPERATOR))
    assert client.post(reverse("recovery_found"), {"then": "erase", "pick": picks}).status_code == 403
