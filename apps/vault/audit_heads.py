"""The daily head of the security audit, kept in the vault: a small object that nobody can change unnoticed.

    audit/<day>-<sequence>-<seal>-<mac>

The name says all, so that one listing is enough to compare years of heads; the content says it again for
people. The MAC is made with a key of the vault: who can only write the store cannot forge a head, and who can
only write the database cannot take one back. Stores with a lock hold heads as they hold packs.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from apps.activity.heads import Head, Keeper
from apps.core.errors import Malformed

from .models import VaultKey
from .ownership import store_own
from .services import open_vault
from .store.backends.locks import AUDIT_HEADS
from .store.keys import VaultKeys

_NAME: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)-(?P<sequence>\d{10,})-(?P<seal>[0-9a-f]{64})-(?P<mac>[0-9a-f]{32})"
)


def keep(account_id: int, head: Head) -> bool:
    """Put a head into the account's vault; False when there is none. Raises VaultError, VaultTaken too."""
    if not VaultKey.objects.filter(shredding_since__isnull=True).exists():
        return False
    vault = open_vault(account_id=account_id)
    store_own(account_id=account_id, store_row=vault.store_row)  # V20
    words = {"account": str(head.account), "day": str(head.day), "sequence": head.sequence, "seal": head.seal}
    name = f"{head.day}-{head.sequence:010d}-{head.seal}-{_mac(vault.keys, head)}"
    vault.store.put_if_absent(AUDIT_HEADS + name, json.dumps(words, indent=1).encode())
    return True


def heads(account_id: int) -> Iterator[Head]:
    """Yield every head in the account's vault. Raises VaultError, and Malformed at one that is not ours."""
    row = VaultKey.objects.select_related("account").filter(shredding_since__isnull=True).first()
    if row is None:
        return
    vault = open_vault(account_id=account_id)
    for found in vault.store.list(AUDIT_HEADS):
        head = _head(found.key.removeprefix(AUDIT_HEADS), row.account.public_id, vault.keys)
        if head is None:
            raise Malformed("An object in the folder of the audit's heads is not one of ours.", item=found.key)
        yield head


def _head(name: str, account: UUID, keys: VaultKeys) -> Head | None:
    parts = _NAME.fullmatch(name)
    if parts is None:
        return None
    head = Head(
        int(parts["sequence"]), parts["seal"], date.fromisoformat(parts["day"]), account, keeper="the vault"
    )
    return head if hmac.compare_digest(_mac(keys, head), parts["mac"]) else None


def _mac(keys: VaultKeys, head: Head) -> str:
    key = HKDF(SHA256(), 32, None, b"everkeep audit head").derive(keys.data_key)
    words = f"{head.account} {head.day} {head.sequence} {head.seal}"
    return hmac.new(key, words.encode(), hashlib.sha256).hexdigest()[:32]


KEEPER: Final = Keeper("the vault", keep, heads)
