"""`manage.py search status | rebuild | index [--account ID]`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from apps.accounts.models import Account
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import EverkeepError
from apps.core.scope import account_scope

from ...indexing import index_account
from ...models import Removal, SearchIndex
from ...pulling import named_trouble
from ...selectors import lag
from ...services import rebuild


class Command(BaseCommand):
    """Say how far search is, build an index anew, or bring it up to date now."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["status", "rebuild", "index"])
        parser.add_argument("--account", help="an account's public id; else all accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = Account.objects.order_by("pk")
        if options["account"]:
            accounts = accounts.filter(public_id=options["account"])
            if not accounts.exists():
                raise CommandError("There is no such account.")
        with acting_as(SYSTEM):
            for account in accounts:
                with account_scope(account.pk):
                    try:
                        getattr(self, f"_{options['action']}")(account)
                    except EverkeepError as error:
                        self.stderr.write(f"{account.public_id}: {error}")

    def _status(self, account: Account) -> None:
        row, behind = SearchIndex.objects.filter(account_id=account.pk).first(), lag(account.pk)
        size = sum(file["size"] for file in row.manifest) if row else 0
        since = f" since {behind.since:%Y-%m-%d %H:%M} UTC" if behind.since else ""
        self.stdout.write(
            f"{account.public_id}  {account.name}: generation {row.generation if row else 0}, {size:,} bytes; "
            f"waiting: {behind.items:,} items in {behind.waiting:,} kinds of data{since}; "
            f"to leave: {Removal.objects.count():,}"
        )
        if row and row.last_error:
            self.stdout.write(f"  last error: {row.last_error}")
        for line in named_trouble(account.pk, row.trouble) if row else ():
            self.stdout.write(f"  {line}")

    def _rebuild(self, account: Account) -> None:
        many = rebuild(account.pk)
        self.stdout.write(f"{account.public_id}: {many:,} kinds of data are indexed anew, in the background.")

    def _index(self, account: Account) -> None:
        while True:
            done = index_account(account.pk)
            said = "another process is at it" if done.busy else f"{done.added:,} in, {done.removed:,} out"
            self.stdout.write(f"{account.public_id}: {said}")
            if done.busy or not done.more:
                return
