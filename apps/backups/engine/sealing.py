"""The vault's writer in a thread of its own: hashing, packing and sealing release the interpreter's lock."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections

from apps.vault.api import ContentPart, Role, VaultWriter, encode_content, open_writer

from ..catalog import Stored


class Sealer:
    """Stores contents on a shelf of an account's vault. What `seal` returns may be referenced after `flush`."""

    def __init__(self, account_id: int, shelf: int = 0) -> None:
        self._account_id, self._shelf = account_id, shelf
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="backup-seal")
        self._writer: VaultWriter | None = None

    async def seal(self, contents: Sequence[bytes]) -> list[Stored]:
        """Put contents into the open pack. Raises VaultError."""
        parts: list[ContentPart] = await self._do(self._put, contents)
        return [Stored(encode_content([part]), part.size) for part in parts]

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

    def _put(self, contents: Sequence[bytes]) -> list[ContentPart]:
        if self._writer is None:
            # Kept until `close`: the vault would otherwise open and close one for each batch.
            connections["default"].ensure_connection()
            self._writer = open_writer(self._account_id, self._shelf)
        return self._writer.put_many([(Role.MIME, content) for content in contents])

    def _flush(self) -> None:
        if self._writer is not None:
            self._writer.flush()
