"""The operator's doors to billing: `manage.py billing prices FILE`, `… confirm ACCOUNT`…"""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Account
from apps.billing import operator
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import EverkeepError
from apps.core.scope import account_scope


class Command(BaseCommand):
    help = "Prices, annual plans, payments, credit notes: docs/billing.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        operator.add_arguments(parser.add_subparsers(dest="action", required=True))

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            with acting_as(SYSTEM):
                self._act(action, options)
        except EverkeepError as error:
            raise CommandError(str(error)) from error

    def _act(self, action: str, options: dict[str, Any]) -> None:
        if "invoice" in options:
            operator.act_on_reference(action, options, self.stdout.write)
        elif "account" in options:
            account = _account(options["account"])
            with account_scope(account.pk):
                operator.on_account(action, account, options, self.stdout.write)
        else:
            operator.on_all(action, options, self.stdout.write)


def _account(text: str) -> Account:
    try:
        wanted: dict[str, object] = {"public_id": UUID(text)}
    except ValueError:
        wanted = {"memberships__is_owner": True, "memberships__user__email": text.lower()}
    found = list(Account.objects.filter(**wanted)[:2])
    if len(found) != 1:
        raise CommandError(f"{'Several accounts have' if found else 'No account has'} this id or owner: {text}")
    return found[0]
