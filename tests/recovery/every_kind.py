"""Bob's mailbox with every kind of data, committed day by day without a cloud."""

from datetime import datetime, timedelta
from typing import Any

from apps.backups.enums import Verdict
from apps.backups.models import Entity, Run
from apps.connectors.documents import canonical
from apps.core.scope import current_account_id
from apps.vault.api import Role, encode_content, open_writer
from tests.recovery.factories import FIRST_DAY, Mailbox, mail, store

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)

CONTACT: dict[str, Any] = {
    "displayName": "Giulia Conti", "companyName": "Latteria Colli", "jobTitle": "Sales",
    "emailAddresses": [{"name": "Giulia", "address": "giulia@latteria.example"}],
    "businessPhones": ["+49 69 5550"], "birthday": "1604-03-04T00:00:00Z",
    "businessAddress": {"street": "Via Roma 1", "city": "Parma"},
    "personalNotes": "Asks for <b>early</b> orders.",
    "attachments": [{"name": "photo", "contentType": "image/png", "part": 0}],
}  # fmt: skip
SERIES: dict[str, Any] = {
    "subject": "Shift plan", "type": "seriesMaster", "isAllDay": False,
    "organizer": {"emailAddress": {"name": "Agata Brown", "address": "agata@pizza-perfecto.example"}},
    "start": {"dateTime": "2026-11-02T08:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-11-02T08:30:00.0000000", "timeZone": "UTC"},
    "attendees": [
        {"emailAddress": {"name": "Bob Smith", "address": "bob@pizza-perfecto.example"}, "type": "required",
         "status": {"response": "accepted"}},
    ],
    "exceptionOccurrences": [
        {"originalStart": "2026-11-09T08:00:00Z", "subject": "Shift plan, moved",
         "start": {"dateTime": "2026-11-10T09:00:00", "timeZone": "UTC"},
         "end": {"dateTime": "2026-11-10T09:30:00", "timeZone": "UTC"}},
    ],
    "cancelledOccurrences": ["OID.AAA.2026-11-16"],
    "body": {"contentType": "html",
             "content": "<p>Bring the <b>list</b></p><script>alert(1)</script><img src='https://evil.example/x'>"},
    "attachments": [
        {"name": "plan.pdf", "size": 9, "part": 0},
        {"name": "Shared drive", "@odata.type": "#microsoft.graph.referenceAttachment"},
    ],
}  # fmt: skip
TASK: dict[str, Any] = {
    "title": "Clean the oven", "status": "inProgress", "importance": "high",
    "dueDateTime": {"dateTime": "2026-11-20T00:00:00.0000000", "timeZone": "UTC"},
    "checklistItems": [
        {"displayName": "Let it cool", "isChecked": True}, {"displayName": "Scrub", "isChecked": False},
    ],
    "body": {"contentType": "text", "content": "With care."},
}  # fmt: skip
NOTE: dict[str, Any] = {
    "subject": "Dough", "lastModifiedDateTime": "2026-11-01T04:00:00Z",
    "body": {"contentType": "text", "content": "72 hours in the cold."},
}  # fmt: skip
RULE: dict[str, Any] = {
    "displayName": "Invoices", "sequence": 1, "isEnabled": True,
    "conditions": {"subjectContains": ["Invoice"]},
    "actions": {"moveToFolder": "AAMk1", "stopProcessingRules": True},
    "folderNames": {"AAMk1": "Paid invoices"},
}  # fmt: skip


def store_document(document: dict[str, Any], *files: bytes) -> bytes:
    """Put a document and its files into the vault; returns the content list of a catalog row."""
    with open_writer(current_account_id()) as writer:
        parts = [writer.put(Role.PROPS, canonical(document))]
        parts += [writer.put(Role.ATTACHMENT, data) for data in files]
        writer.flush()
    return encode_content(parts)


def every_kind(entity: Entity) -> dict[str, Mailbox]:
    """Fill one mailbox with something of each kind; nothing is committed yet."""
    boxes = {
        name: Mailbox(entity, name) for name in ("mail", "calendars", "contacts", "tasks", "notes", "settings")
    }
    boxes["mail"].folder("inbox", "Inbox", well_known="inbox")
    boxes["mail"].folder("recoverable", "Recoverable Items", well_known="recoverableitemsroot")
    letter = mail("Order 1", "Flour.")
    boxes["mail"].item("m1", "inbox", "Order 1", content=store(letter), size=len(letter))
    boxes["mail"].item("m2", "inbox", "Order 2", content=store(letter), size=len(letter))
    boxes["calendars"].folder("cal", "Calendar", well_known="calendar")
    boxes["calendars"].item(
        "series", "cal", "Shift plan", author="Agata Brown <agata@pizza-perfecto.example>", size=900,
        content=store_document(SERIES, b"%PDF-1.7\n"), has_attachments=True, time=FIRST_DAY,
        props=canonical({
            "start": "2026-11-02T08:00:00Z", "end": "2026-11-02T08:30:00Z", "isAllDay": False,
            "type": "seriesMaster", "recurrence": "Every week on Monday", "location": "Kitchen",
        }),
    )  # fmt: skip
    boxes["calendars"].item(
        "holiday", "cal", "Kitchen closed", author="", size=300, time=FIRST_DAY + timedelta(days=3),
        content=store_document({"subject": "Kitchen closed", "isAllDay": True}),
        props=canonical({
            "start": "2026-12-24T00:00:00Z", "end": "2026-12-27T00:00:00Z", "isAllDay": True,
            "type": "singleInstance", "recurrence": "", "location": "",
        }),
    )  # fmt: skip
    boxes["contacts"].folder("people", "Contacts", well_known="contacts")
    boxes["contacts"].item(
        "giulia", "people", "Giulia Conti", author="giulia@latteria.example", recipients="Latteria Colli",
        size=700, content=store_document(CONTACT, PNG),
        props=canonical({
            "email": "giulia@latteria.example", "phone": "+49 69 5550", "address": "Via Roma 1, Parma",
            "jobTitle": "Sales", "company": "Latteria Colli",
        }),
    )  # fmt: skip
    boxes["tasks"].folder("todo", "Tasks", well_known="defaultList")
    boxes["tasks"].item(
        "oven", "todo", "Clean the oven", author="", size=400, content=store_document(TASK),
        props=canonical({
            "status": "inProgress", "due": "2026-11-20", "importance": "high", "completed": "",
            "checklist": "1 of 2",
        }),
    )  # fmt: skip
    boxes["notes"].folder("notes", "Notes", well_known="notes")
    boxes["notes"].item(
        "dough", "notes", "Dough", author="", size=200, content=store_document(NOTE),
        props=canonical({"preview": "72 hours in the cold."}),
    )  # fmt: skip
    boxes["settings"].item(
        "rule", None, "Rule: Invoices", author="", size=150, time=None, content=store_document(RULE),
        props=canonical({"type": "rule", "summary": "Move to Invoices"}),
    )  # fmt: skip
    return boxes


def point_day(boxes: dict[str, Mailbox], at: datetime, *, without: tuple[str, ...] = ()) -> Run:
    """Commit a day of these kinds as one run; a run `without` some kinds is partial."""
    entity = next(iter(boxes.values())).entity
    verdict = Verdict.PARTIAL if without else Verdict.SUCCESS
    run = Run.objects.create(
        account_id=entity.account_id, entity=entity, started_at=at, finished_at=at, verdict=verdict
    )
    for name, box in boxes.items():
        if name not in without:
            box.day(at, run=run)
    Run.objects.filter(pk=run.pk).update(verdict=verdict)
    return run
