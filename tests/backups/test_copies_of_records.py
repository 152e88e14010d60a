"""Key envelopes and journals in two stores: a check looks at each, and the good one makes the other anew."""

from pathlib import Path

import pytest

from apps.vault.enums import CheckState, CheckTier, DamageState
from apps.vault.models import Damage, Shelf, VaultKey
from apps.vault.store.keys import envelope_key
from apps.vault.upkeep import keep_copies
from tests.backups.damaging import check
from tests.fixtures.mailbox import Mailbox
from tests.vault.shelves import second_store

pytestmark = pytest.mark.database


@pytest.fixture
def stores(mailbox: Mailbox, tmp_path: Path, settings: pytest.FixtureRequest) -> tuple[Path, Path]:
    """The first store and the second, with two backups in each."""
    settings.VAULT_URL = (tmp_path / "first").as_uri()  # type: ignore[attr-defined]
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    mailbox.run()
    mailbox.run()
    Shelf.objects.update(replica=second_store(tmp_path / "second"))
    assert keep_copies(mailbox.entity.account_id) == "done"
    assert check(mailbox).state == CheckState.CLEAN
    return tmp_path / "first", tmp_path / "second"


def journal(root: Path) -> Path:
    return sorted(root.glob("*/journals/*/mail/*"))[1]


def envelope(root: Path) -> Path:
    (found,) = root.glob("*/" + envelope_key(VaultKey.objects.get().master_key_id))
    return found


def spoil(path: Path, harm: str) -> None:
    data = path.read_bytes()
    path.unlink() if harm == "missing" else path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


@pytest.mark.parametrize("tier", [CheckTier.STRUCTURE, CheckTier.ALL])
@pytest.mark.parametrize(("hit", "harm"), [(0, "missing"), (0, "flipped"), (1, "flipped")])
def test_a_journal_that_one_store_has_damaged_is_made_anew_from_the_other(
    mailbox: Mailbox, stores: tuple[Path, Path], hit: int, harm: str, tier: CheckTier
) -> None:
    was = journal(stores[hit]).read_bytes()
    spoil(path := journal(stores[hit]), harm)
    found = check(mailbox, tier)
    assert (found.state, found.findings) == (CheckState.DAMAGED, 1)
    assert Damage.objects.get().what.startswith("The journal of backup 2 of Paula Pizza, mail: ")
    assert Damage.objects.get().how == "Made anew from the copy in another store."
    assert path.read_bytes() == was
    assert check(mailbox, tier).state == CheckState.CLEAN


def test_a_journal_that_is_bad_in_both_stores_is_left_as_it_is(
    mailbox: Mailbox, stores: tuple[Path, Path]
) -> None:
    for root in stores:
        spoil(journal(root), "flipped")
    assert check(mailbox).findings == 1
    assert Damage.objects.get().state == DamageState.FOUND
    assert check(mailbox).findings == 0


@pytest.mark.parametrize("hit", [0, 1])
def test_a_key_envelope_that_one_store_lacks_is_found_and_put_back(
    mailbox: Mailbox, stores: tuple[Path, Path], hit: int
) -> None:
    spoil(path := envelope(stores[hit]), "missing")
    found = check(mailbox, CheckTier.SAMPLE)
    assert (found.state, found.findings) == (CheckState.DAMAGED, 1)
    assert path.exists()
    assert check(mailbox).state == CheckState.CLEAN


def test_a_second_store_that_is_away_is_named_and_harms_nothing(
    mailbox: Mailbox, stores: tuple[Path, Path]
) -> None:
    stores[1].rename(stores[1].with_name("unplugged"))
    found = check(mailbox)
    assert found.state == CheckState.CLEAN
    assert found.message.endswith("Everkeep's store did not answer and was left out.")
