"""What a pass is reading now, kept where a death of the process cannot take it.

Whatever ends a pass ends the next one too, for that begins where this one did. So the batch that a pass died in
is taken item by item by the next; the item that passes die of is then brought in without its words, and at last
not at all: it costs itself and no longer everybody's search.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

NO_WORDS: Final = 2  # passes that died of this very item
NOT_AT_ALL: Final = 3
Place = list[int]  # row of `Indexed`, first and last version


class AtWork:
    """Kept in `SearchIndex.at_work`: `now` is read, `suspect` is where the last of `died` passes died."""

    def __init__(self, said: dict[str, Any], keep: Callable[[dict[str, Any]], None]) -> None:
        self._keep = keep
        self._suspect: Place | None = said.get("suspect")
        self._died: int = said.get("died", 0)
        if now := said.get("now"):
            self._died = self._died + 1 if now == self._suspect else 1
            self._suspect = now

    def pieces(self, row: int, ids: Sequence[int]) -> Iterator[list[int]]:
        """Yield a batch as it is taken: one by one where a pass died."""
        if self._is_suspect(row, ids):
            yield from ([each] for each in ids)
        else:
            yield list(ids)

    def begin(self, row: int, ids: Sequence[int]) -> int:
        """Note that these are read now. Returns how many passes died of just them, when it is one item."""
        place = [row, ids[0], ids[-1]]
        self._keep(self.said(now=place))
        return self._died if len(ids) == 1 and place == self._suspect else 0

    def passed(self, row: int, last: int) -> None:
        """Note that all up to this version is behind us."""
        if self._suspect and self._suspect[0] == row and last >= self._suspect[2]:
            self._suspect, self._died = None, 0

    def rest(self) -> None:
        """Note that nothing is read any more."""
        self._keep(self.said())

    def said(self, now: Place | None = None) -> dict[str, Any]:
        """Return it as it is kept."""
        said: dict[str, Any] = {"now": now} if now else {}
        return said | ({"suspect": self._suspect, "died": self._died} if self._suspect else {})

    def _is_suspect(self, row: int, ids: Sequence[int]) -> bool:
        if not self._suspect or self._suspect[0] != row:
            return False
        _, first, last = self._suspect
        return ids[0] <= last and first <= ids[-1]
