"""The operator's doors to accounts: `manage.py accounts unlock-addresses ACCOUNT`."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.allowed_addresses import addresses_unlock
from apps.accounts.models import Account
from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope


class Command(BaseCommand):
    help = "Let people back in who locked themselves out by the list of allowed addresses."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        unlock = actions.add_parser("unlock-addresses", help="switch the restriction to addresses off")
        unlock.add_argument("account", help="the account's public id, or the email of its owner")

    def handle(self, *args: Any, action: str, account: str, **options: Any) -> None:
        found = _account(account)
        with account_scope(found.pk), acting_as(SYSTEM):
            was_on = addresses_unlock()
        said = "every address gets in now; its administrators were told" if was_on else "was not restricted"
        self.stdout.write(f"{found.name}: {said}.")


def _account(text: str) -> Account:
    try:
        wanted: dict[str, object] = {"public_id": UUID(text)}
    except ValueError:
        wanted = {"memberships__is_owner": True, "memberships__user__email": text.lower()}
    found = list(Account.objects.filter(**wanted)[:2])
    if len(found) != 1:
        raise CommandError(f"{'Several accounts have' if found else 'No account has'} this id or owner: {text}")
    return found[0]
