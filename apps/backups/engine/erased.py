"""What a run leaves out since it was erased by order: not fetched, not named, counted in the ledger."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from apps.connectors.base import Change, Removal, Upsert

from ..catalog import Draft
from ..erasure.remembered import erased_places, note_places
from ..models.catalog import key_of


@dataclass(slots=True)
class Erased:
    """Erased items of one kind of data by key, with the folder in which the source still has each."""

    places: dict[str, str | None] = field(default_factory=dict)
    _moved: dict[str, str | None] = field(default_factory=dict)
    _named: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, draft: Draft) -> "Erased":
        return cls(erased_places(draft.entity_id, draft.sub_service))

    def left_out(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Return the changes without those that name an erased item, and note where it is."""
        return [change for change in changes if not self._is_one(change)] if self.places else changes

    def _is_one(self, change: Change) -> bool:
        if not isinstance(change, (Upsert, Removal)) or (isinstance(change, Upsert) and change.is_folder):
            return False
        key = key_of(change.remote_id)
        if key not in self.places:
            return False
        if isinstance(change, Upsert):
            self._named.add(key)
            self._put(key, change.parent_id or "")
        elif change.parent_id in (None, self.places[key]):
            self._put(key, None)
        return True

    def listed(self, folders: set[str]) -> None:
        """These were listed in full: what was not named is in them no more."""
        for key, place in self.places.items():
            if place in folders and key not in self._named:
                self._put(key, None)

    def per_folder(self) -> Counter[str]:
        """Count what the source still has, by folder."""
        return Counter(place for place in self.places.values() if place is not None)

    def settle(self, draft: Draft) -> None:
        """With the snapshot, in its transaction: write down where the source has them."""
        if self._moved:
            note_places(draft.entity_id, draft.sub_service, self._moved)

    def _put(self, key: str, place: str | None) -> None:
        if self.places[key] != place:
            self.places[key] = self._moved[key] = place
