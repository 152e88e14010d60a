"""Mailboxes and the folders that every mailbox has, in its own language."""

from dataclasses import dataclass

from ..defaults import TENANT_ID
from . import things
from .database import Database
from .ids import guid

ROOT, STORE_ROOT, RECOVERABLE_ROOT = "msgfolderroot", "root", "recoverableitemsroot"

# well-known name -> (parent, hidden, English name)
WELL_KNOWN: dict[str, tuple[str, bool, str]] = {
    ROOT: (STORE_ROOT, False, "Top of Information Store"),
    RECOVERABLE_ROOT: (STORE_ROOT, True, "Recoverable Items"),
    "recoverableitemsdeletions": (RECOVERABLE_ROOT, True, "Deletions"),
    "archive": (ROOT, False, "Archive"),
    "conversationhistory": (ROOT, False, "Conversation History"),
    "deleteditems": (ROOT, False, "Deleted Items"),
    "drafts": (ROOT, False, "Drafts"),
    "inbox": (ROOT, False, "Inbox"),
    "junkemail": (ROOT, False, "Junk Email"),
    "outbox": (ROOT, False, "Outbox"),
    "sentitems": (ROOT, False, "Sent Items"),
    "syncissues": (ROOT, True, "Sync Issues"),
    "conflicts": ("syncissues", True, "Conflicts"),
    "localfailures": ("syncissues", True, "Local Failures"),
    "serverfailures": ("syncissues", True, "Server Failures"),
}
# kind of thing -> the folders of it that every mailbox has: well-known name, English name
THING_FOLDERS: dict[str, tuple[tuple[str, str], ...]] = {
    "categories": (("categories", "Categories"),),
    "contacts": (("contacts", "Contacts"),),
    "calendargroups": (("mycalendars", "My Calendars"),),
    "events": (("calendar", "Calendar"),),
    "notes": (("notes", "Notes"),),
    "rules": (("inboxrules", "Rules"),),
    "settings": (("settings", "Settings"),),
    "tasks": (("defaultlist", "Tasks"), ("flaggedemails", "Flagged email")),
}
LOCALISED = {
    "de": {
        ROOT: "Oberste Ebene des Informationsspeichers",
        "archive": "Archiv",
        "calendar": "Kalender",
        "contacts": "Kontakte",
        "defaultlist": "Aufgaben",
        "mycalendars": "Meine Kalender",
        "conversationhistory": "Aufgezeichnete Unterhaltungen",
        "deleteditems": "Gelöschte Elemente",
        "drafts": "Entwürfe",
        "inbox": "Posteingang",
        "junkemail": "Junk-E-Mail",
        "outbox": "Postausgang",
        "sentitems": "Gesendete Elemente",
    },
    "it": {
        "archive": "Archivio",
        "calendar": "Calendario",
        "contacts": "Contatti",
        "defaultlist": "Attività",
        "mycalendars": "Calendari personali",
        "conversationhistory": "Cronologia conversazioni",
        "deleteditems": "Posta eliminata",
        "drafts": "Bozze",
        "inbox": "Posta in arrivo",
        "junkemail": "Posta indesiderata",
        "outbox": "Posta in uscita",
        "sentitems": "Posta inviata",
    },
}


@dataclass(frozen=True, slots=True)
class Mailbox:
    """`guid` is the owner's directory id; `generation` is that of its sync state: a bump kills delta tokens."""

    id: int
    guid: str
    purpose: str
    language: str
    generation: int
    over_quota: bool


def folder_name(well_known: str, language: str) -> str:
    return LOCALISED.get(language[:2], {}).get(well_known, WELL_KNOWN[well_known][2])


def create_mailbox(db: Database, user_id: str, *, purpose: str = "user", language: str = "en-GB") -> int:
    """Make a mailbox with its well-known folders and return its key."""
    with db.transaction():
        cursor = db.execute(
            "INSERT INTO mailboxes (user_id, purpose, language) VALUES (?, ?, ?)",
            (user_id, purpose, language),
        )
        mailbox = int(cursor.lastrowid or 0)
        keys: dict[str, int | None] = {STORE_ROOT: None}
        for well_known, (parent, hidden, _) in WELL_KNOWN.items():
            name = folder_name(well_known, language)
            cursor = db.execute(
                "INSERT INTO folders (mailbox, parent, name, well_known, hidden, seq) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (mailbox, keys[parent], name, well_known, hidden, db.next_seq()),
            )
            keys[well_known] = cursor.lastrowid
        for kind, folders in THING_FOLDERS.items():
            for well_known, english in folders:
                name = LOCALISED.get(language[:2], {}).get(well_known, english)
                things.add_folder(db, mailbox, kind, name, well_known=well_known)
    return mailbox


def mailbox_of(db: Database, user_id: str) -> Mailbox | None:
    row = db.one(
        "SELECT id, user_id, purpose, language, generation, over_quota FROM mailboxes WHERE user_id = ?",
        (user_id,),
    )
    return None if row is None else Mailbox(row[0], row[1], row[2], row[3], row[4], bool(row[5]))


def archive_name(user_id: str) -> str:
    """What the archive of somebody's mailbox is called in addresses, whether there is one or not."""
    return f"MBX:{guid('archive', user_id)}@{TENANT_ID}"


def archive_of(db: Database, user_id: str) -> Mailbox | None:
    """The in-place archive: a mailbox of its own that no directory names."""
    return mailbox_of(db, guid("archive", user_id))


def create_archive(db: Database, user_id: str, *, language: str = "en-GB") -> int:
    return create_mailbox(db, guid("archive", user_id), purpose="archive", language=language)


def forget_sync_state(db: Database, mailbox: int) -> None:
    """From now on every delta token of this mailbox is answered with SyncStateNotFound."""
    db.execute("UPDATE mailboxes SET generation = generation + 3 WHERE id = ?", (mailbox,))


def set_over_quota(db: Database, mailbox: int, over: bool) -> None:
    db.execute("UPDATE mailboxes SET over_quota = ? WHERE id = ?", (over, mailbox))
