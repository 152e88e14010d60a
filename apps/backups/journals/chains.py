"""Which journals count: pure decisions over what the heads say of themselves and of each other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from apps.vault.api import Journal, JournalName


@dataclass(frozen=True, slots=True)
class Head:
    """What the choice needs to know of a journal that opened."""

    name: JournalName
    link: str
    before: str | None
    written_at: str

    @classmethod
    def of(cls, journal: Journal) -> "Head":
        before, written = journal.info.get("before"), journal.info.get("written_at")
        return cls(
            journal.name,
            journal.link,
            before if isinstance(before, str) else None,
            written if isinstance(written, str) else "",
        )


@dataclass(slots=True)
class Choice:
    """The journals that count, oldest first, and the numbers of which none is left."""

    heads: list[Head] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


def choose(heads: Iterable[Head], committed: Mapping[int, str]) -> Choice:
    """Pick one journal for each number, from the last back to the first or to a base.

    `committed` are short names of journals that snapshot rows name: these count. Else it is the one whose link
    the next journal names. At the end of the chain, and below a gap, the one written last counts: those
    beside it were left by runs that died before they could commit.
    """
    by_number: dict[int, list[Head]] = {}
    for head in heads:
        by_number.setdefault(head.name.number, []).append(head)
    choice, wanted = Choice(), None
    for number in range(max(by_number, default=0), 0, -1):
        links = {head.link for head in by_number.get(number - 1, ())}
        picked = _pick(by_number.get(number, []), committed.get(number), wanted, links)
        wanted = picked.before if picked else None
        if picked is None:
            choice.missing.append(number)
            continue
        choice.heads.append(picked)
        if picked.name.base:
            break
    choice.heads.reverse()
    choice.missing.reverse()
    return choice


def _pick(heads: list[Head], committed: str | None, wanted: str | None, links: set[str]) -> Head | None:
    if named := [head for head in heads if head.name.short == committed]:
        return named[0]
    if wanted is not None:
        heads = [head for head in heads if head.link == wanted]
    # A base stands for its journal and all before it; of equals the one that follows on what is there.
    return max(heads, key=lambda head: (head.name.base, head.before in links, head.written_at), default=None)
