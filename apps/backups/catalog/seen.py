"""Which nodes a full listing named, in eight bytes each."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable

from ..models.catalog import hash_of


class SeenHashes:
    """A set of remote ids for mailboxes of any size: a million named nodes take 8 MB.

    Two ids of one hash would count as one: then a node that is gone stays a day longer, never the opposite.
    """

    def __init__(self) -> None:
        self._hashes = array("q")
        self._sorted = True

    def add(self, remote_ids: Iterable[str]) -> None:
        self._hashes.extend(hash_of(remote_id) for remote_id in remote_ids)
        self._sorted = False

    def __contains__(self, remote_hash: int) -> bool:
        if not self._sorted:
            self._hashes = array("q", sorted(self._hashes))
            self._sorted = True
        at = bisect_left(self._hashes, remote_hash)
        return at < len(self._hashes) and self._hashes[at] == remote_hash
