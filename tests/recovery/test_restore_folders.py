"""Which live folder a restore takes for one of the backup, and which of them an undo takes away."""

from typing import Any

import pytest

from apps.backups.models import Entity
from apps.backups.selectors.browse import node_key
from apps.recovery.models import MadeFolder, Plan
from apps.recovery.restore.plan import plan_start
from apps.recovery.restore.root import settle_root
from apps.recovery.restore.target import open_target
from apps.recovery.restore.undo import undo_start
from tests.recovery.conftest import Office, as_it_was
from tests.recovery.test_restore import folder_key
from tests.recovery.test_restore_kinds import send

EMPTY = "empty@pizza-perfecto.example"


def make_folder(office: Office, path: str, mails: list[dict[str, Any]], mailbox: Entity | None = None) -> str:
    """Somebody makes a folder and files mail in it."""
    made = None
    with open_target(mailbox or office.bob) as live:
        writer = live.items("mail")
        for name in path.split("/"):
            made = live.do(writer.ensure_folder(made, name))
    for each in mails:
        send(office, f"messages/{each['id']}/move", {"destinationId": made}, method="POST")
    return str(made)


def below(office: Office, path: str) -> list[tuple[Any, ...]]:
    return sorted((m["folder"], *as_it_was(m)) for m in office.live() if m["folder"].startswith(path))


def paths(office: Office, mailbox: Entity) -> set[str]:
    return {folder["path"] for folder in office.cloud.export(mailbox.remote_id)["folders"]}


def empty_mailbox(office: Office) -> Entity:
    office.cloud.add_user(EMPTY)
    return office.mailbox(EMPTY)


@pytest.mark.parametrize("mode", ["skip", "replace", "duplicate"])
def test_a_folder_that_people_deleted_comes_back_with_all_its_mail(office: Office, mode: str) -> None:
    inbox = [m for m in office.live() if m["folder"] == "Inbox"]
    projects = make_folder(office, "Projects", inbox[:2])
    make_folder(office, "Projects/Oven", inbox[2:3])
    snapshot, before = office.back_up(), below(office, "Projects")
    send(office, f"mailFolders/{projects}/move", {"destinationId": "deleteditems"}, method="POST")
    deleted = below(office, "Deleted Items/Projects")
    office.choose(snapshot, folders=[node_key(projects)])
    plan = office.plan(snapshot, mode)
    assert (plan.total("create"), plan.total("skip"), plan.notes) == (3, 0, [])
    job = office.work(plan_start(plan=plan))
    assert (job.state, job.items_done, job.result["drift"]) == ("succeeded", 3, []), job.message
    assert (below(office, "Projects"), below(office, "Deleted Items/Projects")) == (before, deleted)
    assert office.plan(snapshot, "skip").total("skip") == 3, "the next restore knows them again"


def test_a_folder_that_lay_in_deleted_items_at_the_backup_is_itself(office: Office) -> None:
    inbox = [m for m in office.live() if m["folder"] == "Inbox"]
    make_folder(office, "Deleted Items/Projects/Oven", inbox[:2])
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Deleted Items")])
    assert office.plan(snapshot, "skip").total("create") == 0


def test_a_plan_knows_the_folders_of_another_mailbox_by_their_names(office: Office) -> None:
    target = empty_mailbox(office)
    inbox = [m for m in office.live() if m["folder"] == "Inbox"]
    make_folder(office, "Projects/Oven", inbox[:2])
    snapshot = office.back_up()
    office.choose(snapshot)
    assert office.restore(snapshot, "skip", target).result["drift"] == []
    office.choose(snapshot)
    plan = office.plan(snapshot, "skip", target)
    assert (plan.total("create"), plan.total("skip")) == (0, snapshot.items)


def test_an_undo_leaves_an_empty_folder_that_was_there_before(office: Office) -> None:
    target = empty_mailbox(office)
    inbox = [m for m in office.live() if m["folder"] == "Inbox"]
    make_folder(office, "Projects", inbox[:2])
    make_folder(office, "Projects", [], target)
    before, snapshot = paths(office, target), office.back_up()
    office.choose(snapshot)
    plan = office.plan(snapshot, "skip", target)
    office.work(plan_start(plan=plan))
    plan.refresh_from_db()
    assert office.work(undo_start(plan=plan)).state == "succeeded"
    assert paths(office, target) == before


def test_an_undo_takes_no_other_folder_for_one_whose_maker_died_before_it_noted_the_id(office: Office) -> None:
    target = empty_mailbox(office)
    inbox = [m for m in office.live() if m["folder"] == "Inbox"]
    projects = make_folder(office, "Projects", inbox[:2])
    make_folder(office, "Archive/Projects", [], target)
    before, snapshot = paths(office, target), office.back_up()
    office.choose(snapshot, folders=[node_key(projects)])
    job = office.restore(snapshot, "skip", target)
    assert paths(office, target) == before | {"Projects"}
    MadeFolder.objects.filter(job=job).update(remote_id="")
    assert office.work(undo_start(plan=Plan.objects.get(job=job))).state == "succeeded"
    assert paths(office, target) == before


def test_two_restores_that_begin_at_once_get_a_folder_each(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Drafts")])
    plans = [office.plan(snapshot, "new_root") for _ in range(2)]
    jobs = [plan_start(plan=plan) for plan in plans]
    names = [settle_root(plan, job, []) for plan, job in zip(plans, jobs, strict=True)]
    assert names == [plans[0].mark, f"{plans[0].mark} (2)"]
    assert settle_root(plans[0], jobs[0], []) == names[0], "the same for every worker"
