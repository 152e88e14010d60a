"""The files of an event on their way back: from the document's entries to what is attached."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from apps.connectors.documents import PART
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.governor import Pool
from apps.connectors.microsoft.paging import pages
from apps.core.errors import Gone

from .event_fetch import FILE_LIMIT, KIND
from .mail_compose import Attachment
from .mail_upload import attach

logger = logging.getLogger(__name__)

_ENDINGS: Final = {"message": ".eml", "event": ".ics", "contact": ".vcf"}
_TYPES: Final = {".eml": "message/rfc822", ".ics": "text/calendar", ".vcf": "text/vcard"}


def files_of(document: Mapping[str, Any], parts: Sequence[bytes]) -> tuple[list[Attachment], list[str]]:
    """Return the files that can be attached, and in words what of them Microsoft does not take.

    An attached Outlook item becomes a file of its own content: as an item it would lose what is attached to it.
    """
    files: list[Attachment] = []
    lost: list[str] = []
    for entry in document.get("attachments") or ():
        name, kind = str(entry.get("name") or ""), str(entry.get(KIND) or "").lower()
        number = entry.get(PART)
        if not isinstance(number, int) or not 0 <= number < len(parts):
            link = kind.endswith("referenceattachment")
            lost.append(f"The link to {name} in the cloud." if link else f"{name}: it could not be backed up.")
            continue
        files.append(_file(entry, name, kind, parts[number]))
        if kind.endswith("itemattachment"):
            lost.append(f"{name} is attached as a file, no longer as an Outlook item.")
    return files, lost


def _file(entry: Mapping[str, Any], name: str, kind: str, content: bytes) -> Attachment:
    content_type = str(entry.get("contentType") or "application/octet-stream")
    if kind.endswith("itemattachment"):
        item = entry.get("item")
        inner = str(item.get(KIND, "")).rpartition(".")[2].lower() if isinstance(item, Mapping) else ""
        ending = _ENDINGS.get(inner.removesuffix("request"), ".eml")
        name, content_type = name if name.lower().endswith(ending) else name + ending, _TYPES[ending]
    content_id = str(entry.get("contentId") or "")
    return Attachment(name, content_type, content, content_id=content_id, inline=entry.get("isInline") is True)


async def attach_all(graph: GraphClient, event: str, files: Sequence[Attachment], *, pool: Pool) -> None:
    """Attach files. `event`: path of the event below Graph."""
    for file in files:
        await attach(graph, event, file, pool=pool)


async def replace_all(graph: GraphClient, event: str, wanted: Sequence[Attachment], *, pool: Pool) -> None:
    """Leave exactly these files on one date of a series, which may have taken over those of the series.

    They are compared by name and content, since every file has another id there.
    """
    missing = Counter((file.name, file.content) for file in wanted)
    async for page in pages(graph, f"{event}/attachments?$select=id,name", pool=pool):
        for listed in page:
            path = f"{event}/attachments/{segment(str(listed['id']))}"
            answer = await graph.get(f"{path}/$value", pool=pool, limit=FILE_LIMIT)
            key = (str(listed.get("name") or ""), answer.body)
            if missing[key] > 0:
                missing[key] -= 1
                continue
            try:
                await graph.write_json("DELETE", path, None, pool=pool, repeatable=True)
            except Gone:
                logger.info("a file to be taken off has gone already")
    for file in wanted:
        if missing[file.name, file.content] > 0:
            missing[file.name, file.content] -= 1
            await attach(graph, event, file, pool=pool)


async def file_names(graph: GraphClient, event: str, *, pool: Pool) -> Counter[str]:
    """Return the names of what is attached."""
    names: Counter[str] = Counter()
    async for page in pages(graph, f"{event}/attachments?$select=id,name", pool=pool):
        names.update(str(each.get("name") or "") for each in page)
    return names
