"""The least that fetching a mailbox can cost: the requests of a first backup, the answers thrown away."""

import asyncio
import re
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
import uvloop

PER_BATCH, PAGE = 20, 500
# A mailbox takes four requests at once, and the parts of a $batch count: so one batch, or one page, at a time.
IN_FLIGHT = 1
SELECT_FOLDERS = "id,displayName,parentFolderId,totalItemCount,childFolderCount,isHidden"
SELECT_MAIL = (
    "id,changeKey,parentFolderId,subject,from,sender,toRecipients,ccRecipients,hasAttachments,flag,isRead,isDraft,"
    "importance,inferenceClassification,categories,internetMessageId,conversationId,conversationIndex,"
    "receivedDateTime,sentDateTime,createdDateTime,isReadReceiptRequested,isDeliveryReceiptRequested,bccRecipients"
)
IMMUTABLE = 'IdType="ImmutableId"'


def fetch_all(url: str, tenant: str, client: str, secret: str, mailbox: str) -> dict[str, int]:
    """Read every folder's changes and every message's MIME as the connector does. Returns what was counted."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Bare(url, mailbox).run(tenant, client, secret))


class _Bare:
    def __init__(self, url: str, mailbox: str) -> None:
        self.url, self.user = url, quote(mailbox)
        self.slots = asyncio.Semaphore(IN_FLIGHT)
        self.counts = {"items": 0, "bytes": 0, "requests": 0}

    async def run(self, tenant: str, client: str, secret: str) -> dict[str, int]:
        form = {
            "grant_type": "client_credentials", "client_id": client, "client_secret": secret,
            "scope": "https://graph.microsoft.com/.default",
        }  # fmt: skip
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{self.url}/{tenant}/oauth2/v2.0/token", data=form) as answer:
                token = (await answer.json())["access_token"]
            self.session, self.auth = session, {"Authorization": f"Bearer {token}"}
            batches: set[asyncio.Task[None]] = set()
            for folder in await self._folders():
                path = (
                    f"/v1.0/users/{self.user}/mailFolders/{quote(folder)}/messages/delta?$select={SELECT_MAIL}"
                )
                async for ids in self._pages(self.url + path):
                    for start in range(0, len(ids), PER_BATCH):
                        batches.add(asyncio.create_task(self._batch(ids[start : start + PER_BATCH])))
                    while len(batches) > 4 * IN_FLIGHT:
                        _, batches = await asyncio.wait(batches, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*batches)
        return self.counts

    async def _folders(self) -> list[str]:
        path = f"/v1.0/users/{self.user}/mailFolders/delta?$select={SELECT_FOLDERS}"
        return [each async for ids in self._pages(self.url + path) for each in ids]

    async def _pages(self, link: str) -> Any:
        headers = self.auth | {"Prefer": f"{IMMUTABLE}, odata.maxpagesize={PAGE}"}
        following: str | None = link
        while following:
            async with self.slots:
                body = orjson.loads(await self._read(self.session.get(following, headers=headers)))
            yield [entry["id"] for entry in body["value"]]
            following = body.get("@odata.nextLink")

    async def _batch(self, ids: list[str]) -> None:
        requests = [
            {
                "id": str(number),
                "method": "GET",
                "url": f"/users/{self.user}/messages/{quote(each)}/$value",
                "headers": {"Prefer": IMMUTABLE},
            }
            for number, each in enumerate(ids)
        ]
        headers = self.auth | {"Content-Type": "application/json"}
        async with self.slots:
            body = await self._read(
                self.session.post(
                    f"{self.url}/v1.0/$batch", data=orjson.dumps({"requests": requests}), headers=headers
                )
            )
        assert len(re.findall(rb'"status": ?200', body)) >= len(ids), body[:300]
        self.counts["items"] += len(ids)

    async def _read(self, asked: Any) -> bytes:
        async with asked as answer:
            body: bytes = await answer.read()
            assert answer.status == 200, body[:300]
        self.counts["requests"] += 1
        self.counts["bytes"] += len(body)
        return body
