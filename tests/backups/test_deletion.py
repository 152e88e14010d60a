"""Deletion: what is asked, what the grace keeps, what is gone afterwards, and what is not."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.models import Account, Approval, Membership
from apps.accounts.selectors import actor_of
from apps.activity.models import Activity, SecurityEvent
from apps.backups.deletion import destroy as destroying
from apps.backups.deletion import work
from apps.backups.deletion.facts import held_of, what_of
from apps.backups.deletion.order import delete_of_rule, delete_wish, deletion_cancel
from apps.backups.deletion.work import look_after_deletions
from apps.backups.engine.lease import Lease
from apps.backups.enums import DeletionState, EntityState
from apps.backups.journals.rebuild import rebuild
from apps.backups.models import BackupTask, Deletion, Entity, HeldPart, Hold, NodeVersion, Run, Snapshot
from apps.backups.services.activation import activate
from apps.backups.services.holds import hold_place
from apps.backups.services.limiting import limit
from apps.backups.tick import dispatch_due
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as, current_actor
from apps.core.errors import Conflict, InvalidRequest
from apps.core.permissions import Permission
from apps.core.scope import account_scope, every_account
from apps.vault.api import ObjectLocked, decode_content, open_journals
from apps.vault.errors import StoreError
from apps.vault.gc import collect
from apps.vault.models import BlobLocation
from apps.vault.store.journal import JournalFolder
from tests.backups.makers import make_protected, make_run, make_snapshot, make_task
from tests.cast import Cast, member, prove_again
from tests.fixtures.mailbox import Mailbox

pytestmark = pytest.mark.database
HOURS, DAY = timedelta(hours=6), timedelta(days=1)


@pytest.fixture
def twin(mailbox: Mailbox) -> Mailbox:
    """Another mailbox of the same task: it holds what both have, `mailbox` also what it alone had."""
    mailbox.now = clock.now()
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox, content=b"both have this " * 50)
    own = mailbox.cloud.add_mail(inbox, content=b"Paula alone had this " * 50)
    assert mailbox.run() == "success"
    mailbox.cloud.delete_mail(own)
    other = Entity.objects.create(
        account_id=mailbox.entity.account_id, task=mailbox.entity.task, remote_id="user-2", kind="user_mailbox",
        name="Twin Tina", state=EntityState.ACTIVE,
    )  # fmt: skip
    found = Mailbox(other, mailbox.cloud, now=mailbox.now)
    assert found.run() == "success"
    mailbox.entity.refresh_from_db()
    return found


@pytest.fixture
def olivia(cast: Cast) -> Iterator[Any]:
    with acting_as(actor_of(Membership.objects.get(account=cast.account, user=cast.owner))) as actor:
        yield actor


def order(entity: Entity, typed: str = "") -> Deletion:
    what = what_of(entity.task, Entity.objects.filter(pk=entity.pk))
    assert delete_wish(what, typed=typed or entity.name).done
    return Deletion.objects.latest("pk")


def let_pass(days: float, since: datetime | None = None) -> datetime:
    """Let the hourly task look at it again and again; returns the time it is then."""
    now = since or clock.now()
    for _ in range(int(days * 4) + 1):
        with clock.travel(now):
            look_after_deletions()
        now += HOURS
    return now


def blobs_of(entity: Entity) -> set[bytes]:
    rows = NodeVersion.objects.filter(entity_id=entity.pk, is_folder=False).values_list("content", flat=True)
    return {blob for row in rows for part in decode_content(bytes(row)) for blob in part.blobs}


def collect_garbage(account_id: int, now: datetime) -> None:
    """Weeks of rounds: one that began before goes on, the next one finds what is dead now."""
    for _ in range(7):
        with clock.travel(now):
            collect(account_id)
        now += 4 * DAY


def test_after_the_grace_the_bytes_leave_the_store_and_what_others_share_stays(
    mailbox: Mailbox, twin: Mailbox, olivia: Any
) -> None:
    entity, account_id = mailbox.entity, mailbox.entity.account_id
    shared, alone = blobs_of(twin.entity), blobs_of(entity) - blobs_of(twin.entity)
    assert shared and len(alone) == 1
    before, of_twin = mailbox.state(1), twin.state(1)
    deletion = order(entity)
    entity.refresh_from_db()
    assert (entity.state, entity.next_run_at) == (EntityState.DELETING, None)
    now = let_pass(6.9)
    with clock.travel(now - HOURS):
        collect(account_id, now=True)
    assert mailbox.state(1) == before, "until then it can be restored"
    now = let_pass(1.0, now)
    deletion.refresh_from_db()
    assert (deletion.state, deletion.proof["entities"], deletion.proof["snapshots"]) == ("done", 1, 1)
    assert deletion.references == 2
    again = Entity.objects.get(remote_id="user-1")
    assert (again.state, again.first_snapshot_at, again.pk == entity.pk) == (
        EntityState.NOT_ACTIVE,
        None,
        False,
    )
    assert again.by_hand, "a person decided it: no rule starts it again"
    for rows in (Snapshot, Run):
        assert not rows.objects.filter(entity_id=entity.pk).exists()
    assert not NodeVersion.objects.filter(entity_id=entity.pk).exists()
    assert {name.chain.entity for name, _, _ in open_journals(account_id).list()} == {twin.entity.public_id}
    # gc is told that two of three blobs may be dead because somebody had them deleted.
    collect_garbage(account_id, now)
    left = {bytes(row) for row in BlobLocation.objects.values_list("blob_id", flat=True)}
    assert not alone & left and shared <= left
    assert twin.state(1) == of_twin
    assert "Done: Delete Paula Pizza of Mail of Pizza Perfecto" in [sent.subject for sent in mail.outbox]
    assert (
        Activity.objects.get(code="deletion.done").item_label == "Delete Paula Pizza of Mail of Pizza Perfecto"
    )


@pytest.mark.parametrize("after", range(1, 6))
def test_killed_anywhere_it_is_finished_by_the_next_hour(
    mailbox: Mailbox, twin: Mailbox, olivia: Any, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    calls = iter(range(1, 1000))
    for name, owner in (("guard", Lease), ("remove_journals", destroying)):
        real = getattr(owner, name)

        def killing(*args: Any, real: Any = real, **how: Any) -> Any:
            if next(calls) == after:
                raise RuntimeError("killed")
            return real(*args, **how)

        monkeypatch.setattr(owner, name, killing)
    of_twin, deletion = twin.state(1), order(mailbox.entity)
    let_pass(7.5)
    deletion.refresh_from_db()
    assert next(calls) > after and deletion.state == DeletionState.DONE and deletion.proof["entities"] == 1
    assert not NodeVersion.objects.filter(entity_id=mailbox.entity.pk).exists()
    assert twin.state(1) == of_twin
    monkeypatch.undo()
    report = rebuild(account_id=mailbox.entity.account_id, say=lambda words: None)
    assert Entity.objects.filter(public_id=mailbox.entity.public_id).count() == 0, f"{report.chains} came back"


def test_taking_it_back_leaves_all_as_it_was(mailbox: Mailbox, twin: Mailbox, olivia: Any) -> None:
    deletion = order(mailbox.entity)
    activate(task=mailbox.entity.task, entities=Entity.objects.filter(pk=mailbox.entity.pk))
    let_pass(6.5)
    deletion_cancel(public_id=deletion.public_id)
    mailbox.entity.refresh_from_db()
    assert mailbox.entity.state == EntityState.ACTIVE and mailbox.entity.next_run_at is not None
    let_pass(20)
    assert mailbox.state(1) and mailbox.run() == "success"
    with pytest.raises(Conflict):
        deletion_cancel(public_id=deletion.public_id)
    assert [sent.subject.partition(":")[0] for sent in mail.outbox][-1] == "Taken back"


def test_a_clock_that_jumps_and_a_hold_that_comes_destroy_nothing(mailbox: Mailbox, olivia: Any) -> None:
    mailbox.entity.first_snapshot_at = clock.now()
    deletion = order(mailbox.entity)
    with clock.travel(clock.now() + 3650 * DAY):
        look_after_deletions()
    deletion.refresh_from_db()
    assert (deletion.state, deletion.counted_seconds) == (DeletionState.WAITING, 6 * 3600)
    hold = Hold.objects.create(account_id=deletion.account_id, name="Case 7")
    HeldPart.objects.create(account_id=deletion.account_id, hold=hold, entity=mailbox.entity)
    Deletion.objects.update(counted_at=clock.now())
    let_pass(9)
    deletion.refresh_from_db()
    assert (deletion.state, deletion.waiting_for) == (DeletionState.WAITING, "1 mailbox on legal hold.")
    assert held_of(deletion) == ["Paula Pizza (Case 7)"]
    blind = replace(current_actor(), services=frozenset({"onedrive"}))
    with acting_as(blind):
        assert held_of(deletion) == [], "whom it waits for is named to who sees them"
    deletion_cancel(public_id=deletion.public_id)
    mailbox.entity.refresh_from_db()
    with pytest.raises(Conflict, match=r"Paula Pizza \(Case 7\)"):
        order(mailbox.entity)


def test_a_hold_that_comes_in_the_very_moment_of_destruction_is_not_too_late(
    mailbox: Mailbox, twin: Mailbox, olivia: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, person = work.destroy, current_actor()

    def held_before(entity: Entity, deletion: Deletion, *, comes_back: bool) -> None:
        monkeypatch.undo()
        with acting_as(person):
            hold_place(name="Case 9", entities=[entity])
        real(entity, deletion, comes_back=comes_back)

    monkeypatch.setattr(work, "destroy", held_before)
    deletion, before = order(mailbox.entity), mailbox.state(1)
    now = let_pass(7.5)
    deletion.refresh_from_db()
    assert (deletion.state, deletion.waiting_for) == (DeletionState.DESTROYING, "One of them is on legal hold.")
    assert mailbox.state(1) == before
    Hold.objects.update(lifted_at=clock.now())
    let_pass(0.5, now)
    deletion.refresh_from_db()
    assert deletion.state == DeletionState.DONE


def test_the_name_of_a_hold_is_for_who_may_know_it_and_no_rule_names_whom_it_holds(
    task: BackupTask, olivia: Any, client: Client, cast: Cast
) -> None:
    paula = make_protected(task, "Paula Pizza")
    order(paula)
    hold = Hold.objects.create(account_id=task.account_id, name="Case 7")
    HeldPart.objects.create(account_id=task.account_id, hold=hold, entity=paula)
    Deletion.objects.update(waiting_for="1 mailbox on legal hold.")
    pages = [reverse("task", args=[task.public_id]), reverse("deletions")]
    for person, knows in ((cast.owner, True), (cast.viewer, False)):
        client.force_login(person)
        for page in pages:
            text = client.get(page).content.decode()
            assert "legal hold. Paula Pizza" in text and ("Case 7" in text) == knows
    deletion_cancel(public_id=Deletion.objects.get().public_id)
    paula.refresh_from_db()
    rights = frozenset(right.value for right in (Permission.DELETE, Permission.VIEW, Permission.LIMITED_ACCESS))
    deleter = replace(current_actor(), permissions=rights)
    with acting_as(deleter), pytest.raises(Conflict, match="Paula Pizza") as refused:
        order(paula)
    assert "Case 7" not in str(refused.value)
    with acting_as(SYSTEM), pytest.raises(Conflict, match="1 mailbox") as refused:
        delete_of_rule(task, [paula.pk], "The rule Leavers")  # its words stand on the page of the rule
    assert "Paula" not in str(refused.value) and "Case 7" not in str(refused.value)


@pytest.mark.parametrize("refusal", [ObjectLocked, StoreError])
def test_what_a_store_keeps_under_a_lock_or_while_it_is_away_is_remembered_and_follows(
    mailbox: Mailbox, twin: Mailbox, olivia: Any, monkeypatch: pytest.MonkeyPatch, refusal: type[StoreError]
) -> None:
    def locked(self: JournalFolder, name: Any, part: int = 0) -> None:
        raise refusal("until Friday")

    deletion = order(mailbox.entity)
    monkeypatch.setattr(JournalFolder, "remove", locked)
    now = let_pass(7.5)
    deletion.refresh_from_db()
    assert (deletion.state, deletion.left) == (DeletionState.DONE, [[str(mailbox.entity.public_id), "mail"]])
    with clock.travel(now):
        collect(mailbox.entity.account_id, now=True)  # does not take it for a catalog that lost something
    monkeypatch.undo()
    let_pass(0.3, now)
    deletion.refresh_from_db()
    assert deletion.left == []


def test_a_whole_task_goes_with_its_settings_and_its_earlier_orders(
    cast: Cast, task: BackupTask, olivia: Any
) -> None:
    paula, quinn = make_protected(task, "Paula Pizza"), make_protected(task, "Quinn", limited=True)
    make_snapshot(make_run(paula, verdict="success"))
    early = order(paula)
    what = what_of(task, Entity.objects.filter(task=task), whole=True)
    with pytest.raises(InvalidRequest, match="Type Mail"):
        delete_wish(what, typed="Male")
    assert delete_wish(what, typed=" mail ").done
    early.refresh_from_db()
    assert early.state == DeletionState.CANCELLED and task.entities.filter(state="deleting").count() == 2
    with every_account("as the tick does"):
        assert dispatch_due() == 0
    with pytest.raises(Conflict, match="already"):
        delete_wish(what_of(task, Entity.objects.filter(task=task), whole=True), typed="Mail")
    monkeypatch_no_store = pytest.MonkeyPatch()
    monkeypatch_no_store.setattr(destroying, "remove_journals", lambda *args: (0, 0))
    let_pass(7.5)
    monkeypatch_no_store.undo()
    assert not BackupTask.objects.exists() and not Entity.objects.exists()
    assert Deletion.objects.latest("pk").task is None and quinn.limited


def test_taking_a_whole_task_back_leaves_what_is_half_destroyed_to_the_order_that_began_it(
    task: BackupTask, olivia: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paula, quinn = make_protected(task, "Paula Pizza"), make_protected(task, "Quinn")
    make_snapshot(make_run(paula, verdict="success"))
    early = order(paula)

    def killed(*args: Any) -> tuple[int, int]:
        raise RuntimeError("killed")

    monkeypatch.setattr(destroying, "remove_journals", killed)
    let_pass(7.5)
    assert not Snapshot.objects.exists()
    assert delete_wish(what_of(task, Entity.objects.filter(task=task), whole=True), typed="Mail").done
    whole = Deletion.objects.latest("pk")
    for row in (paula, quinn):
        row.refresh_from_db()
    assert (paula.deletion, quinn.deletion) == (early, whole)
    deletion_cancel(public_id=whole.public_id)
    for row in (paula, quinn):
        row.refresh_from_db()
    assert (paula.state, quinn.state) == (EntityState.DELETING, EntityState.ACTIVE)
    assert delete_wish(what_of(task, Entity.objects.filter(task=task), whole=True), typed="Mail").done
    let_pass(7.5, clock.now())
    assert BackupTask.objects.exists(), "journals would stay for ever"
    monkeypatch.setattr(destroying, "remove_journals", lambda *args: (0, 0))
    let_pass(0.5, clock.now() + 8 * DAY)
    assert not BackupTask.objects.exists() and not Entity.objects.exists()


def test_the_pages_ask_show_the_countdown_and_take_it_back(
    client: Client, cast: Cast, task: BackupTask
) -> None:
    paula = make_protected(task, "Paula Pizza")
    make_protected(task, "Quinn")
    client.force_login(cast.operator)
    assert client.get(reverse("entity_delete", args=[paula.public_id])).status_code == 403
    client.force_login(cast.owner)
    address = reverse("entity_delete", args=[paula.public_id])
    assert client.get(address)["Location"].startswith(reverse("sudo"))
    prove_again(client)
    page = client.get(address).content.decode()
    assert "Type <b>Paula Pizza</b>" in page and "10 items" in page
    assert "exactly the same words" in client.post(address, {"typed": "Paula"}).content.decode()
    assert client.post(address, {"typed": "Paula Pizza"}).status_code == 302
    deletion = Deletion.objects.get()
    for shown in (reverse("home"), reverse("task", args=[task.public_id]), reverse("deletions"),
                  reverse("entity", args=[paula.public_id])):  # fmt: skip
        assert "Delete Paula Pizza of Mail: 6\xa0days" in client.get(shown).content.decode(), shown
    assert client.post(reverse("deletion_cancel", args=[deletion.public_id])).status_code == 302
    several = reverse("entities_delete", args=[task.public_id])
    asked = client.post(several, {"all_matching": "1"}).content.decode()
    assert "Type <b>2 mailboxes</b>" in asked and 'name="all_matching"' in asked
    assert client.post(several, {"all_matching": "1", "typed": "2 mailboxes"}).status_code == 302
    assert set(Entity.objects.values_list("state", flat=True)) == {"deleting"}


@pytest.mark.parametrize("query", ["status=faild", "licence=none", "tag=managers", "q=paula&status="])
def test_an_address_that_is_not_understood_selects_nobody_and_one_more_is_asked_about_again(
    client: Client, cast: Cast, task: BackupTask, query: str
) -> None:
    make_protected(task, "Paula Pizza")
    make_protected(task, "Paul Pasta")
    client.force_login(cast.owner)
    prove_again(client)
    understood = query.endswith("status=")
    address = reverse("entities_delete", args=[task.public_id]) + f"?{query.replace('paula', 'pa')}"
    asked = client.post(address, {"all_matching": "1"}).content.decode()
    assert ("Type <b>2 mailboxes</b>" in asked) is understood
    assert ("Nothing was chosen" in asked) is not understood
    acted = client.post(
        reverse("task_act", args=[task.public_id]) + f"?{query}",
        {"all_matching": "1", "action": "pause", "sure": "yes"},
    )
    assert acted.status_code == 302
    with account_scope(cast.account.pk):
        assert Entity.objects.filter(state="paused").count() == understood
    make_protected(task, "Pablo Penne")
    client.post(address, {"all_matching": "1", "typed": "2 mailboxes"})
    assert not Deletion.objects.exists(), "one more fits than was said"


def test_the_page_names_the_tasks_that_would_start_no_more(
    client: Client, cast: Cast, task: BackupTask
) -> None:
    make_task(task.connection, name="Managers", after_task=task)
    client.force_login(cast.owner)
    prove_again(client)
    page = client.get(reverse("task_delete", args=[task.public_id])).text
    assert "<b>Runs after this task:</b> Managers." in page


def test_as_many_others_as_were_shown_are_asked_about_again(
    client: Client, cast: Cast, task: BackupTask
) -> None:
    paula = make_protected(task, "Paula Pizza", "failed")
    make_protected(task, "Paul Pasta", "failed")
    make_protected(task, "Pablo Penne")
    client.force_login(cast.owner)
    prove_again(client)
    address = reverse("entities_delete", args=[task.public_id]) + "?status=failed"
    asked = client.post(address, {"all_matching": "1"}).text
    typed = {"all_matching": "1", "typed": "2 mailboxes", "meant": asked.split('name="meant" value="')[1][:64]}
    Entity.objects.filter(pk=paula.pk).update(last_verdict="success")
    Entity.objects.filter(name="Pablo Penne").update(last_verdict="failed")
    again = client.post(address, typed).text
    assert "Others match by now" in again and "Pablo Penne" in again and not Deletion.objects.exists()
    assert (
        client.post(address, {**typed, "meant": again.split('name="meant" value="')[1][:64]}).status_code == 302
    )
    paula.refresh_from_db()
    assert paula.state == "active"


def test_under_the_two_person_rule_it_waits_for_the_second(
    client: Client, cast: Cast, task: BackupTask
) -> None:
    paula = make_protected(task, "Paula Pizza")
    anna = member(cast.account, "anna@pizza-perfecto.example", Role.ADMINISTRATOR, name="Anna")
    Membership.objects.filter(user=anna).update(standing_since=clock.now() - 30 * DAY)
    Account.objects.filter(pk=cast.account.pk).update(two_person=True)
    client.force_login(cast.owner)
    prove_again(client)
    answer = client.post(reverse("entity_delete", args=[paula.public_id]), {"typed": "Paula Pizza"})
    assert answer["Location"] == reverse("approvals") and not Deletion.objects.exists()
    approval = Approval.objects.get()
    assert "Paula Pizza. 0 backups with 10 items" in approval.words
    Approval.objects.update(opens_at=clock.now())
    client.force_login(anna)
    prove_again(client)
    said = {"do": "approve", "read": approval.words}
    client.post(reverse("approval_settle", args=[approval.public_id]), said)
    deletion = Deletion.objects.get()
    assert deletion.ordered_by == "Olivia Romano" and deletion.ends_at - deletion.ordered_at == 7 * DAY
    with account_scope(cast.account.pk):
        paula.refresh_from_db()
    assert paula.state == EntityState.DELETING


def test_who_is_limited_after_the_order_is_not_named_by_it_to_who_does_not_see_them(
    cast: Cast, task: BackupTask, olivia: Any, django_capture_on_commit_callbacks: Any
) -> None:
    """Neither by the order nor by what is written once it is done."""
    paula, quinn = make_protected(task, "Paula Pizza"), make_protected(task, "Quinn")
    deletion_cancel(public_id=order(paula).public_id)
    order(paula)
    order(quinn)
    limit(task=task, entities=Entity.objects.filter(pk=paula.pk))
    assert Deletion.objects.count() == 3
    with acting_as(actor_of(Membership.objects.get(account=cast.account, user=cast.viewer))):
        assert [row.label for row in Deletion.objects.all()] == ["Delete Quinn of Mail"]
    with django_capture_on_commit_callbacks(execute=True):
        let_pass(7.5)
    assert not Entity.objects.filter(pk__in=[paula.pk, quinn.pk]).exists()
    told = [each.subject for each in mail.outbox if each.subject.startswith("Done: ")]
    assert sorted(told) == ["Done: Delete 1 mailbox of Mail", "Done: Delete Quinn of Mail"]
    with acting_as(actor_of(Membership.objects.get(account=cast.account, user=cast.viewer))):
        assert not Activity.objects.filter(item_label__contains="Paula").exists()
        entries = SecurityEvent.objects.filter(SecurityEvent.shown())
        assert not entries.filter(description__contains="Paula").exists()
