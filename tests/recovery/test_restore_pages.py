"""The pages of a restore: options, a loud plan, the way to write access, undo, deleted mailboxes."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import ROLE_PERMISSIONS, Role
from apps.accounts.models import Membership
from apps.activity.models import SecurityEvent
from apps.backups.models import BackupTask, Entity, Snapshot
from apps.backups.selectors.points import point_of
from apps.connectors.enums import CredentialKind, Service
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.actor import Actor, acting_as
from apps.core.errors import NotFound, PermissionMissing
from apps.core.scope import account_scope
from apps.jobs.models import Job, JobItem
from apps.notifications.models import Recipient
from apps.notifications.sending import send_due
from apps.recovery.mails import tell_initiator
from apps.recovery.models import Plan
from apps.recovery.restore.plan import Order, RestoreOptions, plan_make, plan_refuse, plan_write
from tests.cast import Cast, member
from tests.recovery.factories import Mailbox, make_entity, make_plan

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def backup(cast: Cast) -> Iterator[Snapshot]:
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox", well_known="inbox")
        box.item("m1", "inbox", "Invoice", size=18_400)
        yield box.day()


@pytest.fixture
def rita(cast: Cast, client: Client) -> Client:
    client.force_login(cast.restorer)
    return client


def abroad(cast: Cast) -> Entity:
    """A mailbox of another organisation of the account."""
    connection = Connection.objects.create(
        account=cast.account,
        tenant_id="tenant-2",
        name="Gelato Gino",
        credential_kind=CredentialKind.CLIENT_SECRET,
    )
    task = BackupTask.objects.create(
        account=cast.account, connection=connection, service=Service.EXCHANGE, name="Gelato"
    )
    return make_entity("Gina", "gina@gelato.example", task=task)


def choose(rita: Client, backup: Snapshot, **data: Any) -> Any:
    rita.post(reverse("recovery_everything", args=[backup.run.public_id]))
    address = reverse("recovery_restore", args=[backup.run.public_id])
    return rita.post(address, {"to": "same", "mode": "new_root"} | data)


def test_what_a_person_wants_stands_in_the_plan(rita: Client, backup: Snapshot, monkeypatch: Any) -> None:
    monkeypatch.setattr("apps.recovery.views.restore.make_plan.after_commit", lambda **_: None)
    answer = choose(rita, backup, mode="duplicate", tag="on", mark_folders="on", backup_first="on", notify="on")
    plan = Plan.objects.get()
    assert answer.url == reverse("recovery_plan", args=[plan.public_id])
    assert (plan.mode, plan.options["root"]) == ("duplicate", "")
    assert all(plan.options[name] for name in ("tag", "mark_folders", "notify"))
    assert not plan.options["backup_first"], "a restorer may not start backups"
    (part,) = plan.parts.all()
    assert part.everything and part.snapshot == backup


def test_a_backup_first_is_for_who_may_start_one(cast: Cast, client: Client, backup: Snapshot) -> None:
    address = reverse("recovery_restore", args=[backup.run.public_id])
    for person, offered in ((cast.restorer, False), (cast.owner, True)):
        client.force_login(person)
        client.post(reverse("recovery_everything", args=[backup.run.public_id]))
        assert ("Back up the mailbox first" in client.get(address).content.decode()) == offered
    order = Order(backup.entity, "skip", RestoreOptions(backup_first=True))
    restorer = Actor("user", "Rita", cast.restorer.pk, ROLE_PERMISSIONS[Role.RESTORE_OPERATOR], services=None)
    with acting_as(restorer), pytest.raises(PermissionMissing):
        plan_write(point=point_of(backup.run), choices=[], order=order)


def test_the_end_of_a_job_is_told_to_who_still_belongs_to_the_account(
    cast: Cast, backup: Snapshot, mailoutbox: Any
) -> None:
    job = Job.objects.create(
        account=cast.account, kind="restore", state="failed", initiator_id=cast.restorer.pk
    )
    tell_initiator(job)
    send_due()
    assert len(mailoutbox) == 1
    Membership.objects.filter(user=cast.restorer).delete()
    tell_initiator(job)
    send_due()
    assert len(mailoutbox) == 1


def test_another_organisation_is_offered_and_needs_a_loud_second_yes(
    cast: Cast, rita: Client, backup: Snapshot
) -> None:
    gina = abroad(cast)
    page = rita.post(reverse("recovery_everything", args=[backup.run.public_id]))
    page = rita.get(reverse("recovery_restore", args=[backup.run.public_id]))
    assert "gina@gelato.example, Gelato, in another organisation: Gelato Gino" in page.content.decode()
    plan = make_plan(backup, target=gina, mode="skip", state="ready", user_id=cast.restorer.pk)
    address = reverse("recovery_plan", args=[plan.public_id])
    text = rita.get(address).content.decode()
    assert "Into another organisation." in text and "Yes, write into Gelato Gino" in text
    start = reverse("recovery_plan_start", args=[plan.public_id])
    assert rita.post(start).url == address and not Job.objects.exists()
    assert rita.post(start, {"abroad": "yes"}).url != address
    assert Job.objects.get().destination_label == "Gina of Gelato Gino, where it was"
    entry = SecurityEvent.objects.get(code="restore.started")
    assert "to a mailbox of Gelato Gino" in entry.description and "Gina" not in str(entry.details)
    assert entry.details["destination_id"] == str(gina.public_id)


def test_a_look_that_comes_too_late_changes_nothing(cast: Cast, backup: Snapshot, monkeypatch: Any) -> None:
    def meanwhile(**changes: Any) -> Plan:
        """What a look leaves of a plan when this happens to it while the target is asked."""
        plan = make_plan(backup, mode="skip", user_id=cast.restorer.pk)

        def asked(target: Entity) -> None:
            Plan.objects.filter(pk=plan.pk).update(**changes)
            raise NotFound("The mailbox is gone.")

        monkeypatch.setattr("apps.recovery.restore.plan.open_target", asked)
        assert plan_make(plan=plan).state == Plan.objects.get(pk=plan.pk).state
        return Plan.objects.get(pk=plan.pk)

    assert meanwhile().state == "failed"
    assert meanwhile(state="started").state == "started", "it would start twice"
    anew = meanwhile(created_at=clock.now() + timedelta(minutes=2))
    assert (anew.state, anew.message) == ("making", ""), "the second look has not said anything yet"
    started = make_plan(backup, mode="skip", state="started", user_id=cast.restorer.pk)
    before = Plan.objects.filter(pk=started.pk).values().get()
    plan_make(plan=started)
    assert plan_refuse(plan=started).state == "started"
    assert Plan.objects.filter(pk=started.pk).values().get() == before


def test_without_write_consent_the_plan_leads_there_and_back(
    cast: Cast, rita: Client, backup: Snapshot, monkeypatch: Any
) -> None:
    looked: list[int] = []
    monkeypatch.setattr(
        "apps.recovery.views.restore.make_plan.after_commit", lambda **sent: looked.append(sent["plan_id"])
    )
    plan = make_plan(backup, mode="skip", state="ready", user_id=cast.restorer.pk, missing=["Mail.ReadWrite"])
    address = reverse("recovery_plan", args=[plan.public_id])
    text = rita.get(address).content.decode()
    assert "Write access is missing" in text and "Mail.ReadWrite" in text and "Restore now" not in text
    assert rita.post(reverse("recovery_plan_start", args=[plan.public_id])).status_code == 400
    assert rita.get(address, {"connection": "x"}).url == address, "coming back looks again"
    assert looked == [plan.pk]


def test_a_restore_that_is_over_says_what_was_not_possible_and_offers_undo(
    cast: Cast, rita: Client, backup: Snapshot
) -> None:
    job = Job.objects.create(
        account=cast.account,
        kind="restore",
        state="succeeded",
        entity_id=backup.entity.public_id,
        items_done=1,
        items_total=1,
        finished_at=clock.now(),
        result={"drift": ["2 planned to be restored, 1 were."]},
    )
    JobItem.objects.create(
        account=cast.account, job=job, key="k", label="Standup", outcome="done", cause="not_possible",
        message="Not possible at Microsoft: attendees are named in the text.",
    )  # fmt: skip
    make_plan(backup, mode="skip", state="started", user_id=cast.owner.pk, job=job)
    text = rita.get(reverse("job", args=[job.public_id])).content.decode()
    for words in ("2 planned to be restored, 1 were.", "1 item came back without", "attendees are named",
                  "Undo this restore"):  # fmt: skip
        assert words in text
    answer = rita.post(reverse("recovery_undo", args=[job.public_id]))
    undo = Job.objects.get(kind="undo")
    assert answer.url == reverse("job", args=[undo.public_id])
    assert "The restore that is taken back" in rita.get(answer.url).content.decode()


def test_what_overwriting_changes_shows_values_to_who_may_look_into_items_alone(
    cast: Cast, client: Client, backup: Snapshot
) -> None:
    samples = [{"kind": "Contacts", "name": "Gina", "fields": [["Phone", "555-0001", "555-0002"]]}]
    rights = ["restore", "backups_page", "view"]
    for name, preview, shown in (("ann", [], False), ("ben", ["preview"], True)):
        user = member(
            cast.account, f"{name}@pizza-perfecto.example", Role.CUSTOM, extra_permissions=rights + preview
        )
        plan = make_plan(backup, mode="replace", state="ready", user_id=user.pk, samples=samples)
        client.force_login(user)
        text = client.get(reverse("recovery_plan", args=[plan.public_id])).content.decode()
        assert "Gina" in text and "Phone" in text
        assert (("555-0001" in text), ("555-0002" in text)) == (shown, shown)


def test_recipients_of_recovery_hear_of_what_they_see_and_the_download_is_for_who_started_it(
    cast: Cast, backup: Snapshot, mailoutbox: Any
) -> None:
    Entity.objects.filter(pk=backup.entity_id).update(limited=True)
    for person in (cast.owner, cast.viewer):
        Recipient.objects.create(
            account=cast.account, address=person.email, user=person, kinds=["recovery"], name=person.name
        )
    job = Job.objects.create(
        account=cast.account,
        kind="restore",
        state="partial",
        initiator_id=cast.restorer.pk,
        entity_id=backup.entity.public_id,
        entity_label="The board",
        items_failed=1_200,
    )
    tell_initiator(job)
    send_due()
    assert [sent.to for sent in mailoutbox] == [["Olivia Romano <olivia.romano@pizza-perfecto.example>"]]
    assert "Failed: 1,200" in mailoutbox[0].body and "done in part" in mailoutbox[0].subject
