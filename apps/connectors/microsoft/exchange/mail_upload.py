"""Putting files on a message that exists: small ones in one request, large ones by an upload session.

https://learn.microsoft.com/graph/outlook-large-attachments
"""

import base64
from typing import Any, Final

from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.governor import Pool
from apps.connectors.microsoft.paging import pages
from apps.core.errors import Gone, RemoteError, TooLarge, Unavailable

from .mail_compose import Attachment

UPLOAD_FROM: Final = 3 * 1024 * 1024
LARGEST: Final = 150 * 1024 * 1024
CHUNK: Final = 10 * 320 * 1024
SESSION_TRIES: Final = 3


async def attach(graph: GraphClient, message: str, attachment: Attachment, *, pool: Pool) -> None:
    """Attach one file. `message`: path of the message below Graph.

    Posting to a message made a moment ago can be answered with 404: it is tried again (quirk 56).
    """
    if len(attachment.content) > LARGEST:
        raise TooLarge(f"The attachment {attachment.name} is larger than Microsoft Graph carries (150 MB).")
    for attempt in range(1, graph.patience.tries + 1):
        try:
            if len(attachment.content) < UPLOAD_FROM:
                await graph.write_json("POST", f"{message}/attachments", file_json(attachment), pool=pool)
            else:
                await _upload(graph, message, attachment, pool=pool)
            return
        except Gone:
            if attempt == graph.patience.tries:
                raise
        await graph.pause(graph.patience.wait_before(attempt))


def file_json(attachment: Attachment) -> dict[str, Any]:
    """Build one file of a creating or attaching request."""
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": attachment.name,
        "contentType": attachment.content_type,
        "isInline": attachment.inline,
        **({"contentId": attachment.content_id} if attachment.content_id else {}),
        "contentBytes": base64.b64encode(attachment.content).decode("ascii"),
    }


async def _upload(graph: GraphClient, message: str, attachment: Attachment, *, pool: Pool) -> None:
    """Upload in ranges. A failed upload leaves nothing visible and starts again (quirk 63).

    Of one whose last answer is lost the file may be there: it is looked for, or it would be there twice.
    """
    before = await files_there(graph, message, pool=pool)
    item = {
        "attachmentType": "file",
        "name": attachment.name,
        "size": len(attachment.content),
        "contentType": attachment.content_type,
        "isInline": attachment.inline,
        **({"contentId": attachment.content_id} if attachment.content_id else {}),
    }
    for attempt in range(1, SESSION_TRIES + 1):
        path = f"{message}/attachments/createUploadSession"
        answer = await graph.write_json("POST", path, {"AttachmentItem": item}, pool=pool, repeatable=True)
        session = answer.json()
        try:
            await _put_ranges(graph, str(session.get("uploadUrl", "")), attachment.content)
            return
        except RemoteError:
            if await files_there(graph, message, pool=pool) - before:
                return
            if attempt == SESSION_TRIES:
                raise
        await graph.pause(graph.patience.wait_before(attempt))


async def files_there(graph: GraphClient, item: str, *, pool: Pool) -> set[str]:
    """Return the ids of what is attached. `item`: path of the message, event or task below Graph."""
    found: set[str] = set()
    async for page in pages(graph, f"{item}/attachments?$select=id", pool=pool):
        found.update(str(each.get("id")) for each in page)
    return found


async def _put_ranges(graph: GraphClient, url: str, content: bytes) -> None:
    """Send all ranges in order. The last one is answered with 201 and a Location, nothing else (quirk 67)."""
    size, status = len(content), 0
    for start in range(0, size, CHUNK):
        chunk = content[start : start + CHUNK]
        span = f"bytes {start}-{start + len(chunk) - 1}/{size}"
        status = await graph.put_elsewhere(url, chunk, {"Content-Range": span})
    if status != 201:
        raise Unavailable("Microsoft did not confirm that an attachment is complete.")
