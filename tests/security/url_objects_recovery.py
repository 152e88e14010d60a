"""Backups, restores and exports that addresses name."""

from apps.backups.models import Snapshot
from apps.backups.selectors.browse import node_key
from apps.core import clock
from apps.core.ids import new_public_id
from apps.core.scope import account_scope
from apps.jobs.models import Job
from apps.recovery.exports.destinations.s3 import sealed
from apps.recovery.exports.links import link_token
from apps.recovery.models import Destination, Drill
from tests.cast import Cast
from tests.recovery.every_kind import CONTACT, store_document
from tests.recovery.factories import Mailbox, make_entity, make_export, make_plan, store
from tests.security.url_objects import task_of

LETTER = (
    b"Subject: Papers\r\nFrom: a@b.example\r\nContent-Type: multipart/mixed; boundary=r\r\n\r\n"
    b"--r\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    b'--r\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename="a.txt"\r\n\r\n'
    b"Inside\r\n--r--"
)


def a_drill(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        drill = Drill.objects.create(
            account=cast.account, task=task_of(cast), state="passed", report="{}", signature="00"
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
