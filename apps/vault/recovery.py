"""The account's recovery key: shown to its owner once, confirmed by typing a part, replaced by a new one.

The key itself is in the answer to one request and nowhere else; the store keeps an envelope that it opens. An
old key works until the new one is confirmed: at no moment is the owner without one. Then its envelope goes,
and its row with it; while a store cannot be reached the row stays, so that the page can say so.
"""

import hmac
import logging
import random
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from apps.activity.services import record
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import Conflict
from apps.core.scope import account_scope, every_account
from apps.core.sealing import seal, unseal

from .envelopes import envelope_names, envelope_put, envelope_remove, locked_vault
from .errors import StoreError, VaultError
from .models import RecoveryKey as Row
from .models import VaultKey
from .ownership import vault_own
from .services import key_folders, key_places, open_vault, opened_keys
from .store.keys import VaultKeys, unwrap_keys, wrap_keys
from .store.recovery_key import GROUPS, NAME_PREFIX, RecoveryKey, plain

log = logging.getLogger(__name__)
ASKED = 2  # how many groups the owner types to confirm


@dataclass(frozen=True, slots=True)
class RecoveryState:
    """What the owner's page and the banner say. `lingering`: old keys whose envelopes are not removed yet."""

    has_vault: bool
    confirmed_at: datetime | None
    confirmed_by: str
    shown_at: datetime | None  # a key that waits for its confirmation
    asked: list[int]  # numbers of its groups to type, from 1
    lingering: int

    @property
    def nags(self) -> bool:
        """Whether somebody has backups and no proof that they can be opened without us."""
        return self.has_vault and (self.confirmed_at is None or self.shown_at is not None)


def recovery_state(account_id: int) -> RecoveryState:
    """Return how it stands with the account's recovery key."""
    with account_scope(account_id):
        has_vault = VaultKey.objects.filter(shredding_since__isnull=True).exists()
        rows = list(Row.objects.order_by("pk"))
    confirmed = next((row for row in rows if row.confirmed_at and not row.replaced_at), None)
    waiting = next((row for row in rows if not row.confirmed_at and not row.replaced_at), None)
    return RecoveryState(
        has_vault=has_vault,
        confirmed_at=confirmed.confirmed_at if confirmed else None,
        confirmed_by=confirmed.made_by if confirmed else "",
        shown_at=waiting.made_at if waiting else None,
        asked=list(waiting.asked) if waiting else [],
        lingering=sum(row.replaced_at is not None for row in rows),
    )


@sensitive_variables("key", "keys", "envelope")
def recovery_key_make(*, account_id: int) -> RecoveryKey:
    """Make a recovery key and return it: the only moment at which anybody can see it.

    Its envelope is read back from every store and opened before this returns. A key that was shown earlier and
    never confirmed is replaced. Raises StoreError, KeysCorrupt, KeysShredded, VaultTaken.
    """
    open_vault(account_id=account_id)  # there is one from here on
    vault_own(account_id=account_id)
    key = RecoveryKey.generate()
    with account_scope(account_id), transaction.atomic():
        vault = locked_vault(account_id)
        keys = opened_keys(vault)
        envelope = wrap_keys(keys, ring=key.ring(), vault_id=vault.public_id, account_id=account_id)

        def opens(found: bytes) -> VaultKeys:
            typed = RecoveryKey.parse(key.text).ring()
            return unwrap_keys(found, ring=typed, vault_id=vault.public_id, account_id=account_id)

        for folder in key_folders(vault):
            envelope_put(folder, envelope, keys=keys, opens=opens)
        Row.objects.filter(confirmed_at=None, replaced_at=None).update(replaced_at=clock.now())
        row = Row(account_id=account_id, vault=vault, key_id=key.key_id, made_by=current_actor().label[:200])
        row.asked = sorted(random.SystemRandom().sample(range(1, GROUPS), ASKED))
        answer = "".join(key.groups[number - 1] for number in row.asked)
        row.answer = seal(account_id=account_id, purpose=row.answer_purpose, plaintext=answer.encode())
        row.save()
        record("recovery_key.shown", item_label=row.key_id, audited=row.key_id)
    recovery_keys_tidy(account_id=account_id)
    return key


def recovery_key_confirm(*, account_id: int, typed: list[str]) -> bool:
    """Note that the owner has the key at hand. False when the typed groups are not those of the shown key.

    The key before it is useless from now on. Raises Conflict when no key waits for this, VaultTaken.
    """
    vault_own(account_id=account_id)
    with account_scope(account_id), transaction.atomic():
        locked_vault(account_id)
        row = Row.objects.filter(confirmed_at=None, replaced_at=None).first()
        if row is None:
            raise Conflict("No recovery key waits to be confirmed.", do="Show a new one.")
        answer = unseal(account_id=account_id, purpose=row.answer_purpose, sealed=bytes(row.answer))
        if not hmac.compare_digest("".join(map(plain, typed)).encode(), answer):
            return False
        Row.objects.exclude(pk=row.pk).filter(replaced_at=None).update(replaced_at=clock.now())
        row.confirmed_at, row.answer = clock.now(), b""
        row.save(update_fields=["confirmed_at", "answer"])
        record("recovery_key.confirmed", item_label=row.key_id, audited=row.key_id)
    recovery_keys_tidy(account_id=account_id)
    _drop_strangers(account_id)
    return True


def recovery_keys_tidy(*, account_id: int) -> int:
    """Take the envelopes of replaced keys out of every store; return how many are left for another try.

    Raises VaultTaken.
    """
    vault_own(account_id=account_id)
    with account_scope(account_id):
        for row in Row.objects.filter(replaced_at__isnull=False).select_related("vault"):
            try:
                envelope_remove(key_folders(row.vault), row.key_id)
            except StoreError as error:
                log.warning("The envelope %s of an old recovery key is not removed yet: %s", row.key_id, error)
                continue
            with transaction.atomic():
                if row.confirmed_at:  # one that was never confirmed is of no interest to anybody
                    record("recovery_key.removed", item_label=row.key_id)
                row.delete()
        return Row.objects.filter(replaced_at__isnull=False).count()


def _drop_strangers(account_id: int) -> None:
    """Delete recovery envelopes that no row names: of a crash, or of the installation a vault came from.

    Under the row's lock, so that one which is just being made is not taken for such.
    """
    with account_scope(account_id), transaction.atomic():
        vault = locked_vault(account_id)
        named = set(Row.objects.values_list("key_id", flat=True))
        for place, folder in key_places(vault):
            try:
                if isinstance(folder, StoreError):
                    raise folder
                for name in envelope_names(folder):
                    if name.startswith(NAME_PREFIX) and name not in named:
                        envelope_remove([folder], name)
            except StoreError as error:
                log.warning("Recovery envelopes without a row may be left in %s: %s", place, error)


def recovery_keys_tidy_all() -> int:
    """Do so for every account; return how many envelopes are left for another try."""
    with every_account("stores come back for all accounts"):
        waiting = Row.objects.filter(replaced_at__isnull=False)
        accounts = sorted(set(waiting.values_list("account_id", flat=True)))
    return sum(map(_tidied, accounts))


def _tidied(account_id: int) -> int:
    try:
        return recovery_keys_tidy(account_id=account_id)
    except VaultError as error:
        log.error("Old recovery keys of account %s are left as they are: %s", account_id, error)
        return 1
