"""What was erased, by the keys of items alone: so that no run, journal or rebuild brings it back."""

import re
from collections.abc import Container, Iterable
from typing import Any, Final

from apps.core import clock
from apps.core.sight import whole_sight
from apps.vault.api import VersionLine

from ..enums import ErasureState
from ..models import Entity, ErasedItem
from ..models.catalog import key_of

IN_JOURNALS: Final = "erased"
_KEY: Final = re.compile(r"[0-9a-f]{32}")


@whole_sight("what is erased is erased for everybody")
def erased_places(entity_id: int, sub_service: str) -> dict[str, str | None]:
    """Return the keys of what was erased, with the folder in which the source still has it, if it has."""
    rows = ErasedItem.objects.filter(entity_id=entity_id, sub_service=sub_service, erased_at__isnull=False)
    return dict(rows.values_list("key", "place"))


@whole_sight("what is erased is erased for everybody")
def note_places(entity_id: int, sub_service: str, places: dict[str, str | None]) -> None:
    """Write down where the source has these now."""
    rows = ErasedItem.objects.filter(entity_id=entity_id, sub_service=sub_service, erased_at__isnull=False)
    for key, place in places.items():
        rows.filter(key=key).update(place=place)


@whole_sight("what is erased is erased for everybody")
def said_in_journal(entity: Entity, sub_service: str) -> dict[str, Any]:
    """Return what the head of a journal says of it: nothing where nothing was erased."""
    rows = ErasedItem.objects.filter(entity=entity, sub_service=sub_service, erased_at__isnull=False)
    # What went with an earlier mailbox can be taken back as long as its order waits: no journal can.
    keys = sorted(set(rows.exclude(erasure__state=ErasureState.WAITING).values_list("key", flat=True)))
    return {IN_JOURNALS: keys} if keys else {}


def remember(entity: Entity, sub_service: str, said: Any) -> None:
    """Take over what a journal says was erased. What is no key is left out: anybody may have written it."""
    found = said if isinstance(said, list) else []
    keys = {key for key in found if isinstance(key, str) and _KEY.fullmatch(key)}
    fresh = sorted(keys - erased_places(entity.pk, sub_service).keys())
    ErasedItem.objects.bulk_create(
        ErasedItem(
            account_id=entity.account_id,
            entity=entity,
            sub_service=sub_service,
            remote_hash=hash_in(key),
            key=key,
            mailbox=key_of(entity.remote_id),
            erased_at=clock.now(),
        )
        for key in fresh
    )


@whole_sight("what is erased is erased for everybody")
def carry_over(entities: Iterable[Entity]) -> None:
    """What was erased stays erased when a mailbox of which all was deleted is listed anew."""
    by_key = {key_of(entity.remote_id): entity for entity in entities}
    alone = ErasedItem.objects.filter(entity=None, erased_at__isnull=False)
    found = set(alone.values_list("mailbox", flat=True)) if by_key else set()
    for key in sorted(found & by_key.keys()):
        alone.filter(mailbox=key).update(entity=by_key[key])


def hash_in(key: str) -> int:
    """Return the `hash_of` that a key begins with."""
    return int.from_bytes(bytes.fromhex(key[:16]), "big", signed=True)


def is_erased(line: VersionLine, keys: Container[str]) -> bool:
    """Tell whether a version is of an item that was erased."""
    return not line.is_folder and key_of(line.remote_id) in keys
