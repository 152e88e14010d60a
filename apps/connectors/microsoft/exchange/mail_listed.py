"""Messages as lists show them: single ones, for what their MIME does not say, or a whole folder."""

from collections.abc import Mapping, Sequence
from typing import Final

from apps.connectors.base import Upsert
from apps.connectors.microsoft.batch import Part, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.governor import Pool
from apps.connectors.microsoft.paging import pages
from apps.connectors.writing import Listing
from apps.core.errors import Gone

from .mail_props import ETAG_SELECT, MESSAGE_SELECT, message_upsert

PAGE: Final = 500


async def list_mail(
    graph: GraphClient, user: str, remote_ids: Sequence[str], *, pool: Pool | None = None
) -> dict[str, Upsert]:
    """Return by id what is there of these messages; those that are not are left out."""
    base, found = f"/users/{segment(user)}/messages", {}
    for few in in_batches(list(dict.fromkeys(remote_ids))):
        parts = [Part(each, f"{base}/{segment(each)}?$select={MESSAGE_SELECT}") for each in few]
        for answer in await run_batch(graph, parts, pool=pool or graph.pool(user)):
            if isinstance(answer.body, dict) and answer.fault is None:
                found[answer.key] = message_upsert(answer.body, str(answer.body.get("parentFolderId") or ""))
            elif answer.fault is not None and not isinstance(answer.fault.error(), Gone):
                raise answer.fault.error()
    return found


async def list_folder(graph: GraphClient, user: str, folder_id: str) -> Listing:
    """Return what is in a folder, of five hundred messages a request."""
    path = f"/users/{segment(user)}/mailFolders/{segment(folder_id)}/messages"
    etags: dict[str, str] = {}
    alike: dict[str, list[str]] = {}
    async for page in pages(graph, f"{path}?$select={ETAG_SELECT}&$top={PAGE}", pool=graph.pool(user)):
        for entry in page:
            message = message_upsert(entry, folder_id)
            if message.remote_id not in etags and isinstance(entry.get("internetMessageId"), str):
                alike.setdefault(entry["internetMessageId"], []).append(message.remote_id)
            etags[message.remote_id] = message.etag
    return Listing(etags, alike)


def one_for_each(alike: Mapping[str, Sequence[str]], live: Mapping[str, str]) -> dict[str, str]:
    """Add to what is live one of the ids that are alike for each, one that is not taken if there is such."""
    used, found = set(live.values()), dict(live)
    for remote_id, ids in alike.items():
        if ids:
            found[remote_id] = next((each for each in ids if each not in used), ids[0])
            used.add(found[remote_id])
    return found
