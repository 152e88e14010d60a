"""What people keep besides mail: contacts with photos, To Do lists with steps, files and repetitions."""

import base64
from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ..cloud import Cloud
from ..state import things
from ..state.clock import stamp
from ..state.ids import guid
from ..state.mailboxes import Mailbox
from ..state.things import Folder, Thing
from .cast import FIRST, LAST, OUTSIDERS

Document = dict[str, Any]
PHOTO = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_COMPANIES = ("Mozzarella & Figli", "Green Fields Vegetables", "Oven Service Ltd", "City Council", "")
_STREETS = ("1 Mill Lane", "Hauptstraße 7", "Via Roma 22", "4 Harbour View")
_CITIES = ("Leeds", "Köln", "Napoli", "Cork")
_TASKS = (
    "Order flour", "Check the oven", "Call the licensing office", "Plan the rota", "Count the boxes",
    "Renew the insurance", "Answer the review", "Taste the new sauce",
)  # fmt: skip
_STEPS = ("Ask for a price", "Compare", "Decide", "Tell everybody")
FAX = ("string 0x3a24", "String 0x3A24")


def seed_desk(cloud: Cloud, box: Mailbox, random: Random, now: datetime) -> None:
    """Fill one mailbox, the same for the same numbers."""
    db, moment = cloud.db, stamp(now - timedelta(days=30))
    contacts = things.folder_by_well_known(db, box.id, "contacts", "contacts")
    tasks = things.folder_by_well_known(db, box.id, "tasks", "defaultlist")
    if contacts is None or tasks is None:
        return
    suppliers = things.add_folder(db, box.id, "contacts", "Suppliers", parent=contacts.id)
    abroad = things.add_folder(db, box.id, "contacts", "Abroad", parent=suppliers.id)
    for folder, many in ((contacts, 5), (suppliers, 3), (abroad, 2)):
        for _ in range(many):
            thing = things.add(db, folder, _contact(random), moment)
            if random.random() < 0.5:
                things.add_file(db, thing, {"contentType": "image/png"}, PHOTO, moment, role="photo")
            if random.random() < 0.3:
                things.set_value(db, thing, *FAX, f"+44 113 {random.randint(100000, 999999)}")
    opening = things.add_folder(db, box.id, "tasks", "Opening")
    for number, title in enumerate(random.sample(_TASKS, 6)):
        _add_task(cloud, (tasks, opening)[number % 2], random, title, now, moment)


def _contact(random: Random) -> Document:
    first, last = random.choice(FIRST), random.choice(LAST)
    name, address = random.choice(OUTSIDERS)
    if random.random() < 0.7:
        name, address = f"{first} {last}", f"{first}.{last}{random.randint(1, 99)}@customer.example".lower()
    doc: Document = {
        "displayName": name,
        "fileAs": f"{last}, {first}",
        "givenName": first,
        "surname": last,
        "companyName": random.choice(_COMPANIES) or None,
        "jobTitle": random.choice(("Sales", "Owner", "Engineer", None)),
        "emailAddresses": [{"name": name, "address": address}],
        "businessPhones": [f"+44 113 {random.randint(100000, 999999)}"],
        "mobilePhone": f"+44 7700 {random.randint(100000, 999999)}",
        "categories": ["Suppliers"] if random.random() < 0.3 else [],
    }
    place = random.randrange(len(_CITIES))
    doc["businessAddress"] = {"street": _STREETS[place], "city": _CITIES[place], "postalCode": "12 345"}
    if random.random() < 0.4:
        doc |= {
            "birthday": f"19{random.randint(50, 99)}-07-14T11:59:00Z",
            "personalNotes": "Likes it crispy.\nرقم",
        }
    return doc


def _day(moment: datetime) -> Document:
    return {"dateTime": f"{moment:%Y-%m-%d}T00:00:00.0000000", "timeZone": "UTC"}


def _add_task(cloud: Cloud, folder: Folder, random: Random, title: str, now: datetime, moment: str) -> Thing:
    due = now + timedelta(days=random.randint(-20, 20))
    doc: Document = {
        "title": title,
        "status": "notStarted",
        "importance": random.choice(("low", "normal", "normal", "high")),
        "isReminderOn": False,
        "dueDateTime": _day(due),
    }
    if random.random() < 0.5:
        steps = random.sample(_STEPS, 3)
        doc["checklistItems"] = [
            {
                "id": guid(title, moment, step),
                "displayName": step,
                "isChecked": n == 0,
                "createdDateTime": moment,
            }
            for n, step in enumerate(steps)
        ]
    if random.random() < 0.4:
        doc["body"] = {"contentType": "text", "content": "See the note on the board."}
    if random.random() < 0.3:
        doc["recurrence"] = {
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "sunday"},
            "range": {"type": "noEnd", "startDate": f"{due:%Y-%m-%d}"},
        }
    thing = things.add(cloud.db, folder, doc, moment)
    if random.random() < 0.3:
        kind = {"@odata.type": "#microsoft.graph.taskFileAttachment", "name": "Prices.txt"}
        things.add_file(cloud.db, thing, {**kind, "contentType": "text/plain"}, b"Flour 1.20\n", moment)
    return thing


def use_desk(cloud: Cloud, box: Mailbox, random: Random, today: datetime, done: Counter[str]) -> None:
    """One day: a contact is changed, made or deleted, a task is ticked off or added."""
    db, now = cloud.db, stamp(today + timedelta(hours=random.randint(1, 9)))
    contacts = things.every(db, box.id, "contacts")
    if not contacts:
        return
    some = random.choice(contacts)
    things.change(db, some, some.doc | {"mobilePhone": f"+44 7700 {random.randint(100000, 999999)}"}, now)
    done["contact changed"] += 1
    folder = things.folder_by_key(db, box.id, "contacts", some.folder)
    if folder is not None and random.random() < 0.4:
        things.add(db, folder, _contact(random), now)
        done["contact added"] += 1
    elif len(contacts) > 3 and random.random() < 0.3:
        things.remove(db, random.choice([each for each in contacts if each.id != some.id]))
        done["contact deleted"] += 1
    open_tasks = [each for each in things.every(db, box.id, "tasks") if each.doc.get("status") != "completed"]
    if open_tasks and random.random() < 0.5:
        task = random.choice(open_tasks)
        things.change(db, task, task.doc | {"status": "completed", "completedDateTime": _day(today)}, now)
        done["task completed"] += 1
    lists = [each for each in things.folders(db, box.id, "tasks") if each.well_known != "flaggedemails"]
    if random.random() < 0.4:
        _add_task(cloud, random.choice(lists), random, random.choice(_TASKS), today, now)
        done["task added"] += 1
