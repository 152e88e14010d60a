"""Single messages as the list of a folder shows them: what their MIME does not say."""

from collections.abc import Sequence

from apps.connectors.base import Upsert
from apps.connectors.microsoft.batch import Part, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.core.errors import Gone

from .mail_props import MESSAGE_SELECT, message_upsert


async def list_mail(graph: GraphClient, user: str, remote_ids: Sequence[str]) -> dict[str, Upsert]:
    """Return by id what is there of these messages; those that are not are left out."""
    base, found = f"/users/{segment(user)}/messages", {}
    for few in in_batches(list(dict.fromkeys(remote_ids))):
        parts = [Part(each, f"{base}/{segment(each)}?$select={MESSAGE_SELECT}") for each in few]
        for answer in await run_batch(graph, parts, pool=graph.pool(user)):
            if isinstance(answer.body, dict) and answer.fault is None:
                found[answer.key] = message_upsert(answer.body, str(answer.body.get("parentFolderId") or ""))
            elif answer.fault is not None and not isinstance(answer.fault.error(), Gone):
                raise answer.fault.error()
    return found
