"""Exports over all kinds of data: every item in a format of its kind, and as the provider told it."""

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
import vobject
from ical.calendar_stream import IcsCalendarStream

from apps.accounts.enums import ROLE_PERMISSIONS, Role
from apps.backups.models import Snapshot
from apps.backups.selectors.points import point_of
from apps.connectors.documents import canonical
from apps.core.actor import Actor, acting_as
from apps.core.scope import account_scope
from apps.jobs import runner
from apps.jobs.models import Job
from apps.recovery.exports.files import folder_of, parts_of
from apps.recovery.exports.options import Options
from apps.recovery.exports.start import export_start
from apps.recovery.models import Destination
from apps.recovery.services import selection_everything
from tests.cast import Cast
from tests.recovery.factories import FIRST_DAY, Mailbox, mail, make_entity, store, store_document
from tests.recovery.test_formats import CONTACT, SERIES, TASK

PLAN = b"%PDF" + b"plan" * 200_000
MOVED = SERIES["exceptionOccurrences"][0] | {"attachments": [{"name": "map.png", "part": 1}]}
EVENT = SERIES | {
    "attachments": [{"name": "plan?.pdf", "contentType": "application/pdf", "part": 0}],
    "exceptionOccurrences": [MOVED],
}
PHOTO = b"\x89PNG\r\n\x1a\n" + b"x" * 30
ANNA = CONTACT | {"attachments": [{"name": "photo", "contentType": "image/png", "part": 0}]}
IDA = {"displayName": "Ida"}
ODD = {"recurrence": {"pattern": {"type": "fortnightly", "interval": 1}}}
NOTE = {"subject": "Mill", "body": {"contentType": "html", "content": "<p>Rye</p><script>x()</script>"}}


def fill(mailbox: Mailbox, folder: str, items: dict[str, bytes]) -> Snapshot:
    mailbox.folder(f"{mailbox.sub_service}-folder", folder)
    for number, (name, content) in enumerate(items.items()):
        fields: dict[str, Any] = {"time": FIRST_DAY + timedelta(hours=number), "size": 10}
        mailbox.item(
            f"{mailbox.sub_service}-{number}", f"{mailbox.sub_service}-folder", name, content=content, **fields
        )
    return mailbox.day()


@pytest.fixture
def everything(cast: Cast, transactional_db: None, tmp_path: Any, settings: Any) -> Any:
    settings.DATA_DIR = tmp_path
    rita = Actor("user", "Rita", cast.restorer.pk, ROLE_PERMISSIONS[Role.ADMINISTRATOR], services=None)
    with account_scope(cast.account.pk), acting_as(rita):
        entity = make_entity()
        kept = {
            "mail": ("Inbox", {"Hello": store(mail("Hello"))}),
            "calendars": ("Calendar", {"Dough, weekly": store_document(EVENT, PLAN, PHOTO)}),
            "contacts": ("Family", {"Anna": store_document(ANNA, PHOTO), "Ida": store_document(IDA)}),
            "tasks": ("Shopping", {"Order flour": store_document(TASK), "Odd": store_document(ODD)}),
            "notes": ("Notes", {"Mill": store_document(NOTE)}),
            "settings": ("Mailbox settings", {"Rule: To Anna": store_document({"displayName": "To Anna"})}),
        }  # fmt: skip
        yield [fill(Mailbox(entity, sub_service=kind), *what) for kind, what in kept.items()]


def export(
    snapshots: list[Snapshot], destination: Destination | None = None, **options: Any
) -> tuple[Job, dict[str, bytes]]:
    for snapshot in snapshots:
        selection_everything(snapshot=snapshot)
    job = export_start(point=point_of(snapshots[-1].run), options=Options(**options), destination=destination)
    runner.run(job.pk)
    job.refresh_from_db()
    found: dict[str, bytes] = {}
    for part in [] if destination else parts_of(job):
        archive = zipfile.ZipFile(folder_of(job) / part.name)
        assert archive.testzip() is None
        found |= {name: archive.read(name) for name in archive.namelist()}
    return job, found


def test_every_kind_leaves_in_its_format_and_as_it_was_told(everything: list[Snapshot]) -> None:
    job, found = export(everything)
    assert (job.state, job.items_done) == ("succeeded", 8), job.message
    assert found["Calendar/Calendar/Dough, weekly.json"] == canonical(EVENT)
    assert found["Calendar/Calendar/Dough, weekly files/plan_.pdf"] == PLAN
    assert found["Calendar/Calendar/Dough, weekly files/map.png"] == PHOTO
    event = found["Calendar/Calendar/Dough, weekly.ics"].decode().replace("\r\n ", "")
    assert "Dough%2C%20weekly%20files/plan_.pdf" in event, "too large to stand inside: it is linked"
    whole = IcsCalendarStream.calendar_from_ics(found["Calendar/Calendar/All events.ics"].decode())
    assert [each.summary for each in whole.events] == ["Dough, weekly", "Dough, moved"]
    assert found["Contacts/Family/Anna files/photo.png"] == PHOTO
    assert b"PHOTO:data:image/png" in found["Contacts/Family/Anna.vcf"]
    book = vobject.readComponents(found["Contacts/Family/All contacts.vcf"].decode())
    assert sorted(card.fn.value for card in book) == ["Ida", "Żółć, Anna; Dr."]
    rows = list(csv.DictReader(io.StringIO(found["Tasks/Shopping/All tasks.csv"].decode("utf-8-sig"))))
    assert [row["Subject"] for row in rows] == ["", "Order flour"]
    assert b"Rye" in found["Notes/Notes/Mill.html"] and b"script" not in found["Notes/Notes/Mill.html"]
    assert found["Notes/Notes/Mill.txt"] == b"Mill\n\nRye\n"
    assert b"Display name: To Anna" in found["Mailbox settings/Mailbox settings/Rule_ To Anna.txt"]
    said = json.loads(found["Mail/Inbox/All messages.jsonl"])
    assert said["file"] == "Mail/Inbox/Hello.eml" and said["id"] == "mail-0"


def test_what_has_no_such_form_leaves_as_json_and_the_list_says_so(everything: list[Snapshot]) -> None:
    _, found = export(everything)
    assert "Tasks/Shopping/Odd.ics" not in found and "Tasks/Shopping/Odd.json" in found
    (row,) = [row for row in lists(found) if row[2] == "Odd"]
    assert row[6] == "Tasks/Shopping/Odd.json" and "fortnightly" in str(row[8])


def lists(found: dict[str, bytes]) -> list[list[Any]]:
    """Return the rows of all list files, as the page in the archive reads them."""
    scripts = [
        data.decode() for name, data in found.items() if name.startswith("index/part-") and name.endswith(".js")
    ]
    return [row for text in scripts for row in json.loads(text[len("everkeep(") : -3])["rows"]]


def test_the_last_part_lists_all_parts_and_every_path_is_there(everything: list[Snapshot]) -> None:
    job, found = export(everything, part_bytes=5_000)
    parts = parts_of(job)
    assert len(parts) > 1 and sum(part.items for part in parts) == 8
    archive = zipfile.ZipFile(folder_of(job) / parts[-1].name)
    last = {name: archive.read(name) for name in archive.namelist()}
    assert {"index.html", "index/list.js", "index/list.css"} <= set(last)
    rows = lists(last)
    assert sorted(row[6] for row in rows) == sorted(row[6] for row in lists(found)) and len(rows) == 8
    assert all(row[6] in found for row in rows)


def test_what_was_deleted_earlier_comes_along_when_asked_for(everything: list[Snapshot]) -> None:
    mailbox = Mailbox(everything[0].entity, number=1, sub_service="mail")
    mailbox.folder("mail-folder", "Inbox")
    mailbox.item("old", "mail-folder", "Old order", content=store(mail("Old order")))
    mailbox.item("moved", "mail-folder", "Moved", content=store(mail("Moved")))
    mailbox.day()
    mailbox.remove("old")
    mailbox.folder("other", "Orders")
    mailbox.move("moved", "other")
    last = [mailbox.day()]
    _, found = export(last, deleted=True)
    assert {name for name in found if name.endswith(".eml")} == {
        "Mail/Inbox/Hello.eml", "Mail/Orders/Moved.eml", "Mail/Deleted earlier/Inbox/Old order.eml",
    }  # fmt: skip
    _, without = export(last)
    assert not [name for name in without if "Old order" in name]
