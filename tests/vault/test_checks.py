"""Checks of a whole vault: in slices, stopped, gone on with, by schedule and by command."""

import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.management import call_command

from apps.activity.models import Activity
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.scope import account_scope
from apps.vault.enums import CheckState, CheckTier, CheckTrigger, DamageState
from apps.vault.health import (
    check_cancel,
    checks,
    checks_dispatch,
    checks_schedule,
    healing,
    run_check,
    selectors,
    work,
)
from apps.vault.health.checks import check_open
from apps.vault.models import BlobLocation, Damage, Pack, VaultCheck, VaultKey
from apps.vault.store import check as pure
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.errors import StoreUnavailable
from apps.vault.store.keys import envelope_key
from apps.vault.store.pack import pack_key
from tests.cast import Cast
from tests.vault.shelves import Kept, back_up

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "check-and-repair.md"


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> Iterator[int]:
    with account_scope(cast.account.pk):
        yield cast.account.pk


@pytest.fixture
def kept(account_id: int) -> Kept:
    """Six packs with four mails each."""
    return back_up(account_id, packs=6)


def order(account_id: int, tier: CheckTier) -> VaultCheck:
    return check_open(account_id, tier, CheckTrigger.PERSON)


def finish(check: VaultCheck, **arguments: float) -> VaultCheck:
    while not run_check(check_id=check.pk, **arguments):  # type: ignore[arg-type]
        pass
    check.refresh_from_db()
    return check


def file_of(folder: Path, pack: Pack) -> Path:
    (path,) = folder.glob(f"*/{pack_key(bytes(pack.pack_id))}")
    return path


@pytest.mark.parametrize("tier", CheckTier.values)
def test_a_sound_vault_is_clean_in_every_tier(account_id: int, kept: Kept, tier: str) -> None:
    done = finish(order(account_id, CheckTier(tier)))
    assert (done.state, done.findings) == (CheckState.CLEAN, 0)
    assert not Damage.objects.exists()


def test_a_check_goes_on_slice_by_slice_and_looks_at_each_pack_once(account_id: int, kept: Kept) -> None:
    check = order(account_id, CheckTier.ALL)
    slices = 0
    while not run_check(check_id=check.pk, seconds=0.0):
        slices += 1
        check.refresh_from_db()
        assert check.lease_owner == "", "another worker may go on"
    check.refresh_from_db()
    assert slices >= 6
    assert (check.packs_done, check.packs_total) == (6, 6)
    assert check.bytes_done == check.bytes_total == sum(Pack.objects.values_list("size", flat=True))
    assert not Pack.objects.filter(verified_at=None).exists()


def test_samples_read_what_was_looked_at_longest_ago_until_all_was_read(account_id: int, kept: Kept) -> None:
    seen: list[int] = []
    for _ in range(6):
        before = set(Pack.objects.exclude(checked_at=None).values_list("pk", "checked_at"))
        finish(order(account_id, CheckTier.SAMPLE))
        after = set(Pack.objects.exclude(checked_at=None).values_list("pk", "checked_at"))
        seen += [pk for pk, _ in after - before]
    assert seen == sorted(Pack.objects.values_list("pk", flat=True)), "one pack each, each once"


def test_one_check_is_open_at_a_time_and_one_worker_has_it(account_id: int, kept: Kept) -> None:
    check = order(account_id, CheckTier.ALL)
    with pytest.raises(Conflict):
        order(account_id, CheckTier.SAMPLE)
    assert checks.claim(check.pk) is not None
    assert checks.claim(check.pk) is None
    assert checks_dispatch() == []
    with clock.travel(clock.now() + checks.LEASE + timedelta(seconds=1)):
        assert checks_dispatch() == [(account_id, check.pk)], "its worker is dead"
        assert finish(check).state == CheckState.CLEAN


def test_a_cancelled_check_stops_after_the_pack_it_is_at(account_id: int, kept: Kept) -> None:
    check = order(account_id, CheckTier.ALL)
    assert not run_check(check_id=check.pk, seconds=0.0)
    check_cancel(check=check)
    check.refresh_from_db()
    assert check.state == CheckState.CANCELLED, "nobody was at work"
    other = order(account_id, CheckTier.ALL)
    original = work._Slice._note

    def cancel_meanwhile(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        original(self, *args, **kwargs)
        check_cancel(check=other)

    with patch.object(work._Slice, "_note", cancel_meanwhile):
        done = finish(other)
    assert (done.state, done.packs_done) == (CheckState.CANCELLED, 1)


def test_a_store_that_does_not_answer_ends_the_check_without_a_word_of_damage(
    account_id: int, kept: Kept
) -> None:
    with patch.object(LocalStore, "get_range", side_effect=StoreUnavailable("The disk is away.")):
        done = finish(order(account_id, CheckTier.ALL))
    assert done.state == CheckState.FAILED
    assert "The disk is away." in done.message
    assert not Damage.objects.exists()


def test_a_missing_key_envelope_is_put_back(account_id: int, kept: Kept, vault_folder: Path) -> None:
    (path,) = vault_folder.glob("*/" + envelope_key(VaultKey.objects.get().master_key_id))
    path.unlink()
    done = finish(order(account_id, CheckTier.STRUCTURE))
    assert (done.state, done.findings) == (CheckState.DAMAGED, 1)
    assert path.exists()
    assert Damage.objects.get().state == DamageState.HEALED
    assert finish(order(account_id, CheckTier.STRUCTURE)).state == CheckState.CLEAN


@pytest.mark.parametrize("tier", [CheckTier.STRUCTURE, CheckTier.ALL])
def test_a_pack_that_cannot_say_what_it_holds_is_read_by_rows_and_waits_to_be_rewritten(
    account_id: int, kept: Kept, vault_folder: Path, tier: CheckTier
) -> None:
    pack = Pack.objects.order_by("pk")[2]
    path = file_of(vault_folder, pack)
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    done = finish(order(account_id, tier))
    assert (done.state, done.findings) == (CheckState.DAMAGED, 1)
    pack.refresh_from_db()
    assert pack.needs_rewrite
    assert Damage.objects.get().state == DamageState.REWRITE
    assert BlobLocation.objects.filter(pack_row=pack.pk).count() == 4, (
        "its blobs are readable: nothing is given up"
    )


def test_a_row_that_names_a_wrong_place_is_put_right(account_id: int, kept: Kept) -> None:
    row = BlobLocation.objects.filter(account_id=account_id).first()
    assert row is not None
    BlobLocation.objects.filter(blob_id=row.blob_id).update(position=row.position + 1)
    finish(order(account_id, CheckTier.STRUCTURE))
    assert BlobLocation.objects.get(blob_id=row.blob_id).position == row.position
    assert Damage.objects.get().state == DamageState.HEALED


def test_a_row_in_a_pack_that_does_not_hold_its_blob_is_found(account_id: int, kept: Kept) -> None:
    first, second = Pack.objects.order_by("pk")[:2]
    row = BlobLocation.objects.filter(pack_row=first.pk).first()
    assert row is not None
    BlobLocation.objects.filter(blob_id=row.blob_id).update(pack_row=second.pk)
    done = finish(order(account_id, CheckTier.STRUCTURE))
    assert done.findings == 1
    assert bytes(Damage.objects.get().blob_id) == bytes(row.blob_id)


def test_very_much_damage_at_once_waits_for_a_persons_word(
    account_id: int, kept: Kept, vault_folder: Path
) -> None:
    for pack in Pack.objects.all():
        path = file_of(vault_folder, pack)
        path.write_bytes(path.read_bytes()[:40] + bytes(path.stat().st_size - 40))
    with patch.object(healing, "MOST_BLOBS", 5):
        done = finish(order(account_id, CheckTier.ALL))
        assert "24 blobs of 24 are damaged at once" in done.message
        assert BlobLocation.objects.filter(account_id=account_id).count() == 24
        healing.heal(account_id, anyway=True)
    assert BlobLocation.objects.filter(account_id=account_id).count() == 0


def test_the_schedule_orders_a_structure_check_a_week_and_samples_on_other_days(
    account_id: int, kept: Kept
) -> None:
    tiers, now = [], clock.now()
    for day in range(9):
        with clock.travel(now + timedelta(days=day)):
            checks_schedule()
            assert checks_schedule() == 0, "not twice a day"
            check = VaultCheck.objects.latest("pk")
            tiers.append(check.tier)
            finish(check)
    assert tiers == ["structure", *["sample"] * 6, "structure", "sample"]


def test_a_check_that_nobody_ordered_and_that_found_nothing_leaves_no_activity(
    account_id: int, kept: Kept
) -> None:
    checks_schedule()
    finish(VaultCheck.objects.get())
    assert not Activity.objects.filter(code="check.finished").exists()
    finish(order(account_id, CheckTier.SAMPLE))
    assert Activity.objects.filter(code="check.finished").count() == 1


def vault_command(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("vault", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_by_its_exit_code_how_it_stands(
    account_id: int, kept: Kept, vault_folder: Path
) -> None:
    assert vault_command("check", "--processes", "1")[0] == 0
    pack = Pack.objects.order_by("pk")[0]
    path = file_of(vault_folder, pack)
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    code, said = vault_command("check", "--tier", "all", "--processes", "1")
    assert code == 1 and "pack_index" in said
    Damage.objects.update(state=DamageState.LOST)
    assert vault_command("heal")[0] == 3
    order(account_id, CheckTier.ALL)
    code, said = vault_command("check")
    assert code == 2 and "under way" in said


def test_the_page_says_the_numbers_of_the_code() -> None:
    text = re.sub(r"\s+", " ", PAGE.read_text())
    from apps.backups.engine.refetch import MOST_ITEMS as REFETCH_ITEMS
    from apps.recovery.drill import run as drill
    from apps.recovery.drill import sample

    for said in (
        f"every {checks.STRUCTURE_EVERY.days} days",
        f"every {checks.CHECK_EVERY.total_seconds() / 3600:.0f} hours",
        f"1/{checks.SAMPLES_PER_ROUND} of the bytes",
        f"once in {checks.SAMPLES_PER_ROUND} samples",
        f"within {selectors.RECENT.days} days",
        f"slices of {work.SLICE_SECONDS:.0f} seconds",
        f"lease of {checks.LEASE.total_seconds() / 60:.0f} minutes",
        f"({work.SHARE_BESIDE_BACKUPS:.0%})".replace("%", " %"),
        f"{pure.WINDOW_STORED // 2**20} MiB of it",
        f"More than {healing.MOST_BLOBS:,} blobs *and* more than {healing.MOST_SHARE:.0%}".replace("%", " %"),
        f"({REFETCH_ITEMS:,} items of one kind in one run)",
        f"Once in {drill.EVERY.days} days",
        f"up to {sample.ENTITIES} mailboxes",
        f"{sample.CANDIDATES} items at a random place, {sample.PER_STRATUM} of each kind",
        f"small below {sample.SMALL // 1000} kB, large above {sample.LARGE // 10**6} MB",
        f"most {sample.MOST_ITEMS} items and {sample.MOST_BYTES // 10**6} MB",
        f"{drill.LIVE_ITEMS} items with the live source",
    ):
        assert said in text, said
    codes = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE.read_text(), re.M))
    assert codes == set(pure.Code), "each code is explained, and no other"
