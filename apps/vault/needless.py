"""Which journals no backup needs any more: their locks may run out, so that they can be deleted one day.

Somebody waits for that: an erasure, the deletion of a mailbox, retention. What is in doubt is needed.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby, islice
from typing import Final
from uuid import UUID

from .registry import catalogs, chains_given_up
from .store.backends.base import ObjectInfo
from .store.journal import Chain, JournalName, parse_name

_CHAINS: Final = 200  # asked for at once: an account may have a journal of each day of each mailbox


def needed_journals(account_id: int, listed: Iterable[ObjectInfo]) -> Iterator[str]:
    """Yield the names of those objects, listed in their order, that are needed. In the account's scope.

    Not needed is what a base has replaced, or what lost to another journal of its number: when that one is in
    the list, too. And chains that were deleted by order.
    """
    given_up = chains_given_up(account_id)
    chains = ((chain, [each.key for each in objects]) for chain, objects in groupby(listed, key=_chain))
    while some := list(islice(chains, _CHAINS)):
        claimed = _claimed(account_id, {chain.entity for chain, _ in some if chain is not None})
        for chain, keys in some:
            if chain in claimed:
                yield from _needed(claimed[chain], keys)
            elif chain is None or (chain.entity, chain.sub_service) not in given_up:
                yield from keys


def _needed(claimed: dict[int, JournalName], keys: list[str]) -> Iterator[str]:
    names = {key: named[0] for key in keys if (named := parse_name(key))}
    there = set(names.values())
    counts = {number: name for number, name in claimed.items() if name in there}
    base = max((number for number, name in counts.items() if name.base), default=0)
    for key, name in names.items():
        if name.number >= base and counts.get(name.number, name) == name:
            yield key


def _claimed(account_id: int, entities: Collection[UUID]) -> dict[Chain | None, dict[int, JournalName]]:
    found: dict[Chain | None, dict[int, JournalName]] = {}
    for _, catalog in catalogs():
        for claim in catalog.journals_of(account_id, entities):
            if named := parse_name(claim.key):
                found.setdefault(named[0].chain, {})[named[0].number] = named[0]
    return found


def _chain(found: ObjectInfo) -> Chain | None:
    named = parse_name(found.key)
    return named[0].chain if named else None
