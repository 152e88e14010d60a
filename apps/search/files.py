"""Results as rows of a file."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime

from django.utils import timezone

from apps.backups.selectors.lives import Lived

from .kinds import kind_of
from .pages import Searched

CSV_LIMIT = 100_000
HEADER = (
    "Kind", "Name", "From", "To", "Time", "Task", "Mailbox", "Address", "Folder", "Size in bytes",
    "Attachments", "Versions", "First in the backup of", "Last in the backup of",
    "Deleted before the backup of",
)  # fmt: skip


def csv_rows(found: Searched, again: Callable[[], AbstractContextManager[None]]) -> Iterator[list[object]]:
    """Yield the results in their order, CSV_LIMIT at most; each batch is read as `again` says."""
    pages = found.everything(CSV_LIMIT)
    while True:
        with again():
            page = next(pages, None)
            batch = [_cells(lived) for lived in page or ()]
        yield from batch
        if page is None:
            return


def _cells(lived: Lived) -> list[object]:
    node, entity = lived.node, lived.entity
    return [
        kind_of(lived.sub_service).item.capitalize(),
        node.name,
        node.author,
        node.recipients,
        _moment(node.time),
        entity.task.name,
        entity.name,
        entity.address,
        lived.folder,
        node.size,
        "yes" if node.has_attachments else "no",
        len(lived.versions),
        _moment(lived.versions[0].since if lived.versions else lived.stretch.since),
        _moment(lived.stretch.until),
        _moment(lived.gone[1]) if lived.gone else "",
    ]


def _moment(moment: datetime | None) -> str:
    return timezone.localtime(moment).isoformat(timespec="seconds") if moment else ""
