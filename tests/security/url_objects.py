"""What the addresses of `url_table.py` name: each made in the account of the cast."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from apps.accounts.models import (
    AllowedAddress,
    ApiToken,
    Approval,
    Partner,
    PartnerCustomer,
    PartnerMembership,
    SupportGrant,
    User,
)
from apps.activation.models import Rule
from apps.alerts.models import Alert
from apps.backups.models import BackupTask, Deletion, Entity, Erasure, Hook, Policy, Report, Run, Snapshot, Tag
from apps.backups.reports.letters import link_of
from apps.backups.selectors.browse import node_key
from apps.billing.models import Invoice
from apps.core import clock
from apps.core.actor import Actor, acting_as
from apps.core.ids import new_public_id
from apps.core.scope import account_scope
from apps.jobs.models import Job
from apps.notifications.letters import Letter
from apps.notifications.models import Delivery, Recipient
from apps.notifications.services import letter_store
from apps.notifications.unsubscribing import unsubscribe_address
from apps.recovery.exports.destinations.s3 import sealed
from apps.recovery.exports.links import link_token
from apps.recovery.models import Destination, Drill
from apps.search.models import SavedSearch
from apps.vault.models import Shelf, VaultCheck
from tests.activation.makers import make_rule
from tests.backups.makers import make_connection, make_mailbox, make_run, make_task
from tests.billing import page_makers
from tests.cast import Cast
from tests.jobs.conftest import new_job
from tests.recovery.every_kind import CONTACT, store_document
from tests.recovery.factories import Mailbox, make_entity, make_export, make_plan, store
from tests.vault.own_stores import make_own_store, make_shelf

LETTER = (
    b"Subject: Papers\r\nFrom: a@b.example\r\nContent-Type: multipart/mixed; boundary=r\r\n\r\n"
    b"--r\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    b'--r\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename="a.txt"\r\n\r\n'
    b"Inside\r\n--r--"
)

Args = Callable[[Cast], list[object]]


def a_card(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [page_makers.make_card(cast.account).public_id]


def an_invoice(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        page_makers.make_details()
        invoice = page_makers.make_invoice(cast.account)
        Invoice.objects.filter(pk=invoice.pk).update(pdf=b"%PDF-")  # else the first look at it makes it
        return [invoice.public_id]


def a_count(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        page_makers.make_count(new_public_id())
    return ["exchange", "entity"]


def nothing(cast: Cast) -> list[object]:
    return []


def words(*values: object) -> Args:
    return lambda cast: list(values)


def an_account(cast: Cast) -> list[object]:
    return [cast.account.public_id]


def a_member(cast: Cast) -> list[object]:
    return [cast.viewer.memberships.get().public_id]


def a_job(cast: Cast) -> list[object]:
    """A restore that the owner started; the others did not."""
    return [new_job(cast.owner).public_id]


def a_connection(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [make_connection(cast.account).public_id]


def a_secret_connection(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [make_connection(cast.account, credential_kind="client_secret").public_id]


def a_grant(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        ends_at = clock.now() + timedelta(hours=1)
        return [SupportGrant.objects.create(account=cast.account, reason="Look", ends_at=ends_at).public_id]


def an_approval(cast: Cast) -> list[object]:
    """The operator proposed it."""
    with account_scope(cast.account.pk):
        now = clock.now()
        row = Approval.objects.create(
            account=cast.account, act="two_person.off", label="Switch the rule off", opens_at=now,
            expires_at=now + timedelta(days=7), proposer_id=cast.operator.pk, proposer_label="Oskar",
        )  # fmt: skip
        return [row.public_id]


def a_relation(cast: Cast) -> list[object]:
    return [_relation(cast).public_id]


def a_colleague(cast: Cast) -> list[object]:
    """Somebody else of the partner that looks after the account."""
    user = User.objects.create_user(f"{uuid4().hex}@partners.example")
    return [PartnerMembership.objects.create(partner=_relation(cast).partner, user=user).public_id]


def the_account(cast: Cast) -> list[object]:
    return [cast.account.public_id]


def a_task(cast: Cast) -> list[object]:
    return [_task(cast).public_id]


def a_policy(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [Policy.objects.create(account=cast.account, name="Chefs").public_id]


def a_hook(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account))
        url = "https://hooks.example/in"
        return [Hook.objects.create(account=cast.account, task=task, moment="after", url=url).public_id]


def a_recipient(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        made = Recipient.objects.create(account=cast.account, address="desk@partner.example", limited=True)
        return [made.public_id]


def a_lost_letter(cast: Cast) -> list[object]:
    """One that was given up; its words are kept."""
    letter = Letter("notification_test", {"who": "Olivia"})
    with account_scope(cast.account.pk):
        made = letter_store("summary", letter, "desk@partner.example", None)
        Delivery.objects.update(state="failed", next_try_at=None)
        return [made.public_id]


def a_wish(cast: Cast) -> list[object]:
    """The link of a mail that ends letters of its kind."""
    made = Delivery(account=cast.account, address="desk@partner.example", kind="summary")
    return [unsubscribe_address(made).rstrip("/").rpartition("/")[2]]


def a_report_link(cast: Cast) -> list[object]:
    """The signed part of the link to a report's table."""
    with account_scope(cast.account.pk):
        now = clock.now()
        made = Report.objects.create(
            account=cast.account, since=now, until=now, format="overview", way="link", zone="UTC"
        )
    return [link_of(made).rpartition("/")[2].removesuffix(".csv")]


def a_tag(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [Tag.objects.create(account=cast.account, name="Kitchen").public_id]


def a_saved_search(cast: Cast) -> list[object]:
    mine = Actor(kind="user", user_id=cast.owner.pk)
    with account_scope(cast.account.pk), acting_as(mine):
        saved = SavedSearch.objects.create(
            account=cast.account, user=cast.owner, name="Lunch", key="lunch", text="pizza"
        )
    return [saved.public_id]


def an_entity(cast: Cast) -> list[object]:
    return [_entity(cast).public_id]


def an_alert(cast: Cast) -> list[object]:
    entity = _entity(cast)
    with account_scope(cast.account.pk):
        row = Alert.objects.create(
            account=cast.account, kind="mass_deletion", metric="removed", severity="critical", entity=entity,
            task=entity.task, service=entity.task.service, key=f"mass:{entity.pk}", facts={"value": 9},
        )  # fmt: skip
    return [row.public_id]


def a_deletion(cast: Cast) -> list[object]:
    task, now = _task(cast), clock.now()
    with account_scope(cast.account.pk):
        row = Deletion.objects.create(
            account=cast.account, task=task, service=task.service, label="Delete Bob of Mail", ends_at=now
        )
    return [row.public_id]


def an_erasure(cast: Cast) -> list[object]:
    entity, now = _entity(cast), clock.now()
    with account_scope(cast.account.pk):
        row = Erasure.objects.create(
            account=cast.account, entity=entity, entity_public_id=entity.public_id, service=entity.task.service,
            entity_label=entity.name, task_label=entity.task.name, label="Erase 1 item", ends_at=now,
        )  # fmt: skip
    return [row.public_id]


def a_way_to_activate(cast: Cast) -> list[object]:
    return [*a_task(cast), "pattern"]


def a_rule(cast: Cast) -> list[object]:
    """One that is followed every day."""
    return [_rule(cast, state="active", mode="daily").public_id]


def a_draft(cast: Cast) -> list[object]:
    return [_rule(cast).public_id]


def a_run(cast: Cast) -> list[object]:
    entity = _entity(cast)
    with account_scope(cast.account.pk):
        run: Run = make_run(entity)
    return [run.public_id]


def an_invitation(cast: Cast) -> list[object]:
    """The open one of the cast; in another account one of its own."""
    found, _ = cast.account.invitations.get_or_create(
        email=cast.invited.email,
        defaults={"role": "auditor", "token_hash": "1" * 64, "expires_at": clock.now()},
    )
    return [found.public_id]


def a_check(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [VaultCheck.objects.create(account=cast.account, tier="sample").public_id]


def a_drill(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        drill = Drill.objects.create(
            account=cast.account, task=_task(cast), state="passed", report="{}", signature="00"
        )
    return [drill.public_id]


def a_backup(cast: Cast) -> list[object]:
    """A committed backup of a mailbox with one message, `m1`, that has an attachment."""
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox", well_known="inbox")
        box.item("m1", "inbox", "Papers", content=store(LETTER), size=len(LETTER), has_attachments=True)
        return [box.day().public_id]


def a_point(cast: Cast) -> list[object]:
    """The same backup by the run that made it."""
    with account_scope(cast.account.pk):
        return [Snapshot.objects.get(public_id=a_backup(cast)[0]).run.public_id]


def a_message(cast: Cast) -> list[object]:
    return [*a_backup(cast), node_key("m1")]


def a_contact(cast: Cast) -> list[object]:
    """An item that is kept as a document."""
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity(), "contacts")
        box.item("c1", None, "Giulia Conti", content=store_document(CONTACT))
        return [box.day().public_id, node_key("c1")]


def an_attachment(cast: Cast) -> list[object]:
    return [*a_message(cast), 1]


def a_plan(cast: Cast) -> list[object]:
    """A plan that the owner made; it failed, so that nothing can be started."""
    snapshot_id = a_backup(cast)[0]
    with account_scope(cast.account.pk):
        snapshot = Snapshot.objects.select_related("entity").get(public_id=snapshot_id)
        plan = make_plan(snapshot, user_id=cast.owner.pk, mode="skip", state="failed")
    return [plan.public_id]


def a_restore(cast: Cast) -> list[object]:
    """The owner's restore that is over and wrote nothing, so that its undo does nothing."""
    snapshot_id = a_backup(cast)[0]
    with account_scope(cast.account.pk):
        snapshot = Snapshot.objects.select_related("entity", "run").get(public_id=snapshot_id)
        entity_id = snapshot.entity.public_id
        job = Job.objects.create(
            account=cast.account,
            kind="restore",
            state="succeeded",
            entity_id=entity_id,
            finished_at=clock.now(),
        )
        make_plan(snapshot, user_id=cast.owner.pk, mode="skip", state="started", job=job)
    return [job.public_id]


def some_plans(cast: Cast) -> list[object]:
    """Plans that the owner made together; the only one failed."""
    snapshot_id = a_backup(cast)[0]
    with account_scope(cast.account.pk):
        snapshot = Snapshot.objects.select_related("entity", "run").get(public_id=snapshot_id)
        plan = make_plan(
            snapshot, user_id=cast.owner.pk, mode="new_root", state="failed", batch=new_public_id()
        )
    return [plan.batch]


def a_store(cast: Cast) -> list[object]:
    """A store of the account's own, at an address where nothing may be."""
    return [make_own_store(cast.account.pk).public_id]


def a_shelf(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        found = Shelf.objects.first()
    return [(found or make_shelf(cast.account.pk)).public_id]


def an_address(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        entry = AllowedAddress.objects.create(account=cast.account, first="203.0.113.0", last="203.0.113.15")
    return [entry.public_id]


def a_token(cast: Cast) -> list[object]:
    """A token of the owner."""
    token = ApiToken.objects.create(
        membership=cast.owner.memberships.get(),
        name="Nightly",
        digest=uuid4().hex,
        expires_at=clock.now() + timedelta(days=1),
    )
    return [token.public_id]


def a_user(cast: Cast) -> list[object]:
    return [cast.viewer.memberships.get().public_id]


NOWHERE = "s3://a-bucket?endpoint=https%3A%2F%2F127.0.0.1%3A9&addressing=path&region=us-east-1"


def an_export(cast: Cast) -> list[object]:
    return [make_export(cast).public_id]


def a_destination(cast: Cast) -> list[object]:
    """A bucket at an address where nothing may be."""
    with account_scope(cast.account.pk):
        row = Destination(account=cast.account, name="Mine", kind="s3", url=NOWHERE)
        row.sealed_credentials = sealed(row, {"key_id": "key", "secret": "secret"})
        row.save()
    return [row.public_id]


def an_export_part(cast: Cast) -> list[object]:
    return [make_export(cast).public_id, 1]


def an_export_link(cast: Cast) -> list[object]:
    return [link_token(make_export(cast))]


def _relation(cast: Cast) -> PartnerCustomer:
    """The one of the cast; another account gets a partner of its own."""
    found = PartnerCustomer.objects.filter(account=cast.account).first()
    return found or PartnerCustomer.objects.create(
        partner=Partner.objects.create(name="Sushi Support"), account=cast.account, role="auditor"
    )


def _task(cast: Cast) -> BackupTask:
    with account_scope(cast.account.pk):
        return make_task(make_connection(cast.account))


def _rule(cast: Cast, **fields: str) -> Rule:
    task = _task(cast)
    with account_scope(cast.account.pk):
        return make_rule(task, **fields)


def _entity(cast: Cast) -> Entity:
    task = _task(cast)
    with account_scope(cast.account.pk):
        return make_mailbox(task, "Bob Smith")
