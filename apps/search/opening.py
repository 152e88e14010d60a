"""The index of an account, opened for reading. A few stay open in each process."""

import threading
from collections import OrderedDict
from typing import Final

from apps.vault.api import ObjectMissing, open_derived
from apps.vault.models import VaultKey

from . import cache
from .index.engine import IndexReader
from .index.errors import IndexTrouble
from .index.schema import VERSION
from .models import SearchIndex
from .objects import files_in

_MOST_OPEN: Final = 8
_TRIES: Final = 3  # a generation may be followed by the next, or leave the cache, while it is opened
_lock = threading.Lock()
_open: OrderedDict[int, tuple[int, IndexReader]] = OrderedDict()


def open_index(account_id: int) -> IndexReader | None:
    """Return the newest generation; None while nothing is indexed, and once the account's keys are destroyed.

    In the account's scope. Raises IndexTrouble when it cannot be read; the indexer then builds it anew.
    VaultError when the store is away.
    """
    if VaultKey.objects.filter(shredding_since__isnull=False).exists():
        _forget(account_id)
        return None
    trouble: Exception | None = None
    generation = 0
    for _ in range(_TRIES):
        row = SearchIndex.objects.filter(account_id=account_id, layout=VERSION).first()
        if row is None or not row.manifest:
            _forget(account_id)
            return None
        generation = row.generation
        known = _known(account_id, generation)
        if known is not None:
            return known
        try:
            folder = cache.open_generation(open_derived(account_id), row.generation, files_in(row.manifest))
            reader = IndexReader(folder)
        except (IndexTrouble, ObjectMissing) as error:
            trouble = error
            continue
        _keep(account_id, row.generation, reader)
        return reader
    assert trouble is not None
    cache.forget(account_id)
    SearchIndex.objects.filter(account_id=account_id, generation=generation).update(layout=0)
    raise trouble


def _known(account_id: int, generation: int) -> IndexReader | None:
    with _lock:
        found, reader = _open.get(account_id, (0, None))
        if reader is None or found != generation:
            return None
        _open.move_to_end(account_id)
        return reader


def _keep(account_id: int, generation: int, reader: IndexReader) -> None:
    with _lock:
        _open[account_id] = generation, reader
        _open.move_to_end(account_id)
        while len(_open) > _MOST_OPEN:
            _open.popitem(last=False)


def _forget(account_id: int) -> None:
    """Let go of what an account had here: it was closed, shredded or begun anew, maybe by another host."""
    with _lock:
        _open.pop(account_id, None)
    cache.forget_generations(account_id)
