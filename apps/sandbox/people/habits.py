"""What people write down and how they keep order: notes, rules of the inbox, colours of categories."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ..cloud import Cloud
from ..state import folders, ids, things
from ..state.clock import stamp
from ..state.mailboxes import Mailbox

_NOTES = (
    ("Sauce", "Two kilos of tomatoes, no sugar.\nCook it for three hours."),
    ("Wi-Fi of the shop", "The network is called Forno. Ask Agata for the password."),
    ("Oven", "The left one runs 10 degrees too hot."),
    ("Ideas for spring", "Pizza with asparagus\nLemonade of our own"),
    ("Landlord", "Rent goes up in March. Look at the contract before."),
)
_LATER = ("Call the baker", "Ask for a bigger van", "New menu cards")
_CATEGORIES = (("Suppliers", "preset7"), ("Urgent", "preset0"), ("Staff", "preset4"))


def seed_habits(cloud: Cloud, box: Mailbox, random: Random, now: datetime) -> None:
    """Give one mailbox notes, rules and categories, the same for the same numbers."""
    db, moment = cloud.db, stamp(now - timedelta(days=30))
    notes = things.folder_by_well_known(db, box.id, "notes", "notes")
    rules = things.folder_by_well_known(db, box.id, "rules", "inboxrules")
    categories = things.folder_by_well_known(db, box.id, "categories", "categories")
    if notes is None or rules is None or categories is None:
        return
    for subject, text in random.sample(_NOTES, 3):
        things.add(db, notes, _note(subject, text), moment)
    for name, colour in _CATEGORIES:
        things.add(db, categories, {"displayName": name, "color": colour}, moment)
    inbox = folders.well_known(db, box.id, "inbox").id
    below = [folder.id for folder in folders.children(db, box.id, inbox)]
    for sequence, rule in enumerate(_rules(box, below), start=1):
        things.add(db, rules, {**rule, "sequence": sequence, "isEnabled": True}, moment)


def keep_habits(cloud: Cloud, box: Mailbox, random: Random, today: datetime, done: Counter[str]) -> None:
    """One day: a note is written, or an old one gets another line."""
    db, now = cloud.db, stamp(today + timedelta(hours=random.randint(1, 9)))
    notes = things.every(db, box.id, "notes")
    if not notes or random.random() > 0.5:
        return
    if random.random() < 0.5:
        folder = things.folder_by_well_known(db, box.id, "notes", "notes")
        assert folder is not None
        things.add(db, folder, _note(random.choice(_LATER), f"Before {today:%d %B}."), now)
        done["note written"] += 1
        return
    note = random.choice(notes)
    text = f"{note.doc['body']['content']}\n{random.choice(_LATER)}"
    things.change(db, note, note.doc | {"body": {"contentType": "text", "content": text}}, now)
    done["note changed"] += 1


def _note(subject: str, text: str) -> dict[str, Any]:
    return {"subject": subject, "body": {"contentType": "text", "content": text}, "categories": []}


def _rules(box: Mailbox, below: list[int]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "displayName": "Invoices are important",
            "conditions": {"subjectContains": ["invoice"]},
            "actions": {"markImportance": "high", "stopProcessingRules": False},
        }
    ]
    if below:
        target = ids.encode(box.guid, ids.FOLDER, below[0])
        found.append(
            {
                "displayName": "Mail of suppliers",
                "conditions": {"senderContains": ["latteria", "oven"]},
                "actions": {"moveToFolder": target, "stopProcessingRules": True},
            }
        )
    return found
