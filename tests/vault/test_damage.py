"""Objects that are damaged, cut, missing, swapped or another account's: named, and never handed out."""

import random
from pathlib import Path

import pytest

from apps.core.scope import account_scope
from apps.vault.api import BlobCorrupt, BlobMissing, ContentPart, Role, open_reader, open_writer, verify
from apps.vault.models import BlobLocation, Pack
from apps.vault.services import open_vault
from apps.vault.store.pack import HEADER, pack_key
from tests.cast import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
MAILS = [random.Random(n).randbytes(2_000) for n in range(5)]


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> int:
    return cast.account.pk


@pytest.fixture
def parts(account_id: int) -> list[ContentPart]:
    """Five mails in one pack."""
    with open_writer(account_id) as writer:
        return writer.put_many([(Role.MIME, mail) for mail in MAILS])


def pack_file(account_id: int, vault_folder: Path, number: int = 0) -> tuple[Path, str]:
    """Return the file of the account's n-th pack, and its id."""
    with account_scope(account_id):
        pack_id = bytes(Pack.objects.order_by("pk")[number].pack_id)
    (path,) = vault_folder.glob("*/" + pack_key(pack_id))
    return path, pack_id.hex()


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def test_a_flipped_byte_costs_one_blob_and_names_it(
    account_id: int, vault_folder: Path, parts: list[ContentPart]
) -> None:
    path, pack_id = pack_file(account_id, vault_folder)
    place = BlobLocation.objects.get(account_id=account_id, blob_id=parts[2].blobs[0])
    flip(path, place.position + 100)
    reader = open_reader(account_id)
    with pytest.raises(BlobCorrupt) as caught:
        reader.read(parts[2])
    assert (caught.value.blob_id, caught.value.pack_id) == (parts[2].blobs[0].hex(), pack_id)
    with pytest.raises(BlobCorrupt):
        list(reader.read_many(parts))
    assert [reader.read(part) for part in parts if part != parts[2]] == [m for m in MAILS if m != MAILS[2]]
    assert [(part, error.blob_id) for part, error in verify(account_id, parts)] == [
        (parts[2], parts[2].blobs[0].hex())
    ]


def test_a_cut_pack_loses_only_what_was_cut_off(
    account_id: int, vault_folder: Path, parts: list[ContentPart]
) -> None:
    path, pack_id = pack_file(account_id, vault_folder)
    place = BlobLocation.objects.get(account_id=account_id, blob_id=parts[3].blobs[0])
    path.write_bytes(path.read_bytes()[: place.position + 10])
    lost = {part.blobs[0] for part, _ in verify(account_id, parts)}
    assert lost == {parts[3].blobs[0], parts[4].blobs[0]}
    with pytest.raises(BlobMissing, match=pack_id):
        open_reader(account_id).read(parts[4])


def test_a_missing_pack_is_named(account_id: int, vault_folder: Path, parts: list[ContentPart]) -> None:
    path, pack_id = pack_file(account_id, vault_folder)
    path.unlink()
    with pytest.raises(BlobMissing, match=pack_id) as caught:
        open_reader(account_id).read(parts[0])
    assert caught.value.pack_id == pack_id


def test_swapped_packs_are_refused(account_id: int, vault_folder: Path, parts: list[ContentPart]) -> None:
    with open_writer(account_id) as writer:
        more = writer.put_many([(Role.MIME, mail[::-1]) for mail in MAILS])
    (one, _), (two, _) = (pack_file(account_id, vault_folder, number) for number in range(2))
    first, second = one.read_bytes(), two.read_bytes()
    assert len(first) == len(second)
    one.write_bytes(second)
    two.write_bytes(first)
    assert [part for part, _ in verify(account_id, [*parts, *more])] == [*parts, *more]


def test_another_accounts_pack_in_place_of_ours_is_refused(
    account_id: int, vault_folder: Path, parts: list[ContentPart], cast: Cast
) -> None:
    with open_writer(cast.other_account.pk) as writer:
        writer.put_many([(Role.MIME, mail) for mail in MAILS])
    ours, _ = pack_file(account_id, vault_folder)
    theirs, _ = pack_file(cast.other_account.pk, vault_folder)
    foreign = theirs.read_bytes()
    assert len(foreign) == ours.stat().st_size
    ours.write_bytes(foreign)
    with pytest.raises(BlobCorrupt, match="authenticate"):
        open_reader(account_id).read(parts[0])
    # Not even with our pack's header in front: keys come from the account, not from the object.
    ours.write_bytes(ours.read_bytes()[: HEADER.size] + foreign[HEADER.size :])
    with pytest.raises(BlobCorrupt, match="authenticate"):
        open_reader(account_id).read(parts[0])


def test_a_row_that_points_elsewhere_is_refused(account_id: int, parts: list[ContentPart]) -> None:
    one, two = (BlobLocation.objects.get(account_id=account_id, blob_id=part.blobs[0]) for part in parts[:2])
    BlobLocation.objects.filter(account_id=account_id, blob_id=one.blob_id).update(position=two.position)
    with pytest.raises(BlobCorrupt):
        open_reader(account_id).read(parts[0])


def test_a_catalog_row_with_a_wrong_size_is_refused(account_id: int, parts: list[ContentPart]) -> None:
    longer = ContentPart(Role.MIME, parts[0].size + 1, parts[0].blobs)
    for read in (
        lambda: open_reader(account_id).read(longer),
        lambda: list(open_reader(account_id).read_many([longer, parts[1]])),
    ):
        with pytest.raises(BlobCorrupt, match="2000 bytes in the vault instead of 2001"):
            read()


def test_the_other_accounts_rows_do_not_help(account_id: int, parts: list[ContentPart], cast: Cast) -> None:
    """Even a stolen row gives nothing: the reader's keys are its own account's."""
    open_vault(account_id=cast.other_account.pk)
    row = BlobLocation.objects.get(account_id=account_id, blob_id=parts[0].blobs[0])
    BlobLocation.objects.create(
        account_id=cast.other_account.pk,
        blob_id=bytes(row.blob_id),
        pack_row=row.pack_row,
        position=row.position,
        stored_length=row.stored_length,
        raw_length=row.raw_length,
        codec=row.codec,
        kind=row.kind,
    )
    with pytest.raises(BlobMissing):
        open_reader(cast.other_account.pk).read(parts[0])
