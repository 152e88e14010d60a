"""`manage.py audit verify|vouch`: read the chains of the security audit, and vouch for one that is broken."""

import getpass
import sys
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.activity.heads import accounts_with_chain
from apps.activity.verify import Verdict, chain_check
from apps.activity.vouching import chain_vouch
from apps.core.errors import EverkeepError
from apps.core.scope import every_account

from ...models import ChainHead

BROKEN, NOT_COMPARED = 1, 2


class Command(BaseCommand):
    help = "Verify the security audit. Exit code 1: a chain is broken; 2: heads in a vault could not be read."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        verify = acts.add_parser("verify", help="read every entry and compare it with what was kept elsewhere")
        verify.add_argument("--account", type=UUID, help="the account's public id; all accounts without it")

        vouch = acts.add_parser("vouch", help="say why a chain is broken; from then on it counts as unbroken")
        vouch.add_argument("broken", metavar="account", type=UUID, help="the account's public id")
        vouch.add_argument("--reason", required=True, help="what happened, for everybody who reads the audit")
        vouch.add_argument("--by", default=getpass.getuser(), help="who vouches; else who runs this")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == "vouch":
            self._vouch(options["broken"], options["by"], options["reason"])
            return
        accounts = _accounts(options["account"])
        verdicts = [self._verified(account_id) for account_id in accounts]
        if any(not verdict.unbroken for verdict in verdicts):
            sys.exit(BROKEN)
        if any(verdict.trouble for verdict in verdicts):
            sys.exit(NOT_COMPARED)

    def _vouch(self, account: UUID, by: str, reason: str) -> None:
        (account_id,) = _accounts(account)
        try:
            epoch = chain_vouch(account_id, by=by, reason=reason)
        except EverkeepError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"account {account_id}: a new epoch begins with entry {epoch.sequence}.")
        self._verified(account_id)

    def _verified(self, account_id: int) -> Verdict:
        verdict = chain_check(account_id)
        name = f"account {account_id}"
        if verdict.finding:
            found = verdict.finding
            self.stdout.write(self.style.ERROR(f"{name}: BROKEN at entry {found.sequence}. {found.what}"))
        else:
            heads = f"{verdict.compared} heads agree"
            since = f" {verdict.since}" if verdict.since else ""
            self.stdout.write(f"{name}: unbroken{since}, to entry {verdict.last}, seal {verdict.seal}, {heads}")
        if verdict.trouble:
            self.stdout.write(self.style.WARNING(f"{name}: {verdict.trouble}"))
        return verdict


def _accounts(wanted: UUID | None) -> list[int]:
    if wanted is None:
        return accounts_with_chain()
    with every_account("an operator names one"):
        found = list(ChainHead.objects.filter(account__public_id=wanted).values_list("account_id", flat=True))
    if not found:
        raise CommandError(f"No account {wanted} has a security audit.")
    return found
