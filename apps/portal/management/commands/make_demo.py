"""`manage.py make_demo`: an account with an activated sandbox task and three days of history.

Goes the way that people and workers go, only with the clock set back: sign up, connect, discover, activate,
then one backup a night while the sandbox's people work by day. Today's backup is left to the worker.
"""

import json
import os
import urllib.request
from datetime import timedelta
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command

from apps.accounts.models import Membership, User
from apps.accounts.selectors import actor_of
from apps.accounts.services import account_open
from apps.backups.models import BackupTask, Entity
from apps.backups.services.activation import activate
from apps.backups.services.discovery import discover
from apps.backups.services.runs import run_now
from apps.backups.services.tasks import create_task
from apps.connectors.enums import Service
from apps.connectors.services import connection_create_from_consent
from apps.core import clock
from apps.core.actor import acting_as
from apps.core.scope import account_scope

EMAIL = "olivia.romano@pizza-perfecto.example"
PASSWORD = "pizza-perfecto-demo"  # noqa: S105  printed for everybody, and refused outside debugging
TENANT_ID = "7d1c5b0e-3f53-4f0e-9c57-5a4d0b2e8c11"
DAYS = 3
EXAMPLE_PRICES = str(settings.BASE_DIR / "apps/billing/prices/example.toml")


class Command(BaseCommand):
    """Make the demo account once; later calls only print its login."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo's password is known to everybody: it is made while debugging only.")
        if not User.objects.filter(email=EMAIL).exists():
            _make()
        if settings.BILLING:
            # Prices for who tries billing; what is stored already is left as it is.
            call_command("billing", "prices", EXAMPLE_PRICES, stdout=StringIO())
        self.stdout.write(f"\nDemo login: {EMAIL}   password: {PASSWORD}")


def _make() -> None:
    morning = clock.now().replace(hour=6, minute=0, second=0, microsecond=0)
    _control("seed", now=(morning - timedelta(days=DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    _control("consent", client_id=settings.MICROSOFT_CLIENT_ID)
    with clock.travel(morning - timedelta(days=DAYS)):
        user = account_open(
            account_name="Pizza Perfecto",
            location="de",
            name="Olivia Romano",
            email=EMAIL,
            password=PASSWORD,
            email_verified=True,
        )
    membership = Membership.objects.get(user=user)
    olivia = actor_of(membership)
    with account_scope(membership.account_id), acting_as(olivia):
        for days_ago in range(DAYS, 0, -1):
            with clock.travel(morning - timedelta(days=days_ago)):
                if days_ago == DAYS:
                    _activate_everybody()
                _back_up_everybody()
            _control("advance", days=1)


def _activate_everybody() -> None:
    connection = connection_create_from_consent(tenant_id=TENANT_ID, name="Pizza Perfecto")
    task = create_task(connection=connection, service=Service.EXCHANGE, name="Mail of Pizza Perfecto")
    since = BackupTask.objects.get(pk=task.pk).discovering_since
    assert since is not None
    discover(task_id=task.pk, since=since)
    activate(task=task, entities=Entity.objects.filter(task=task, reachable=True))


def _back_up_everybody() -> None:
    for entity in Entity.objects.filter(state="active").order_by("name"):
        run_now(entity=entity)


def _control(action: str, **wanted: Any) -> None:
    """Tell the sandbox what to do; it is the only cloud that listens to this."""
    request = urllib.request.Request(  # noqa: S310
        f"{os.environ['EVERKEEP_MICROSOFT_GRAPH_URL']}/_control/{action}",
        json.dumps(wanted).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=60).close()  # noqa: S310
