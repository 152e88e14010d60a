"""Damage done to a mailbox's backups on purpose, and looked for."""

from pathlib import Path

from apps.backups.models import DamagedItem
from apps.connectors.base import FetchProblem
from apps.connectors.enums import SkipCause
from apps.vault.api import decode_content
from apps.vault.enums import CheckTier, CheckTrigger
from apps.vault.health import run_check
from apps.vault.health.checks import check_open
from apps.vault.models import BlobLocation, Pack, VaultCheck
from apps.vault.store.pack import pack_key
from tests.fixtures.mailbox import Mailbox


def check(mailbox: Mailbox, tier: CheckTier = CheckTier.ALL) -> VaultCheck:
    row = check_open(mailbox.entity.account_id, tier, CheckTrigger.PERSON)
    while not run_check(check_id=row.pk):
        pass
    row.refresh_from_db()
    return row


def blobs(mailbox: Mailbox, remote_id: str, number: int) -> list[bytes]:
    """Return the blobs of an item as it was in a snapshot."""
    for row in mailbox.rows():
        if row.remote_id == remote_id and row.first <= number and (row.gone is None or row.gone > number):
            return [blob_id for part in decode_content(bytes(row.content)) for blob_id in part.blobs]
    raise AssertionError(f"{remote_id} is not in snapshot {number}")


def spoil(mailbox: Mailbox, folder: Path, blob_id: bytes) -> None:
    """Flip a bit of a blob in its pack."""
    place = BlobLocation.objects.get(account_id=mailbox.entity.account_id, blob_id=blob_id)
    (path,) = folder.glob("*/" + pack_key(bytes(Pack.objects.get(pk=place.pack_row).pack_id)))
    data = bytearray(path.read_bytes())
    data[place.position + place.stored_length // 2] ^= 1
    path.write_bytes(data)


def gone(mailbox: Mailbox, remote_id: str) -> None:
    """Let the source say that it has no such item any more."""
    mailbox.cloud.delete_mail(remote_id)
    mailbox.cloud.problems[remote_id] = FetchProblem(remote_id, "It is gone.", skip=SkipCause.GONE)


def item(remote_id: str) -> DamagedItem:
    return DamagedItem.objects.get(remote_id=remote_id)
