"""A vault without its database becomes an account of this installation, with all its backups."""

import uuid
from typing import Any

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from apps.accounts.models import Account
from apps.accounts.services import account_take_over
from apps.core.errors import Conflict, InvalidRequest
from apps.vault.api import FoundVault, JournalCorrupt, installation_id, vault_attach, vault_find, vaults_in

from . import portrait
from .rebuild import Report, Say, rebuild


@sensitive_variables("typed")
def adopt(
    *, url: str, vault_id: uuid.UUID | None, owner: str, name: str = "", typed: str = "", say: Say
) -> tuple[Account, Report]:
    """Attach the vault at `url` and rebuild its catalog; returns the account and what came back.

    `vault_id` may be left out when the store holds one vault. `owner` is the address of the person who shall
    own the account; `typed` a recovery key, when no master key of this installation opens the vault. When it is
    killed on the way, `vault rebuild` goes on. Raises VaultError, Conflict, InvalidRequest.
    """
    found = vault_find(url, vault_id or _only_vault(url), typed=typed)
    said = _account_said(found)
    label = name or str(said.get("name") or "")
    if not label:
        raise InvalidRequest("No journal of this vault says whose it is.", do="Name the account: --name.")
    installation_id()  # committed: the store keeps it as the owner's, whatever becomes of the transaction
    with transaction.atomic():
        account, _ = account_take_over(
            public_id=said.get("public_id"), name=label, location=said.get("location", ""), email=owner
        )
        vault_attach(account_id=account.pk, found=found)
    say(f"The vault is now that of account {account.public_id}, “{account.name}”, owned by {owner}.")
    return account, rebuild(account_id=account.pk, say=say)


def _only_vault(url: str) -> uuid.UUID:
    vaults = vaults_in(url)
    if len(vaults) == 1:
        return vaults[0]
    if not vaults:
        raise InvalidRequest("There is no vault in this store.")
    names = ", ".join(str(vault) for vault in vaults)
    raise Conflict(f"This store holds {len(vaults)} vaults: {names}.", do="Choose one: --vault.")


def _account_said(found: FoundVault) -> dict[str, Any]:
    """Return what the first journal that opens says of the account; nothing when none does."""
    for name, part, _ in found.journals.list():
        if part:
            continue
        try:
            info = found.journals.open(name).info
            return portrait.columns(Account, info.get("account"), ("public_id", "name", "location"))
        except JournalCorrupt:
            continue  # the rebuild names it
    return {}
