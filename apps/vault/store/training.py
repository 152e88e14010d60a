"""The dictionaries of a vault as its writer uses them: found, trained when there are enough samples, stored."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import zstandard

from .backends.base import ObjectStore
from .codec import ZSTD_LEVEL, Compressor
from .content import Role
from .dictionary import FIRST_COPY, Dictionary, number_of, parse_dictionary
from .errors import BlobError, Corrupt
from .index import BlobIndex
from .keys import VaultKeys
from .pack import Kind, PackBuilder, SealedPack, pack_key
from .reader import VaultReader

LARGEST_ITEM: Final = 12 * 1024  # what is larger gains little for half as much CPU again
SAMPLE_BYTES: Final = 4 * 1024 * 1024  # enough to train
LEAST_SAMPLES: Final = 100  # and the least that is worth it
SAMPLES_PER_BYTE: Final = 40  # bytes of samples for each byte of dictionary (docs/vault-format.md, "Measured")
LARGEST_DICTIONARY: Final = 112 * 1024
LEAST_DICTIONARY: Final = 8 * 1024
LEAST_GAIN: Final = 0.05  # of the compressed size, else it is not worth having
_HELD_OUT: Final = 8  # each such sample judges instead of training
_SEGMENT: Final = 512
_DMER: Final = 8
"""zstd's cover parameters k and d. Left to itself the library tries forty of each: five times the CPU for a
thousandth of the size on real mail."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Role:
    """What a writer knows of one role. It learns until it has seen SAMPLE_BYTES; then `done`."""

    compressor: Compressor | None = None
    samples: list[bytes] = field(default_factory=list)
    sampled: int = 0
    done: bool = False


class DictionaryBook:
    """Chooses the dictionary for each small item. One per writer."""

    def __init__(
        self,
        keys: VaultKeys,
        store: ObjectStore,
        index: BlobIndex,
        *,
        recorded: Callable[[SealedPack], None],
    ) -> None:
        self._keys, self._store, self._index, self._recorded = keys, store, index, recorded
        self._roles: dict[Role, _Role] | None = None

    def compressor(self, role: Role) -> Compressor | None:
        """Return what compresses small items of this role best, None when there is no dictionary for it."""
        return self._role(role).compressor

    def waits(self, role: Role) -> bool:
        """Tell whether small items of this role should wait, because a dictionary may soon be trained."""
        known = self._role(role)
        return known.compressor is None and not known.done

    def learn(self, role: Role, plaintext: bytes | memoryview) -> bool:
        """Take a small item as a sample. True when there are enough: then call `train`."""
        known = self._role(role)
        if known.done:
            return False
        known.samples.append(bytes(plaintext))
        known.sampled += len(plaintext)
        return known.sampled >= SAMPLE_BYTES

    def train(self, role: Role) -> None:
        """Train on the samples, and use the result if that is better than what there is. Raises StoreError.

        V18: the dictionary is durable and recorded, in two packs of its own, before anything uses it.
        """
        known = self._role(role)
        if len(known.samples) < LEAST_SAMPLES and known.sampled < SAMPLE_BYTES:
            return
        judges = known.samples[::_HELD_OUT]
        size = min(max(known.sampled // SAMPLES_PER_BYTE, LEAST_DICTIONARY), LARGEST_DICTIONARY)
        data = _trained([sample for at, sample in enumerate(known.samples) if at % _HELD_OUT], size)
        if data is not None and _is_better(data, known.compressor, judges):
            known.compressor = self._keep(role, data) or known.compressor
        known.done, known.samples = True, []

    def _keep(self, role: Role, data: bytes) -> Compressor | None:
        """Store a new dictionary. None in the one case in which it cannot be."""
        first = Dictionary(role, data)
        blob_id = self._keys.blob_id(first.plaintext())
        number = number_of(blob_id)
        if any(number_of(other) == number and other != blob_id for other in self._index.dictionaries()):
            return None  # once in four thousand million: which one is meant must never be in doubt
        self._store_one(first)
        self._store_one(Dictionary(role, data, copy_of=number))
        return Compressor(data, number)

    def _store_one(self, dictionary: Dictionary) -> None:
        """Store one copy in a pack of its own."""
        plaintext = dictionary.plaintext()
        blob_id, builder = self._keys.blob_id(plaintext), PackBuilder(self._keys)
        codec, packed = Compressor().pack(plaintext)
        builder.add(blob_id, codec, packed, len(plaintext), Kind.DICTIONARY)
        pack = builder.seal()
        self._store.put_if_absent(pack_key(pack.pack_id), pack.data)  # V1
        self._index.record(pack)  # V2
        self._recorded(pack)

    def _role(self, role: Role) -> _Role:
        if self._roles is None:
            self._roles = self._found()
        return self._roles[role]

    def _found(self) -> dict[Role, _Role]:
        """Take up the newest readable dictionary of each role. One that is damaged is left to the check.

        Only of those that are *known*: what is stored here must not depend on another shelf of the vault.
        """
        roles = {role: _Role() for role in Role}
        reader = VaultReader(self._keys, self._store, self._index)
        recorded = self._index.dictionaries()
        known_here = self._index.known(recorded)
        for blob_id in reversed(recorded):
            if blob_id not in known_here:
                continue
            try:
                found = parse_dictionary(reader.load(self._index.locate([blob_id]))[blob_id])
            except (BlobError, Corrupt, KeyError) as error:
                log.warning("Dictionary %s is not used: %s", blob_id.hex(), error)
                continue
            number = found.copy_of if any(found.copy_of) else number_of(blob_id)
            self._complete(found, number, known_here)
            known = roles[found.role]
            if known.compressor is None:
                known.compressor = Compressor(found.data, number)
        return roles

    def _complete(self, found: Dictionary, number: bytes, known: Collection[bytes]) -> None:
        """Store the other copy of a dictionary anew when it is gone: a check took it out, or a writer died."""
        for copy_of in (FIRST_COPY, number):
            copy = Dictionary(found.role, found.data, copy_of)
            if self._keys.blob_id(copy.plaintext()) not in known:
                self._store_one(copy)


def _trained(samples: Sequence[bytes], size: int) -> bytes | None:
    """Return a dictionary of at most `size` bytes, None when the samples have too little in common."""
    try:
        return zstandard.train_dictionary(size, list(samples), k=_SEGMENT, d=_DMER, level=ZSTD_LEVEL).as_bytes()
    except zstandard.ZstdError as error:
        log.info("No dictionary can be made of %d samples: %s", len(samples), error)
        return None


def _is_better(data: bytes, present: Compressor | None, judges: Sequence[bytes]) -> bool:
    return _weight(Compressor(data), judges) <= _weight(present or Compressor(), judges) * (1 - LEAST_GAIN)


def _weight(compressor: Compressor, samples: Sequence[bytes]) -> int:
    return sum(len(packed) for _, packed in compressor.pack_many(samples))
