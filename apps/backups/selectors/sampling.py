"""A fair choice out of a mailbox of any size, at a price that does not grow with it."""

from .browse import AsOf, Node, _owned, _visible, nodes_by_ids


def items_from(state: AsOf, point: int, limit: int) -> list[Node]:
    """Return up to `limit` items of a state: those whose hashes follow `point` (a signed 64-bit number).

    Hashes know nothing of age, size or folder, so neighbours are a random choice. At the end of the range it
    goes on from the start.
    """
    found = _ids(state, limit, remote_hash__gte=point)
    if len(found) < limit:
        found += _ids(state, limit - len(found), remote_hash__lt=point)
    return nodes_by_ids(state, found)


def _ids(state: AsOf, limit: int, **where: int) -> list[int]:
    rows = _visible(_owned(state), state.number).filter(is_folder=False, **where)
    return list(rows.order_by("remote_hash", "id").values_list("id", flat=True)[:limit])
