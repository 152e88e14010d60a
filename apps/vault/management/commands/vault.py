"""The operator's doors: `manage.py vault newkey | rotate | orphans | shred | gc | check | heal | …`."""

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Account
from apps.core.errors import EverkeepError
from apps.core.rotation import reseal_all
from apps.core.sealing import new_master_key
from apps.vault.actions import registered_actions
from apps.vault.attaching import vault_claim_at
from apps.vault.envelopes import keys_rewrap
from apps.vault.gc import command as gc_command
from apps.vault.health import command as health_command
from apps.vault.hidden import find_hidden
from apps.vault.locks import accounts_with_vault
from apps.vault.ownership import vault_claim
from apps.vault.selectors import orphans
from apps.vault.shredding import vault_shred
from apps.vault.wrapping import wrapping


class Command(BaseCommand):
    help = "Make and rotate keys, destroy those of an account, list orphans, collect garbage, check and heal."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("newkey", help="print a new entry for EVERKEEP_MASTER_KEYS")
        rotate = actions.add_parser("rotate", help="bring vault keys and other secrets under the newest key")
        rotate.add_argument(
            "--leave-kms", action="store_true", help="bring vault keys from AWS KMS back under the master key"
        )
        shred = actions.add_parser("shred", help="destroy the keys of an account's backups, for ever")
        shred.add_argument("account", help="the account's public id")
        actions.add_parser("orphans", help="list packs left by crashed runs (harmless)")
        health_command.add_arguments(actions)
        unhide = actions.add_parser("unhide", help="bring back what was deleted in S3 behind our back")
        unhide.add_argument("--dry-run", action="store_true", help="only list it")
        gc_command.add_arguments(actions.add_parser("gc", help="give back the space of what nothing needs"))
        claim = actions.add_parser("claim", help="take vaults over from an installation that is gone for good")
        claim.add_argument("--account", default="", help="public id of the account whose vault it is here")
        claim.add_argument("--store", default="", help="before `vault adopt`: address of the store")
        claim.add_argument("--vault", type=UUID, help="with --store: the vault's id")
        for name, action in registered_actions().items():
            action.add_arguments(actions.add_parser(name, help=action.help))

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        doors: dict[str, Callable[..., None]] = {
            "newkey": self._newkey,
            "rotate": self._rotate,
            "orphans": self._orphans,
            "shred": self._shred,
            "gc": self._gc,
            "check": self._check,
            "heal": self._heal,
            "unhide": self._unhide,
            "claim": self._claim,
        }
        if action in doors:
            doors[action](**options)
            return
        try:
            registered_actions()[action].run(options, self.stdout.write)
        except EverkeepError as error:
            raise CommandError(str(error)) from error

    def _newkey(self, **options: Any) -> None:
        self.stdout.write(new_master_key())

    def _rotate(self, *, leave_kms: bool, **options: Any) -> None:
        wraps = replace(wrapping(), leave_kms=leave_kms)
        moved = sum(keys_rewrap(account_id=account_id, wraps=wraps) for account_id in accounts_with_vault())
        secrets = reseal_all()
        self.stdout.write(f"{moved} vaults and {secrets} other secrets moved to the newest key.")

    def _unhide(self, *, dry_run: bool, **options: Any) -> None:
        for count, (store, name) in enumerate(find_hidden(bring_back=not dry_run), start=1):
            self.stdout.write(f"{count}  {store.url}: {name}")
        self.stdout.write("This is all that was hidden." if dry_run else "Nothing is hidden any more.")

    def _shred(self, *, account: str, **options: Any) -> None:
        try:
            found = Account.objects.filter(public_id=account).first()
        except ValidationError:
            found = None
        if found is None:
            raise CommandError("There is no account of this id.")
        self.stdout.write(f"All backups of “{found.name}” become unreadable, for everybody and for ever.")
        if input("Type the account's name to go on: ") != found.name:
            raise CommandError("That is not its name: nothing was done.")
        outcome = vault_shred(account_id=found.pk)
        for envelope in outcome.destroyed:
            self.stdout.write(f"destroyed  {envelope}")
        for remnant in outcome.remnants:
            self.stdout.write(f"STILL THERE  {remnant}")
        if not outcome.is_complete:
            raise CommandError("Not complete. It goes on by itself every hour, or run this again.")
        self.stdout.write("No key envelope of this account is left in its stores or in the database.")

    def _claim(self, *, account: str, store: str, vault: UUID | None, **options: Any) -> None:
        if bool(account) == bool(store and vault):
            raise CommandError("Give --account, or --store and --vault.")
        try:
            if account:
                found = Account.objects.filter(public_id=UUID(account)).first()
                if found is None:
                    raise CommandError("There is no account of this id.")
                lines = vault_claim(account_id=found.pk)
            else:
                assert vault is not None
                before = vault_claim_at(store, vault)
                had = f" Before, installation {before.installation} had it." if before else ""
                lines = [f"Vault {vault} belongs to this installation now.{had} Next: vault adopt."]
        except ValueError:
            raise CommandError("There is no account of this id.") from None
        except EverkeepError as error:
            raise CommandError(str(error)) from error
        for line in lines:
            self.stdout.write(line)

    def _orphans(self, **options: Any) -> None:
        names = dict(Account.objects.values_list("pk", "name"))
        for account_id in accounts_with_vault():
            for pack_id in orphans(account_id):
                self.stdout.write(f"{names[account_id]}: {pack_id.hex()}")

    def _gc(self, *, account: str, dry_run: bool, yes_really: bool, **options: Any) -> None:
        names = {pk: (str(public_id), name) for pk, public_id, name in _accounts()}
        refused = False
        for account_id in accounts_with_vault():
            public_id, name = names[account_id]
            if account in ("", public_id):
                say = partial(self._say, name)
                refused |= not gc_command.run(account_id, say, dry_run=dry_run, yes_really=yes_really)
        if refused:
            raise CommandError("Not everything was done; see above.")

    def _check(self, **options: Any) -> None:
        health_command.check(accounts_with_vault(), self.stdout.write, **options)

    def _heal(self, **options: Any) -> None:
        health_command.heal_found(accounts_with_vault(), self.stdout.write, **options)

    def _say(self, name: str, line: str) -> None:
        self.stdout.write(f"{name}: {line}")


def _accounts() -> list[tuple[int, Any, str]]:
    return list(Account.objects.values_list("pk", "public_id", "name"))
