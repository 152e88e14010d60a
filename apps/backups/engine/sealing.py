"""The vault's writer in a thread of its own: hashing, packing and sealing release the interpreter's lock."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from django.db import connections

from apps.connectors.base import ContentForm, Fetched
from apps.vault.api import ContentPart, Role, VaultWriter, encode_content, open_writer

from ..catalog import Stored

_ROLES = {ContentForm.MIME: Role.MIME, ContentForm.DOCUMENT: Role.PROPS}


class Sealer:
    """Stores contents on a shelf of an account's vault. What `seal` returns may be referenced after `flush`."""

    def __init__(self, account_id: int, shelf: int = 0) -> None:
        self._account_id, self._shelf = account_id, shelf
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="backup-seal")
        self._writer: VaultWriter | None = None

    async def seal(self, contents: Sequence[Fetched]) -> list[Stored]:
        """Put contents with their attachments into the open pack. Raises VaultError."""
        pairs = [pair for each in contents for pair in _pairs(each)]
        rest: Iterator[ContentPart] = iter(await self._do(self._put, pairs))
        stored = []
        for each in contents:
            own = list(islice(rest, 1 + len(each.attachments)))
            stored.append(Stored(encode_content(own), sum(part.size for part in own)))
        return stored

    async def flush(self) -> None:
        """Make all that was put durable. Raises VaultError; may be called again."""
        await self._do(self._flush)

    async def close(self) -> None:
        """End the thread; what was not flushed is forgotten."""
        await self._do(connections.close_all)
        self._thread.shutdown(wait=False)

    @property
    def stored_bytes(self) -> int:
        """Bytes that the vault grew by so far."""
        return self._writer.stored_bytes if self._writer else 0

    async def _do(self, function: Any, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)

    def _put(self, contents: Sequence[tuple[Role, bytes]]) -> list[ContentPart]:
        if self._writer is None:
            # Kept until `close`: the vault would otherwise open and close one for each batch.
            connections["default"].ensure_connection()
            self._writer = open_writer(self._account_id, self._shelf)
        return self._writer.put_many(contents)

    def _flush(self) -> None:
        if self._writer is not None:
            self._writer.flush()


def _pairs(fetched: Fetched) -> list[tuple[Role, bytes]]:
    main = (_ROLES[fetched.form], fetched.content)
    return [main, *((Role.ATTACHMENT, each) for each in fetched.attachments)]
