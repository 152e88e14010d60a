"""What each of the cast sees and does not see of two mailboxes, one open and one with limited access.

Pages, parts, counts, files: stated as visible and hidden sets, so that a leak and a loss both fail.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.models import Account, Membership, User
from apps.activity.models import SecurityEvent
from apps.activity.services import record
from apps.backups.deletion.facts import what_of
from apps.backups.deletion.order import delete_wish, deletion_cancel
from apps.backups.erasure.chosen import look_at
from apps.backups.erasure.order import erase_wish, erasure_cancel
from apps.backups.models import Deletion, Entity, Erasure, Snapshot
from apps.backups.models.catalog import key_of
from apps.backups.services.limiting import limit
from apps.backups.services.tasks import change_settings
from apps.core import clock
from apps.core.scope import account_scope
from apps.jobs.models import Job
from apps.recovery.models import Drill, Plan
from apps.recovery.services import note_looked_at
from tests.cast import Cast, member
from tests.jobs.conftest import signed_in
from tests.recovery.factories import Mailbox, make_entity, make_export, make_task

OPEN, SECRET, SUBJECT = "Bob Smith", "Carla Confidential", "Severance"
VIEWERS = ("owner", "operator", "restorer", "viewer", "both", "custom")


@dataclass(frozen=True)
class World:
    cast: Cast
    open: Entity
    secret: Entity
    backup: Snapshot
    export: Job
    drill: Drill

    @property
    def task(self) -> str:
        return reverse("task", args=[self.secret.task.public_id])

    def of_secret(self) -> dict[str, str]:
        """Every address that names the limited mailbox or what was made from it."""
        entity, backup, export = self.secret.public_id, self.backup.run.public_id, self.export.public_id
        names = {
            "entity": entity,
            "entity_live": entity,
            "run": self.backup.run.public_id,
            "recovery_entity": entity,
            "recovery_latest": entity,
            "recovery_compare": entity,
            "recovery_browse": backup,
            "recovery_selection": backup,
            "recovery_restore": backup,
            "recovery_export": backup,
            "recovery_downloads": export,
            "job": export,
            "job_card": export,
            "job_report": export,
            "health_report": self.drill.public_id,
        }
        return {
            **{name: reverse(name, args=[value]) for name, value in names.items()},
            "recovery_download": reverse("recovery_download", args=[export, 1]),
        }


@pytest.fixture
def world(cast: Cast) -> Iterator[World]:
    cache.clear()
    with patch("celery.app.task.Task.apply_async"), account_scope(cast.account.pk):
        task = make_task()
        open_ = make_entity(OPEN, "bob@pizza-perfecto.example", task=task)
        secret = make_entity(SECRET, "carla@pizza-perfecto.example", task=task, limited=True)
        for entity in (open_, secret):
            box = Mailbox(entity)
            box.folder("inbox", "Inbox", well_known="inbox")
            box.item("m1", "inbox", SUBJECT)
            backup = box.day()
        export = make_export(cast, entity_id=secret.public_id)
        Job.objects.filter(pk=export.pk).update(entity_label=SECRET)
        drill = Drill.objects.create(
            account=cast.account, task=task, state="passed", report="{}", signature="00",
            entities=[str(open_.public_id), str(secret.public_id)],
        )  # fmt: skip
        for entity in (open_, secret):
            record(
                "run.finished",
                service="exchange",
                item_label=entity.name,
                subject_id=entity.public_id,
                entity_id=entity.public_id,
            )
        with signed_in(cast.owner):
            note_looked_at(snapshot=backup, verb="previewed", label=SUBJECT, key=key_of("m1"))
            seen = Snapshot.objects.get(entity=open_)
            note_looked_at(snapshot=seen, verb="previewed", label=f"{SUBJECT} of Bob", key=key_of("m1"))
    yield World(cast, open_, secret, backup, export, drill)


def page(user: User, address: str, **data: str) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(address, data)
    assert answer.status_code == 200, (user, address, answer.status_code)
    content = answer.streaming_content if answer.streaming else [answer.content]  # type: ignore[attr-defined]
    return b"".join(content).decode()


LISTS = ("task", "task_live", "recovery", "job_list", "activity_list", "activity_export", "health", "home")
SEES_OPEN = {"task", "task_live", "recovery", "activity_list", "activity_export"}


@pytest.mark.parametrize("person", VIEWERS)
def test_lists_parts_and_files_name_the_limited_mailbox_to_the_owner_alone(world: World, person: str) -> None:
    user = getattr(world.cast, person)
    addresses = {name: reverse(name) for name in LISTS if not name.startswith("task")}
    if person != "custom":
        addresses |= {"task": world.task, "task_live": f"{world.task}live/"}
    shown = {name: page(user, address) for name, address in addresses.items()}
    secret = {name for name, text in shown.items() if SECRET in text or "carla@" in text}
    open_ = {name for name, text in shown.items() if OPEN in text}
    assert secret == ({*SEES_OPEN, "job_list"} if person == "owner" else set())
    assert open_ == (set() if person == "custom" else SEES_OPEN)


@pytest.mark.parametrize(("person", "count"), [("owner", "2"), ("operator", "1"), ("viewer", "1")])
def test_counts_leave_it_out(world: World, person: str, count: str) -> None:
    user = getattr(world.cast, person)
    assert f"of {count} shown" in page(user, world.task).replace("2 of 2", "of 2").replace("1 of 1", "of 1")
    assert f"{count} of {count} active" in page(user, reverse("home"))
    assert SECRET not in page(user, world.task, q="carla") or person == "owner"


@pytest.mark.parametrize("person", ["operator", "restorer", "viewer", "both", "custom"])
def test_nothing_made_of_it_is_there_for_others(world: World, person: str) -> None:
    client = Client()
    client.force_login(getattr(world.cast, person))
    found = {name: client.get(address).status_code for name, address in world.of_secret().items()}
    assert {name for name, status in found.items() if status not in (403, 404)} == set(), found
    if person == "restorer":
        assert set(found.values()) == {404}, "she holds every right but this one, so to her it does not exist"


def test_the_owner_has_all_of_it(world: World) -> None:
    client = Client()
    client.force_login(world.cast.owner)
    found = {name: client.get(address).status_code for name, address in world.of_secret().items()}
    assert set(found.values()) <= {200, 302}, found


def test_it_is_neither_offered_nor_taken_as_a_target(world: World) -> None:
    with account_scope(world.cast.account.pk):
        source = Snapshot.objects.get(entity=world.open)
    address = reverse("recovery_restore", args=[source.run.public_id])
    client = Client()
    for person, offered in (("owner", True), ("restorer", False)):
        client.force_login(getattr(world.cast, person))
        client.post(reverse("recovery_everything", args=[source.run.public_id]))
        assert (SECRET in client.get(address).content.decode()) == offered, person
    data = {"mode": "new_root", "to": "other", "other": str(world.secret.public_id)}
    assert client.post(address, data).status_code in (422, 404)
    with account_scope(world.cast.account.pk):
        assert not Plan.objects.exists()


def test_who_loses_the_right_loses_pages_and_downloads_at_once(world: World) -> None:
    rita = Membership.objects.get(user=world.cast.restorer)
    rita.extra_permissions = ["limited_access"]
    rita.save(update_fields=["extra_permissions"])
    client = Client()
    client.force_login(world.cast.restorer)
    addresses = world.of_secret()
    assert client.get(addresses["recovery_download"]).status_code == 200
    rita.extra_permissions = []
    rita.save(update_fields=["extra_permissions"])
    assert client.get(addresses["recovery_download"]).status_code == 404


def test_subjects_are_for_who_may_preview_restore_or_export(world: World) -> None:
    """In the activity, too, and in its file, which is made after the request is over."""
    for person, sees in (("owner", True), ("restorer", True), ("operator", False), ("viewer", False)):
        user = getattr(world.cast, person)
        for address in (reverse("activity_list"), reverse("activity_export")):
            assert (f"{SUBJECT} of Bob" in page(user, address)) == sees, (person, address)


def erase(entity: Entity) -> None:
    keys = {"mail": [key_of("m1")]}
    erase_wish(entity, keys, typed=look_at(entity, keys).typed, reason="Request 7")


def delete(entity: Entity) -> None:
    what = what_of(entity.task, Entity.objects.filter(pk=entity.pk))
    delete_wish(what, typed=what.typed)


def in_the_audit(world: World, person: str, name: str) -> bool:
    user = getattr(world.cast, person)
    shown = [page(user, reverse(each)) for each in ("audit_list", "audit_export", "activity_list")]
    return any(name in text for text in shown)


def test_mails_to_administrators_name_a_limited_mailbox_in_the_audit_to_who_sees_it_alone(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    """Also a mailbox that is limited once they have gone out."""
    with django_capture_on_commit_callbacks(execute=True), signed_in(world.cast.owner):
        for entity in (world.secret, world.open):
            erase(entity)
            erasure_cancel(public_id=Erasure.objects.latest("pk").public_id)
            delete(entity)
            deletion_cancel(public_id=Deletion.objects.latest("pk").public_id)
    assert in_the_audit(world, "owner", f"of {SECRET}: 7 days to take it back")
    assert not in_the_audit(world, "viewer", SECRET)
    assert in_the_audit(world, "viewer", f"Delete {OPEN}")
    with signed_in(world.cast.owner):
        limit(task=world.open.task, entities=Entity.objects.filter(pk=world.open.pk))
    assert not in_the_audit(world, "viewer", OPEN)


def test_a_proposal_about_a_limited_mailbox_names_it_in_no_line_of_the_audit(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    anna = member(world.cast.account, "anna@pizza-perfecto.example", Role.ADMINISTRATOR, name="Anna")
    Membership.objects.filter(user=anna).update(standing_since=clock.now() - timedelta(days=30))
    Account.objects.filter(pk=world.cast.account.pk).update(two_person=True)
    with django_capture_on_commit_callbacks(execute=True), signed_in(world.cast.owner):
        erase(world.secret)
        delete(world.secret)
    assert in_the_audit(world, "viewer", "Proposed: Erase 1 item of Mail")
    assert not in_the_audit(world, "viewer", SECRET)


def test_a_change_of_rhythm_reaches_the_mailboxes_that_its_maker_does_not_see(world: World) -> None:
    from datetime import time

    from apps.backups.schedules import Rule, Schedule

    with account_scope(world.cast.account.pk):
        Entity.objects.update(next_run_at=clock.now() + timedelta(days=3))
    with signed_in(world.cast.operator):
        change_settings(task=world.open.task, schedule=Schedule((Rule(at=time(7)),)).to_json())
        assert Entity.objects.count() == 1
    with account_scope(world.cast.account.pk):
        assert {entity.next_run_at.hour for entity in Entity.objects.all() if entity.next_run_at} == {7}


def test_setting_it_is_asked_twice_and_audited_and_for_holders_only(world: World) -> None:
    address = reverse("task_act", args=[world.open.task.public_id])
    data = {"action": "limit", "entity": str(world.open.public_id)}
    client = Client()
    client.force_login(world.cast.operator)
    assert client.post(address, {**data, "sure": "yes"}).status_code == 403
    client.force_login(world.cast.owner)
    question = client.post(address, data)
    assert question.status_code == 200 and OPEN in question.content.decode()
    world.open.refresh_from_db()
    assert not world.open.limited
    assert client.post(address, {**data, "sure": "yes"}).status_code == 302
    world.open.refresh_from_db()
    assert world.open.limited
    assert OPEN not in page(world.cast.operator, world.task)
    client.post(address, {**data, "action": "unlimit", "sure": "yes"})
    assert OPEN in page(world.cast.operator, world.task)
    with account_scope(world.cast.account.pk):
        lines = list(SecurityEvent.objects.order_by("id").values_list("code", "entity_id"))
    wanted = [("entity.limited", world.open.public_id), ("entity.unlimited", world.open.public_id)]
    assert [line for line in lines if line[0].startswith("entity.")] == wanted


def test_a_task_of_a_service_out_of_reach_can_be_neither_made_nor_found(world: World) -> None:
    Membership.objects.filter(user=world.cast.custom).update(extra_permissions=["modify", "view", "activate"])
    client = Client()
    client.force_login(world.cast.custom)
    assert client.get(reverse("task_new_service", args=["exchange"])).status_code == 404
    assert "Microsoft Exchange" not in client.get(reverse("task_new")).content.decode()
    assert client.post(reverse("task_discover", args=[world.open.task.public_id])).status_code == 404
