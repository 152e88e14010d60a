"""What the child processes of tests/faults/test_one_percent_lost.py do: orders of tests/warm_worker.py."""

import random
from datetime import timedelta
from typing import Any


def hurt(*, seed: int, share: float) -> dict[str, Any]:
    """Overwrite a share of all blobs, wherever they lie, with zeros; returns how many, and of how many."""
    from pathlib import Path
    from urllib.parse import urlsplit

    from apps.core.scope import every_account
    from apps.vault.models import BlobLocation, Pack, Store
    from apps.vault.store.pack import Kind, pack_key

    with every_account("the test has one"):
        rows = list(BlobLocation.objects.filter(kind=Kind.DATA).order_by("blob_id"))
        packs = {pack.pk: bytes(pack.pack_id) for pack in Pack.objects.all()}
        root = Path(urlsplit(Store.objects.get().url).path)
    hit = random.Random(seed).sample(rows, max(5, round(len(rows) * share)))
    for row in hit:
        (path,) = root.glob("*/" + pack_key(packs[row.pack_row]))
        with path.open("r+b") as file:
            file.seek(row.position)
            file.write(bytes(row.stored_length))
    return {"hit": len(hit), "of": len(rows)}


def check(*, minutes: float) -> dict[str, Any]:
    """Read every byte; returns what was found, and a line per item that is damaged or lost."""
    from apps.accounts.models import Account
    from apps.core import clock
    from apps.core.scope import account_scope
    from apps.vault.enums import CheckTier, CheckTrigger
    from apps.vault.health import run_check
    from apps.vault.health.checks import check_open
    from apps.vault.registry import catalogs

    account = Account.objects.get()
    with account_scope(account.pk), clock.travel(clock.now() + timedelta(minutes=minutes)):
        row = check_open(account.pk, CheckTier.ALL, CheckTrigger.PERSON)
        while not run_check(check_id=row.pk):
            pass
        row.refresh_from_db()
        lines = [line for _, catalog in catalogs() for line in catalog.named(account.pk)]
    return {"state": row.state, "found": row.findings, "words": row.message, "items": lines}


def readable(*, number: int) -> dict[str, Any]:
    """Return, for each mail of a snapshot, the SHA-256 of what the vault gives back; None for nothing."""
    import hashlib

    from django.db.models import Q

    from apps.backups.models import NodeVersion
    from apps.core.scope import every_account
    from apps.vault.api import BlobMissing, decode_content, open_reader

    found: dict[str, str | None] = {}
    with every_account("the test has one"):
        visible = NodeVersion.objects.filter(Q(gone__isnull=True) | Q(gone__gt=number), first__lte=number)
        reader = None
        for row in visible.filter(is_folder=False):
            reader = reader or open_reader(row.account_id)
            (part,) = decode_content(bytes(row.content))
            try:
                found[row.remote_id] = hashlib.sha256(reader.read(part)).hexdigest()
            except BlobMissing:
                found[row.remote_id] = None
    return found
