"""Where a restore may go to: any mailbox the person may use, however many there are; nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.backups.models import BackupTask, Entity, Snapshot
from apps.connectors.enums import EntityKind
from apps.connectors.models import Connection
from apps.core.scope import account_scope
from apps.jobs.models import Job
from apps.recovery.models import LostPick, Plan, PlanPart
from tests.cast import Cast, member
from tests.recovery.factories import Mailbox, make_entity

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def backup(cast: Cast, monkeypatch: Any) -> Iterator[Snapshot]:
    for views in ("restore", "lost"):
        monkeypatch.setattr(f"apps.recovery.views.{views}.make_plan.after_commit", lambda **_: None)
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox", well_known="inbox")
        box.item("m1", "inbox", "Invoice")
        yield box.day()


@pytest.fixture
def rita(cast: Cast, client: Client) -> Client:
    client.force_login(cast.restorer)
    return client


def crowd(task: BackupTask, many: int) -> None:
    """So many other mailboxes, all before Zoe in the order of names."""
    Entity.objects.bulk_create(
        Entity(
            account_id=task.account_id, task=task, remote_id=f"n{number}", kind=EntityKind.USER_MAILBOX,
            name=f"Number {number:05}", address=f"number{number:05}@pizza-perfecto.example",
        )
        for number in range(many)
    )  # fmt: skip


def options(client: Client, source: Entity, text: str, **more: str) -> str:
    asked = {"name": "other", "other-text": text} | more
    answer = client.get(reverse("recovery_targets", args=[source.public_id]), asked)
    assert answer.status_code == 200
    return answer.content.decode()


def choose(client: Client, backup: Snapshot, **data: Any) -> Any:
    client.post(reverse("recovery_everything", args=[backup.run.public_id]))
    address = reverse("recovery_restore", args=[backup.run.public_id])
    return client.post(address, {"to": "other", "mode": "skip"} | data)


def test_among_any_number_of_mailboxes_each_is_found_by_letters_and_taken(
    rita: Client, backup: Snapshot
) -> None:
    crowd(backup.entity.task, 520)
    zoe = make_entity("Zoe Adler", "za@pizza-perfecto.example", task=backup.entity.task)
    rita.post(reverse("recovery_everything", args=[backup.run.public_id]))
    page = rita.get(reverse("recovery_restore", args=[backup.run.public_id])).content.decode()
    assert page.count('name="other"') < 20, "a page does not carry all mailboxes"
    for letters in ("zoe", "ADLER zoe", "za@pizza"):
        assert str(zoe.public_id) in options(rita, backup.entity, letters), letters
    assert "type more letters" in options(rita, backup.entity, "number")
    kept = options(rita, backup.entity, "number 0005", other=str(zoe.public_id))
    assert "Zoe Adler" in kept and "checked" in kept, "what is chosen stays while one looks on"
    looked = choose(rita, backup, **{"other-text": "zoe", "find": "other"})
    assert looked.status_code == 200 and "Zoe Adler" in looked.content.decode(), "without scripts too"
    assert choose(rita, backup).status_code == 422
    assert choose(rita, backup, other=str(zoe.public_id)).status_code == 302
    assert Plan.objects.get().target == zoe


def test_only_living_mailboxes_within_sight_and_service_are_found_and_taken(
    cast: Cast, client: Client, backup: Snapshot
) -> None:
    task = backup.entity.task
    away = Connection.objects.create(account=cast.account, tenant_id="tenant-2", credential_kind="x")
    other = BackupTask.objects.create(account=cast.account, connection=away, service="exchange", name="Gelato")
    drives = BackupTask.objects.create(account=cast.account, connection=away, service="onedrive", name="Drives")
    gina = make_entity("Xenia abroad", "x0@gelato.example", task=other)
    refused = [
        make_entity("Xenia archived", "x1@x.example", task=task, state="archived"),
        make_entity("Xenia gone", "x2@x.example", task=task, reachable=False),
        make_entity("Xenia leaving", "x3@x.example", task=task, state="deleting"),
        make_entity("Xenia secret", "x4@x.example", task=task, limited=True),
        make_entity("Xenia drive", "x5@x.example", task=drives),
        backup.entity,
    ]
    client.force_login(cast.restorer)
    found = options(client, backup.entity, "xenia")
    assert str(gina.public_id) in found and "in another organisation" in found
    assert "Xenia abroad" not in options(client, backup.entity, "xenia", home="1"), "the wizard stays at home"
    for entity in refused:
        assert str(entity.public_id) not in found, entity
        assert choose(client, backup, other=str(entity.public_id)).status_code == 422, entity
    assert choose(client, backup, other="nonsense").status_code == 422
    assert not Plan.objects.exists()
    sees = member(
        cast.account, "lim@pizza-perfecto.example", Role.RESTORE_OPERATOR, extra_permissions=["limited_access"]
    )
    client.force_login(sees)
    assert "Xenia secret" in options(client, backup.entity, "secret")
    assert "Xenia drive" not in options(client, backup.entity, "drive")


def lost(name: str, task: BackupTask, days: int = 1, **fields: Any) -> Mailbox:
    """A mailbox that is gone at the source, with backups from 1 November on."""
    box = Mailbox(
        make_entity(name, f"{name.lower()}@pizza-perfecto.example", task=task, reachable=False, **fields)
    )
    box.folder("inbox", "Inbox")
    for _ in range(days):
        box.day()
    return box


def tick(client: Client, *ticked: Entity, shown: Any = None, **more: Any) -> Any:
    data = {"pick": [each.public_id for each in ticked], "shown": [each.public_id for each in shown or ticked]}
    return client.post(reverse("recovery_lost"), data | more)


def answers(picked: dict[Entity, tuple[str, Entity]], **more: str) -> dict[str, str]:
    said = dict(more)
    for entity, (day, target) in picked.items():
        said[f"day-{entity.public_id.hex}"] = day
        said[f"target-{entity.public_id.hex}"] = str(target.public_id)
    return said


def test_several_deleted_mailboxes_come_back_at_once_from_any_day_of_theirs(
    rita: Client, backup: Snapshot
) -> None:
    task, page = backup.entity.task, reverse("recovery_lost_selected")
    Entity.objects.filter(pk=backup.entity_id).update(state="archived")
    carla, anna = lost("Carla", task, days=30), make_entity("Anna", "anna@x.example", task=task)
    Mailbox(carla.entity, sub_service="settings").day(run=Snapshot.objects.latest("pk").run)
    assert tick(rita, go="1").status_code == 422, "nothing is selected"
    assert tick(rita, backup.entity, carla.entity, go="1").url == page
    wanted = {backup.entity: ("2026-11-01", anna), carla.entity: ("2026-11-03", anna)}
    half = {
        key: value for key, value in answers(wanted).items() if key != f"target-{carla.entity.public_id.hex}"
    }
    refused = rita.post(page, half)
    assert refused.status_code == 422 and "takes what Carla held" in refused.content.decode()
    assert rita.post(page, answers(wanted | {carla.entity: ("2026-10-31", anna)})).status_code == 422, (
        "too early"
    )
    assert not Plan.objects.exists()
    assert "2026-11-03" not in rita.get(page).content.decode()
    rita.post(page, answers(wanted, find="x"))
    kept = rita.get(page).content.decode()
    assert "2026-11-03" in kept and kept.count("checked") >= 2, "what was said is kept"
    answer = rita.post(page, answers(wanted))
    plans = {plan.source.name: plan for plan in Plan.objects.select_related("source", "run")}
    assert plans["Carla"].run.started_at.day == 3, "not one of the last fourteen"
    assert plans["Carla"].options["root"] == "Carla (Restored)" and plans["Bob Smith"].target == anna
    assert "No mailbox is selected" in rita.get(page).content.decode()
    Plan.objects.update(state="ready")
    assert "Restore 2 mailboxes" in rita.get(answer.url).content.decode()
    rita.post(reverse("recovery_lost_start", args=[plans["Carla"].batch]))
    assert Job.objects.filter(kind="restore").count() == 2


def test_settings_and_rules_of_a_deleted_mailbox_come_along_only_when_asked_for(
    rita: Client, backup: Snapshot
) -> None:
    task = backup.entity.task
    carla, anna = lost("Carla", task), make_entity("Anna", "anna@x.example", task=task)
    Mailbox(carla.entity, sub_service="settings").day(run=Snapshot.objects.latest("pk").run)
    for more, kinds in (({}, {"mail"}), ({"settings": "on"}, {"mail", "settings"})):
        tick(rita, carla.entity)
        rita.post(reverse("recovery_lost_selected"), answers({carla.entity: ("2026-11-30", anna)}, **more))
        parts = PlanPart.objects.filter(plan=Plan.objects.latest("pk"))
        assert set(parts.values_list("snapshot__sub_service", flat=True)) == kinds


def test_all_deleted_mailboxes_are_reached_by_pages_and_letters_and_ticks_stay(
    cast: Cast, rita: Client, backup: Snapshot
) -> None:
    crowd(backup.entity.task, 120)
    Entity.objects.filter(name__startswith="Number").update(
        reachable=False, first_snapshot_at=backup.taken_at, last_snapshot_at=backup.taken_at
    )
    zoe = lost("Zoe", backup.entity.task, limited=True).entity
    first = rita.get(reverse("recovery_lost"))
    seen, page = set(), first
    while True:
        entities = page.context["page"].items
        seen |= {each.name for each in entities}
        if not page.context["next_url"]:
            break
        tick(rita, entities[0], shown=entities)
        page = rita.get(page.context["next_url"])
    assert len(seen) == 120 and "Zoe" not in seen, "who is out of sight is not offered"
    assert "2 mailboxes selected" in page.content.decode()
    text = rita.get(reverse("recovery_lost"), {"q": "number00077"}).content.decode()
    assert text.count('data-row name="pick"') == 1 and "2 mailboxes selected" in text
    assert tick(rita, zoe, go="1").url and not LostPick.objects.filter(entity=zoe).exists()
    every = list(Entity.objects.filter(name__startswith="Number"))
    assert tick(rita, *every).status_code == 422, "so many at once are refused, and it is said"
    tick(rita, clear="1")
    assert not LostPick.objects.exists()


def test_who_was_made_anew_under_the_old_address_is_chosen_already(rita: Client, backup: Snapshot) -> None:
    task = backup.entity.task
    carla = lost("Carla", task).entity
    anew = make_entity("Carla", carla.address, task=task, remote_id="new")
    tick(rita, carla)
    assert LostPick.objects.get().target == anew
    text = rita.get(reverse("recovery_lost_selected")).content.decode()
    assert f'value="{anew.public_id}" checked' in text
    Entity.objects.filter(pk=anew.pk).update(limited=True)
    assert str(anew.public_id) not in rita.get(reverse("recovery_lost_selected")).content.decode()
    away = answers({carla: ("2026-11-30", anew)})
    assert rita.post(reverse("recovery_lost_selected"), away).status_code == 422 and not Plan.objects.exists()
