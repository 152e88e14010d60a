"""Copies: what earlier restores wrote into a mailbox. Its ids are new, so nothing else knows it again."""

from collections.abc import Collection, Iterable

from apps.backups.selectors.browse import node_key

from ..models import Copied


def origins_of(entity_id: int, kind: str, remote_ids: Collection[str]) -> dict[str, str]:
    """Map ids of one mailbox to the key of what each goes back to: its own, unless a restore wrote it."""
    keys = {node_key(each): each for each in remote_ids}
    rows = Copied.objects.filter(target_id=entity_id, kind=kind, written_key__in=keys)
    known = dict(rows.values_list("written_key", "origin"))
    return {remote_id: known.get(key, key) for key, remote_id in keys.items()}


def copies_of(entity_id: int, kind: str, origins: Collection[str]) -> dict[str, list[str]]:
    """Map keys to the ids of their copies in one mailbox, the newest first; they may be gone by now."""
    rows = Copied.objects.filter(target_id=entity_id, kind=kind, origin__in=set(origins)).order_by("-pk")
    found: dict[str, list[str]] = {}
    for origin, written_id in rows.values_list("origin", "written_id"):
        found.setdefault(origin, []).append(written_id)
    return found


def note_copies(account_id: int, entity_id: int, kind: str, copies: Iterable[tuple[str, str]]) -> None:
    """Write down (key, id) of what was written into one mailbox; what is known already stays."""
    rows = [
        Copied(
            account_id=account_id, target_id=entity_id, kind=kind, origin=origin,
            written_key=node_key(written_id), written_id=written_id,
        )
        for origin, written_id in copies
        if node_key(written_id) != origin
    ]  # fmt: skip
    Copied.objects.bulk_create(rows, ignore_conflicts=True)
