"""`manage.py audit verify`: read the chains of the security audit and name the first wrong entry."""

import sys
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.activity.heads import accounts_with_chain
from apps.activity.verify import Verdict, chain_check
from apps.core.scope import every_account

from ...models import ChainHead

BROKEN, NOT_COMPARED = 1, 2


class Command(BaseCommand):
    help = "Verify the security audit. Exit code 1: a chain is broken; 2: heads in a vault could not be read."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        verify = acts.add_parser("verify", help="read every entry and compare it with what was kept elsewhere")
        verify.add_argument("--account", type=UUID, help="the account's public id; all accounts without it")

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = _accounts(options["account"])
        verdicts = [self._verified(account_id) for account_id in accounts]
        if any(not verdict.unbroken for verdict in verdicts):
            sys.exit(BROKEN)
        if any(verdict.trouble for verdict in verdicts):
            sys.exit(NOT_COMPARED)

    def _verified(self, account_id: int) -> Verdict:
        verdict = chain_check(account_id)
        name = f"account {account_id}"
        if verdict.finding:
            found = verdict.finding
            self.stdout.write(self.style.ERROR(f"{name}: BROKEN at entry {found.sequence}. {found.what}"))
        else:
            heads = f"{verdict.compared} heads agree"
            self.stdout.write(f"{name}: unbroken to entry {verdict.last}, seal {verdict.seal}, {heads}")
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
