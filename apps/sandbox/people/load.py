"""Real mails from files."""

from pathlib import Path
from typing import Any

from ..cloud import Cloud
from ..state import folders as folder_rows
from ..state import ids, messages
from ..state.mailboxes import Mailbox
from .tenant import mailbox_named

SUFFIXES = {".eml", ".txt", ".mime", ""}


def load_folder(cloud: Cloud, source: Path, mailbox: str, target: str = "inbox") -> int:
    """Load every file below `source` into a mailbox; sub-folders become mail folders. Returns the count."""
    if not source.is_dir():
        raise LookupError(f"{source} is no folder")
    box = mailbox_named(cloud, mailbox)
    top = folder_rows.well_known(cloud.db, box.id, target)
    keys = {Path(): top.id}
    count, now = 0, cloud.clock.stamp()
    with cloud.db.transaction():
        for path in sorted(source.rglob("*")):
            if path.is_dir() or path.suffix.lower() not in SUFFIXES:
                continue
            folder = _folder(cloud, box, keys, path.relative_to(source).parent)
            messages.deliver_mime(cloud.db, mailbox=box.id, folder=folder, data=path.read_bytes(), now=now)
            count += 1
    return count


def _folder(cloud: Cloud, box: Mailbox, keys: dict[Path, int], path: Path) -> int:
    if path not in keys:
        parent = _folder(cloud, box, keys, path.parent)
        known = {one.name: one.id for one in folder_rows.children(cloud.db, box.id, parent)}
        keys[path] = known.get(path.name) or folder_rows.create(cloud.db, box.id, parent, path.name).id
    return keys[path]


def deliver_text(cloud: Cloud, wanted: dict[str, Any]) -> dict[str, str]:
    """One mail: `mailbox`, `mime` (text, Latin-1 bytes), `folder` (well-known name), `is_read`."""
    box = mailbox_named(cloud, str(wanted["mailbox"]))
    folder = folder_rows.well_known(cloud.db, box.id, str(wanted.get("folder", "inbox")))
    key = messages.deliver_mime(
        cloud.db,
        mailbox=box.id,
        folder=folder.id,
        data=str(wanted["mime"]).encode("latin-1"),
        now=cloud.clock.stamp(),
        received=wanted.get("received"),
        is_read=bool(wanted.get("is_read", False)),
    )
    return {"id": ids.encode(box.guid, ids.IMMUTABLE, key)}
