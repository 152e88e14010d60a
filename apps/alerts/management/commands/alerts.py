"""`manage.py alerts status | measure | replay [--account ID] [--since 2026-11-01] [--scale 1.5]`."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db.models import F

from apps.accounts.models import Account
from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope

from ...enums import AlertKind
from ...models import Alert, Measure, Watch
from ...pulling import notice_all, pull
from ...replaying import replay_account


class Command(BaseCommand):
    """Say how far measuring is, measure what waits now, or show what would have been raised."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["status", "measure", "replay"])
        parser.add_argument("--account", help="an account's public id; else all accounts")
        parser.add_argument("--since", type=_day, help="replay: only what was backed up since that day")
        parser.add_argument("--scale", type=float, help="replay: alarms begin at so many times the usual limit")

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = Account.objects.order_by("pk")
        if options["account"]:
            accounts = accounts.filter(public_id=options["account"])
            if not accounts.exists():
                raise CommandError("There is no such account.")
        with acting_as(SYSTEM):
            for account in accounts:
                with account_scope(account.pk):
                    getattr(self, f"_{options['action']}")(account, options)

    def _status(self, account: Account, options: dict[str, Any]) -> None:
        waiting = Watch.objects.filter(committed__gt=F("up_to"))
        self.stdout.write(
            f"{account.public_id}  {account.name}: {Measure.objects.count():,} measures of "
            f"{Watch.objects.count():,} kinds of data, {waiting.count():,} wait; "
            f"{Measure.objects.filter(is_odd=True).count():,} odd; {Alert.objects.count():,} alerts"
        )

    def _measure(self, account: Account, options: dict[str, Any]) -> None:
        """What was there before anybody measured is noticed too; nobody is alarmed by it."""
        notice_all()
        measured, alerts = 0, 0
        while True:
            done = pull()
            measured, alerts = measured + done.measured, alerts + done.alerts
            if not done.more:
                break
        self.stdout.write(f"{account.public_id}: {measured:,} snapshots measured, {alerts:,} alerts.")

    def _replay(self, account: Account, options: dict[str, Any]) -> None:
        count = 0
        for row in replay_account(since=options["since"], scale=options["scale"]):
            for each in row.findings:
                count += 1
                usual = f"usual {each.low:,} to {each.high:,}" if each.learnt else "too little known"
                days = f" in {each.days} days" if each.days else ""
                label = AlertKind(each.kind.value).label
                self.stdout.write(
                    f"{row.reading.at:%Y-%m-%d %H:%M}  {each.weight.value:8}  {label}: "
                    f"{row.entity.name}, {row.sub_service} #{row.reading.number}: {each.metric.value} "
                    f"{each.value:,.0f}{days}, {usual}"
                )
        waiting = Watch.objects.filter(committed__gt=F("up_to")).count()
        said = f"; {waiting:,} kinds of data are not measured to their end" if waiting else ""
        self.stdout.write(f"{account.public_id}: {count:,} would have been raised{said}.")


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
