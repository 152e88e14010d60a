"""One slice of a check: from where the last one stopped, for about a minute, a pack or a batch at a time.

Phases, in order; `cursor` holds the phase and how far it got:

    envelope    the key envelope in the store is the one of the database
    listing     a sample reads few packs, so it looks by one listing whether the others are there at all
    packs       each pack of the tier: structure, or every byte
    by_rows     packs whose own list is damaged: their blobs by the rows that place them there
    stray_rows  rows that place a blob in a pack which does not list it
    contents    every content list parses, and each blob it names has a place
    journals    the journal of each snapshot opens and is the one its row names; in "all", each line of it

What was found is written down at once, healed at the end (healing.py). Work makes room for backups.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import Final

from django.db import connections
from django.db.models import F, Q, Sum

from apps.core import clock
from apps.core.errors import EverkeepError

from ..enums import OPEN_DAMAGE, WHOLE_TIERS, CheckState, CheckTier, DamageState, PackState
from ..errors import ContentCorrupt, Corrupt, StoreError
from ..models import Damage, Pack, VaultCheck
from ..registry import Catalog, JournalClaim, backups_run, catalogs
from ..services import open_vault
from ..store.backends.base import ObjectStore
from ..store.check import Checker, Claim, Code, Finding, PackReport, check_packs
from ..store.content import decode_content
from ..store.errors import ObjectMissing
from ..store.inspect import list_packs, read_pack_index
from ..store.journal import parse_name
from ..store.pack import Location, pack_key
from ..stores import customer_words
from .checks import SAMPLES_PER_ROUND, claim, end, give_back, save
from .damage import DICTIONARY, batches, lost_blobs_of, pack_is_sound, record, reopen, settle_all
from .healing import heal_if_possible
from .places import Places
from .records import Records
from .rows import Rows

log = logging.getLogger("everkeep.vault")
SLICE_SECONDS: Final = 45.0
SHARE_BESIDE_BACKUPS: Final = 0.25  # of the time, while any backup runs
CONTENTS_AT_ONCE: Final = 500
JOURNALS_AT_ONCE: Final = 50
PHASES: Final = ("envelope", "listing", "packs", "by_rows", "stray_rows", "contents", "journals")


class Stopped(Exception):
    """The slice is over, the check was cancelled or is somebody else's."""


def run_check(*, check_id: int, seconds: float = SLICE_SECONDS, processes: int = 1) -> bool:
    """Work on a check, in its account's scope. True when it is over, False when another slice is needed."""
    check = claim(check_id)
    if check is None:
        return True
    try:
        _Slice(check, seconds, processes).run()
    except Stopped:
        if VaultCheck.objects.filter(pk=check.pk, cancel_requested=True).exists():
            end(check, CheckState.CANCELLED, f"Cancelled. {_so_far(check)}")
            return True
        give_back(check)
        return False
    except StoreError as error:
        log.warning("check %s failed: %s", check.public_id, error)
        end(check, CheckState.FAILED, f"The store did not answer: {customer_words(str(error))}")
    except EverkeepError as error:
        end(check, CheckState.FAILED, str(error))
    except Exception:
        log.exception("check %s failed because of a fault of ours", check.public_id)
        end(check, CheckState.FAILED, f"A fault of ours stopped the check. Reference: {check.public_id}")
    return True


class _Slice:
    def __init__(self, check: VaultCheck, seconds: float, processes: int) -> None:
        self._check, self._processes = check, processes
        self._until = time.monotonic() + seconds
        self._account_id = check.account_id
        self._vault = open_vault(account_id=check.account_id)
        self._rows, self._places = Rows(check.account_id), Places(self._vault)
        self._records = Records(self._vault)

    def run(self) -> None:
        check = self._check
        for phase in PHASES[PHASES.index(check.cursor.get("phase", PHASES[0])) :]:
            check.cursor = {**check.cursor, "phase": phase}
            getattr(self, f"_{phase}")()
            check.cursor = {key: value for key, value in check.cursor.items() if key == "by_rows"}
        why_not = heal_if_possible(self._account_id)
        settle_all(self._account_id)
        self._end(why_not)

    # Phases

    def _envelope(self) -> None:
        faults = list(self._records.envelope_faults())
        self._found(Finding(Code.ENVELOPE, what) for what in faults)
        found = Damage.objects.filter(code=Code.ENVELOPE, state=DamageState.FOUND)
        found.exclude(what__in=faults).update(
            state=DamageState.HEALED, state_at=clock.now(), how="A later check found it whole."
        )

    def _listing(self) -> None:
        if self._check.tier != CheckTier.SAMPLE:
            return
        rows = Pack.objects.filter(state=PackState.STORED, created_at__lte=self._check.started_at)
        for store_row in rows.order_by().values_list("store_id", flat=True).distinct():
            store = self._places.store(store_row)
            sizes = {pack_id: found.size for pack_id, found in list_packs(store)}
            here = rows.filter(store_id=store_row).order_by("pk").values_list("pack_id", "size")
            for pack_id, size in here.iterator():
                if sizes.get(bytes(pack_id)) != size:
                    self._found(_is_there(store, bytes(pack_id), size))
            self._keep_going()

    def _packs(self) -> None:
        check, data = self._check, self._check.tier != CheckTier.STRUCTURE
        assert check.started_at is not None
        if not check.packs_total:
            sums = Pack.objects.filter(state=PackState.STORED).aggregate(size=Sum("size"))
            check.packs_total = Pack.objects.filter(state=PackState.STORED).count()
            check.bytes_total = sums["size"] or 0
            if check.tier == CheckTier.SAMPLE:
                check.bytes_total = -(-check.bytes_total // SAMPLES_PER_ROUND)
        while packs := self._next_packs(data):
            by_id = {bytes(pack.pack_id): pack for pack in packs}
            claims = (Claim(pack_id, p.size, None, p.store_id) for pack_id, p in by_id.items())
            for report in self._throttled(self._reports(claims, data=data)):
                self._note(by_id[report.pack_id], report, data=data)
                self._keep_going()

    def _next_packs(self, data: bool) -> list[Pack]:
        """Return the next packs: all by number, or those looked at longest ago, until the share is met."""
        check, packs = self._check, Pack.objects.filter(state=PackState.STORED)
        if not data:
            return list(packs.filter(pk__gt=check.cursor.get("after", 0)).order_by("pk")[:50])
        waiting = packs.filter(Q(checked_at=None) | Q(checked_at__lt=check.started_at))
        waiting = waiting.filter(created_at__lte=check.started_at)
        found = list(waiting.order_by(F("checked_at").asc(nulls_first=True), "pk")[:50])
        if check.tier != CheckTier.SAMPLE:
            return found
        left, some = check.bytes_total - check.bytes_done, []
        for pack in found:
            if left <= 0:
                break
            some.append(pack)
            left -= pack.size
        return some

    def _by_rows(self) -> None:
        """Packs that do not say what is in them, a few at a time: one look at all rows for each few."""
        data = self._check.tier != CheckTier.STRUCTURE
        while ids := self._check.cursor.get("by_rows", [])[:200]:
            packs = {p.pk: p for p in Pack.objects.filter(pk__in=ids, state=PackState.STORED)}
            places: dict[bytes, dict[bytes, Location]] = {bytes(p.pack_id): {} for p in packs.values()}
            for blob_id, at in self._rows.in_packs(list(packs)):
                places[at.pack_id][blob_id] = at
            by_id = {bytes(pack.pack_id): pack for pack in packs.values()}
            claims = (
                Claim(pack_id, by_id[pack_id].size, found, by_id[pack_id].store_id)
                for pack_id, found in places.items()
            )
            for report in self._throttled(self._reports(claims, data=data)):
                self._note(by_id[report.pack_id], report, data=data, by_rows=True)
            self._check.cursor["by_rows"] = self._check.cursor["by_rows"][200:]
            self._keep_going()

    def _stray_rows(self) -> None:
        """Rows that place more blobs in a pack than it lists for them: each of these is read by itself."""
        if self._check.tier == CheckTier.SAMPLE:
            return
        counted = self._rows.per_pack()
        assert self._check.started_at is not None
        packs = Pack.objects.filter(state=PackState.STORED, created_at__lte=self._check.started_at)
        odd = [
            pack
            for pack in packs.exclude(matched=None).iterator()
            if counted.get(pack.pk, 0) > (pack.matched or 0)
        ]
        strays = self._strays(odd)
        for batch in batches(chain(self._retired(counted), strays)):
            self._found(batch)
            self._keep_going()

    def _retired(self, counted: dict[int, int]) -> Iterator[Finding]:
        """Packs on their way out in which a row places a blob: gc would delete what is needed (V14)."""
        leaving = Pack.objects.exclude(state=PackState.STORED)
        packs = {pk: bytes(pack_id) for pk, pack_id in leaving.values_list("pk", "pack_id") if counted.get(pk)}
        for pack_id in sorted({at.pack_id for _, at in self._rows.in_packs(list(packs))}):  # as it is now
            what = f"Pack {pack_id.hex()} is marked as empty, but rows place blobs in it."
            yield Finding(Code.PACK_RETIRED, what, pack_id.hex())

    def _strays(self, packs: list[Pack]) -> Iterator[Finding]:
        listed = {}
        for pack in packs:
            try:
                store = self._places.store(pack.store_id)
                entries = read_pack_index(store, self._vault.keys, bytes(pack.pack_id))
            except (Corrupt, ObjectMissing):
                continue  # found by the phase before
            listed[bytes(pack.pack_id)] = {blob_id for blob_id, _ in entries}
        for blob_id, at in self._rows.in_packs([pack.pk for pack in packs]):
            if at.pack_id in listed and blob_id not in listed[at.pack_id]:
                what = f"The database places blob {blob_id.hex()} in a pack that does not hold it."
                yield Finding(Code.BLOB_CORRUPT, what, at.pack_id.hex(), blob_id.hex())

    def _contents(self) -> None:
        if self._check.tier == CheckTier.SAMPLE:
            return
        names = [name for name, _ in catalogs()]
        for name, catalog in catalogs():
            if names.index(name) < self._check.cursor.get("catalog", 0):
                continue
            after = self._check.cursor.get("after", 0)
            rows = iter(catalog.contents(self._account_id, after))
            while batch := list(islice(rows, CONTENTS_AT_ONCE)):
                self._found(self._unknown(catalog, batch))
                self._check.contents_done += len(batch)
                self._check.cursor |= {"catalog": names.index(name), "after": batch[-1][0]}
                self._keep_going()
            self._check.cursor |= {"catalog": names.index(name) + 1, "after": 0}

    def _unknown(self, catalog: Catalog, batch: list[tuple[int, bytes]]) -> Iterator[Finding]:
        named: dict[int, set[bytes]] = {}
        for position, content in batch:
            try:
                named[position] = {blob_id for part in decode_content(content) for blob_id in part.blobs}
            except ContentCorrupt as error:
                yield Finding(Code.CONTENT_CORRUPT, f"Row {position} of the catalog: {error.what}")
        blobs = set[bytes]().union(*named.values())
        unknown = blobs - self._vault.index.locate(blobs).keys()
        self._look_for_again(catalog, {at: hit for at, wanted in named.items() if (hit := wanted & unknown)})
        for blob_id in sorted(unknown):
            yield Finding(
                Code.BLOB_UNKNOWN, f"The vault has no record of blob {blob_id.hex()}.", "", blob_id.hex()
            )

    def _look_for_again(self, catalog: Catalog, unknown: dict[int, set[bytes]]) -> None:
        """What was given up is damage anew when something names it since: a source may have it after all."""
        lost = lost_blobs_of(set[bytes]().union(*unknown.values())) if unknown else set()
        if named := {at: blobs & lost for at, blobs in unknown.items() if blobs & lost}:
            reopen(catalog.named_anew(self._account_id, named))

    def _journals(self) -> None:
        if self._check.tier == CheckTier.SAMPLE:
            return
        for number, (_, catalog) in enumerate(catalogs()):
            if number < self._check.cursor.get("catalog", 0):
                continue
            claims = iter(catalog.journals(self._account_id, self._check.cursor.get("after", 0)))
            while batch := list(islice(claims, JOURNALS_AT_ONCE)):
                self._journal_batch(batch)
                self._check.cursor |= {"catalog": number, "after": batch[-1].position}
                self._keep_going()
            self._check.cursor |= {"catalog": number + 1, "after": 0}

    def _journal_batch(self, batch: list[JournalClaim]) -> None:
        sound: list[bytes] = []
        for said in batch:
            named = parse_name(said.key)
            journal_id = named[0].journal_id if named else b""
            what = self._records.journal_fault(said, whole=self._check.tier in WHOLE_TIERS)
            if what:
                self._found([Finding(Code.JOURNAL, f"The journal of {said.label}: {what}", journal_id.hex())])
            else:
                sound.append(journal_id)
        Damage.objects.filter(code=Code.JOURNAL, pack_id__in=sound, state=DamageState.FOUND).update(
            state=DamageState.HEALED, state_at=clock.now(), how="A later check found it whole."
        )

    # Parts

    def _reports(self, claims: Iterable[Claim], *, data: bool) -> Iterator[PackReport]:
        make: Callable[[], Checker] = partial(Places, self._vault)
        if self._processes > 1:
            make = partial(_fresh, self._account_id)
        return check_packs(make, claims, data=data, processes=self._processes)

    def _note(self, pack: Pack, report: PackReport, *, data: bool, by_rows: bool = False) -> None:
        check, findings = self._check, report.findings
        now, values = clock.now(), dict[str, object]()
        if findings and not Pack.objects.filter(pk=pack.pk, state=PackState.STORED).exists():
            findings = []  # gc took it meanwhile
        self._found(findings)
        if data:
            values["checked_at"] = now
        if report.read_by_rows:
            values["matched"] = report.blobs
            if data and not any(finding.blob_id for finding in findings):
                values["verified_at"] = now
        if not findings:
            pack_is_sound(bytes(pack.pack_id))
            values["needs_rewrite"] = False
        if values:
            Pack.objects.filter(pk=pack.pk).update(**values)
        if by_rows:
            return
        check.packs_done += 1
        check.bytes_done += pack.size
        check.cursor["after"] = pack.pk
        if any(finding.code == Code.PACK_INDEX for finding in findings):
            check.cursor["by_rows"] = [*check.cursor.get("by_rows", []), pack.pk]

    def _found(self, findings: Iterable[Finding]) -> None:
        self._check.findings += record(self._account_id, findings)

    def _throttled(self, reports: Iterator[PackReport]) -> Iterator[PackReport]:
        """Work only a share of the time while backups run: they come first."""
        since = time.monotonic()
        for report in reports:
            yield report
            if backups_run():
                worked = time.monotonic() - since
                time.sleep(min(worked * (1 / SHARE_BESIDE_BACKUPS - 1), 30.0))
            since = time.monotonic()

    def _keep_going(self) -> None:
        if not save(self._check) or time.monotonic() > self._until:
            raise Stopped

    def _end(self, why_not: str) -> None:
        check = self._check
        if not save(check):
            raise Stopped
        open_ = Damage.objects.filter(state__in=OPEN_DAMAGE)
        lost = Damage.objects.filter(state=DamageState.LOST).exclude(how=DICTIONARY).exists()
        words = [_so_far(check)]
        if check.findings:
            words.append(f"{_count(check.findings, 'fault')} found.")
        elif open_.exists():
            words.append("Nothing new, but not all that was found before is healed yet.")
        else:
            words.append("Nothing new is wrong.")
        if self._records.away:
            words.append(f"{', '.join(self._records.away)} did not answer and was left out.")
        state = CheckState.DAMAGED if check.findings or open_.exists() else CheckState.CLEAN
        if lost:
            state = CheckState.LOST if state == CheckState.CLEAN else state
            items = sum(catalog.lost(self._account_id) for _, catalog in catalogs())
            words.append(f"{_count(items, 'item')} lost earlier {'stays' if items == 1 else 'stay'} lost.")
        end(check, state, " ".join([*words, why_not]).strip())


def _fresh(account_id: int) -> Checker:
    """Make a checker in a child process: nothing that the parent has open is used there."""
    for connection in connections.all():
        connection.connection = None  # the parent's: not ours to close
    return Places(open_vault(account_id=account_id))


def _is_there(store: ObjectStore, pack_id: bytes, size: int) -> Iterator[Finding]:
    """Look at one pack that a listing did not name as it should: listings may lag."""
    found, name = store.size(pack_key(pack_id)), pack_id.hex()
    if found is None:
        yield Finding(Code.PACK_MISSING, f"Pack {name} is not in the store.", name)
    elif found != size:
        yield Finding(Code.PACK_SIZE, f"Pack {name} has {found} bytes instead of {size}.", name)


def _so_far(check: VaultCheck) -> str:
    packs = _count(check.packs_done, "pack")
    return f"{packs} of {check.packs_total:,} looked at."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
