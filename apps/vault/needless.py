"""Which journals no backup needs any more: their locks may run out, so that they can be deleted one day.

Somebody waits for that: an erasure, the deletion of a mailbox, retention. What is in doubt is needed.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from .registry import catalogs, chains_given_up
from .store.backends.base import ObjectInfo
from .store.journal import Chain, JournalName, parse_name


def needed_journals(account_id: int, listed: Iterable[ObjectInfo]) -> Iterator[str]:
    """Yield the names of those objects, listed in their order, that are needed. In the account's scope.

    Not needed is what a base has replaced, or what lost to another journal of its number: when that one is in
    the list, too. And chains that were deleted by order.
    """
    claimed, given_up = _claimed(account_id), chains_given_up(account_id)
    for chain, objects in groupby(listed, key=_chain):
        found = list(objects)
        if chain is None:
            yield from (each.key for each in found)
        elif chain in claimed:
            yield from _needed(claimed[chain], [each.key for each in found])
        elif (chain.entity, chain.sub_service) not in given_up:
            yield from (each.key for each in found)


def _needed(claimed: dict[int, JournalName], keys: list[str]) -> Iterator[str]:
    names = {key: named[0] for key in keys if (named := parse_name(key))}
    there = set(names.values())
    counts = {number: name for number, name in claimed.items() if name in there}
    base = max((number for number, name in counts.items() if name.base), default=0)
    for key, name in names.items():
        if name.number >= base and counts.get(name.number, name) == name:
            yield key


def _claimed(account_id: int) -> dict[Chain, dict[int, JournalName]]:
    found: dict[Chain, dict[int, JournalName]] = {}
    for _, catalog in catalogs():
        for claim in catalog.journals(account_id, 0):
            if named := parse_name(claim.key):
                found.setdefault(named[0].chain, {})[named[0].number] = named[0]
    return found


def _chain(found: ObjectInfo) -> Chain | None:
    named = parse_name(found.key)
    return named[0].chain if named else None
