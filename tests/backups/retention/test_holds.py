"""What is on legal hold stays: by name, by tag, also when the tag is taken off; lifting takes a proof."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.activity.models import Activity
from apps.backups.deletion.order import deletion_cancel
from apps.backups.deletion.work import look_after_deletions
from apps.backups.enums import DeletionState, EntityState
from apps.backups.holds import Item, held_items, on_hold
from apps.backups.models import BackupTask, Deletion, Entity, EntityTag, HeldPart, Hold, Snapshot
from apps.backups.models.catalog import hash_of
from apps.backups.retention.night import night
from apps.backups.retention.rules import KeepAll, KeepFor, Rule, Unit
from apps.backups.services.holds import lift
from apps.backups.services.tags import tag_apply, tag_create, tag_delete, tag_remove
from apps.core import clock
from apps.core.actor import Actor, acting_as
from apps.core.errors import Conflict
from apps.core.permissions import Permission
from tests.backups.makers import make_protected
from tests.backups.retention.test_pages import nightly
from tests.cast import Cast, member, prove_again

pytestmark = pytest.mark.django_db


def test_what_is_put_on_hold_by_name_or_tag_outlives_its_rule_until_it_is_lifted(
    client: Client, cast: Cast, task: BackupTask
) -> None:
    for name in ("Agata Brown", "Bob Smith", "Carla Jones"):
        nightly(task, name, 12)
    BackupTask.objects.update(retention=Rule(KeepFor(7, Unit.DAYS)).to_json())
    agata, bob, carla = Entity.objects.order_by("name")
    tag = tag_create(name="Case 7")
    EntityTag.objects.create(account=cast.account, entity=bob, tag=tag)
    client.force_login(cast.owner)
    page = reverse("holds")
    wrong = client.post(page, {"name": "Case 7", "lines": "agata.brown@pizza-perfecto.example\nNobody"})
    assert "Nothing is called Nobody." in wrong.content.decode()
    assert not Hold.objects.exists(), "all of it or nothing"
    form = {"name": "Case 7", "reason": "Lawsuit", "lines": "AGATA brown", "tag": str(tag.public_id)}
    assert client.post(page, form)["Location"] == page
    hold = Hold.objects.get()
    assert on_hold([agata.pk, bob.pk, carla.pk]) == {agata.pk: [hold], bob.pk: [hold]}
    assert night().marked == 4, "Carla's alone"
    EntityTag.objects.create(account=cast.account, entity=carla, tag=tag)
    assert night().marked == 0
    assert not Snapshot.objects.exclude(goes_at=None).exists(), "a hold takes marks off"
    EntityTag.objects.all().delete()
    assert set(on_hold([agata.pk, bob.pk, carla.pk])) == {agata.pk, bob.pk, carla.pk}
    lift = reverse("hold_lift", args=[hold.public_id])
    assert client.post(lift)["Location"].startswith(reverse("sudo"))
    prove_again(client)
    assert client.post(lift)["Location"] == page
    assert client.post(lift).status_code == 404
    assert on_hold([agata.pk]) == {}
    assert night().marked == 12
    codes = Activity.objects.filter(code__startswith="hold.").order_by("pk").values_list("code", flat=True)
    assert list(codes) == ["hold.placed", "hold.lifted"]


def test_what_gets_the_tag_of_a_hold_is_held_at_once_and_the_tag_is_not_deleted_under_it(
    cast: Cast, task: BackupTask, django_capture_on_commit_callbacks: Any
) -> None:
    agata, tag = make_protected(task, "Agata Brown"), tag_create(name="Case 7")
    hold = Hold.objects.create(account=cast.account, name="Case 7", tag=tag)
    for act in (tag_apply, tag_remove, tag_apply, tag_remove):
        act(task=task, entities=Entity.objects.filter(pk=agata.pk), tag=tag)
    assert on_hold([agata.pk]) == {agata.pk: [hold]} and HeldPart.objects.count() == 1
    with pytest.raises(Conflict, match="is used by the legal hold Case 7"):
        tag_delete(tag=tag)
    mail.outbox.clear()
    person = Actor("user", permissions=frozenset(Permission), services=None)
    with django_capture_on_commit_callbacks(execute=True), acting_as(person):
        lift({"hold": str(hold.public_id)})
    assert [sent.subject for sent in mail.outbox] == ["Less is protected in Pizza Perfecto: Case 7"]
    tag_delete(tag=tag)
    hold.refresh_from_db()
    assert hold.tag is None


def test_a_tag_that_had_a_hold_before_holds_by_the_one_that_is_in_force(cast: Cast, task: BackupTask) -> None:
    agata, tag = make_protected(task, "Agata Brown"), tag_create(name="Case 7")
    tag_apply(task=task, entities=Entity.objects.filter(pk=agata.pk), tag=tag)
    Hold.objects.create(account=cast.account, name="Lifted", tag=tag, lifted_at=clock.now())
    assert on_hold([agata.pk]) == {}
    holds = [Hold.objects.create(account=cast.account, name=name, tag=tag) for name in ("Again", "Besides")]
    assert on_hold([agata.pk]) == {agata.pk: holds}


def test_what_was_archived_long_ago_is_ordered_to_be_deleted_unless_it_is_on_hold(
    cast: Cast, task: BackupTask
) -> None:
    long_ago = clock.now() - timedelta(days=31)
    for name in ("Agata Brown", "Bob Smith"):
        make_protected(task, name, state=EntityState.ARCHIVED, archived_at=long_ago)
    agata, bob = Entity.objects.order_by("name")
    hold = Hold.objects.create(account=cast.account, name="Case 9")
    HeldPart.objects.create(account=cast.account, hold=hold, entity=bob)
    assert night().ordered == 0, "archived ones stay for ever unless somebody says otherwise"
    BackupTask.objects.update(retention=Rule(KeepAll(), archived_days=30).to_json())
    assert night().ordered == 1
    ordered = Deletion.objects.get()
    assert (ordered.label, ordered.ordered_by) == ("Delete Agata Brown of Mail", "Retention")
    assert ordered.ends_at > clock.now() + timedelta(days=6)
    deletion_cancel(public_id=ordered.public_id)
    agata.refresh_from_db()
    assert agata.state == EntityState.ARCHIVED
    assert night().ordered == 0, "its days begin anew"


def test_a_rule_that_became_longer_keeps_what_was_ordered_by_the_shorter_one(task: BackupTask) -> None:
    agata = make_protected(
        task, "Agata Brown", state=EntityState.ARCHIVED, archived_at=clock.now() - timedelta(days=31)
    )
    BackupTask.objects.update(retention=Rule(KeepAll(), archived_days=30).to_json())
    assert night().ordered == 1
    BackupTask.objects.update(retention=Rule(KeepAll(), archived_days=365).to_json())
    Deletion.objects.update(counted_seconds=8 * 86400, ends_at=clock.now())
    look_after_deletions()
    agata.refresh_from_db()
    assert (agata.state, Deletion.objects.get().state) == (EntityState.ARCHIVED, DeletionState.CANCELLED)
    BackupTask.objects.update(retention=Rule(KeepAll(), archived_days=30).to_json())
    assert night().ordered == 1, "its days go on counting from when it left"


def test_a_hold_on_one_item_keeps_its_mailbox_and_names_that_item_alone(cast: Cast, task: BackupTask) -> None:
    entity = make_protected(task, "Agata Brown")
    hold = Hold.objects.create(account=cast.account, name="Case 8", placed_at=clock.now() - timedelta(days=1))
    HeldPart.objects.create(
        account=cast.account,
        hold=hold,
        entity=entity,
        sub_service="mail",
        remote_id="a",
        remote_hash=hash_of("a"),
    )
    held, free = Item(entity.pk, "mail", "a"), Item(entity.pk, "mail", "b")
    assert held_items([held, free]) == {held: [hold]}
    assert on_hold([entity.pk]) == {entity.pk: [hold]}


def test_the_page_counts_whom_its_reader_sees(client: Client, cast: Cast, task: BackupTask) -> None:
    hold = Hold.objects.create(account=cast.account, name="Case 5")
    for name, limited in (("Agata Brown", False), ("Carla Jones", True)):
        entity = make_protected(task, name, limited=limited)
        HeldPart.objects.create(account=cast.account, hold=hold, entity=entity)
    rights = ["account_settings"]
    ann = member(cast.account, "ann@pizza-perfecto.example", Role.AUDITOR, extra_permissions=rights)
    for user, count in ((ann, 1), (cast.owner, 2)):
        client.force_login(user)
        assert [row.count for row in client.get(reverse("holds")).context["holds"]] == [count]
