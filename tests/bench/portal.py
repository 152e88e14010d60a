"""Server time of signing in and of the home page, in an account of 1,000 users and 200 tasks; and under load.

`portal.load`: pages of an account of 100,000 mailboxes beside 300 small accounts, the time of a tick when all
of them are due, and how many backups are sent before the last small account has its first, and its last.
"""

import atexit
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache as once_only
from typing import Any

PASSWORD = "correct horse battery staple"


def sign_in(users: int = 1_000, tasks: int = 200, rounds: int = 100) -> Iterator[dict[str, Any]]:
    """The POST with address and password, by somebody else each time, hashed as in production."""
    people = _account(users, tasks)
    from django.test import Client
    from django.urls import reverse

    def once(number: int) -> None:
        form = {"login": people[number % users].email, "password": PASSWORD}
        # From somewhere else each time: the limits on tries are not what is measured.
        where = f"10.0.{number // 250}.{number % 250 + 1}"
        answer = Client().post(reverse("account_login"), form, REMOTE_ADDR=where)
        assert answer.status_code == 302, answer.status_code

    times = _times(once, rounds)
    yield {"bench": "accounts.sign_in", "users": users, "tasks": tasks, **times}


def home(users: int = 1_000, tasks: int = 200, rounds: int = 100) -> Iterator[dict[str, Any]]:
    """The home page, asked for by who is signed in."""
    people = _account(users, tasks)
    from django.test import Client
    from django.urls import reverse

    client = Client()
    client.force_login(people[0])

    def once(number: int) -> None:
        assert client.get(reverse("home")).status_code == 200

    times = _times(once, rounds)
    yield {"bench": "portal.home", "users": users, "tasks": tasks, **times}


@once_only
def _account(users: int, tasks: int) -> list[Any]:
    """The people of an account on a SQLite file of its own. Settings are read once in a process: so is this."""
    database()
    return _filled(users, tasks)


@once_only
def database() -> None:
    folder = tempfile.TemporaryDirectory(prefix="everkeep-bench-")
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings.embedded", "EVERKEEP_DATA": folder.name}
    os.environ["EVERKEEP_DEBUG"] = "false"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    atexit.register(folder.cleanup)
    atexit.register(connection.close)  # before the folder goes
    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)


def _filled(users: int, tasks: int) -> list[Any]:
    from allauth.account.models import EmailAddress
    from django.contrib.auth.hashers import make_password

    from apps.accounts.enums import Role
    from apps.accounts.models import Account, Membership, User
    from apps.core.scope import account_scope
    from tests.backups.makers import make_connection, make_task

    tag = time.time_ns()
    account = Account.objects.create(name="Pizza Perfecto", location="de")
    hashed = make_password(PASSWORD)
    people = User.objects.bulk_create(
        User(email=f"user{n}.{tag}@pizza-perfecto.example", name=f"User {n}", password=hashed)
        for n in range(users)
    )
    EmailAddress.objects.bulk_create(
        EmailAddress(user=user, email=user.email, primary=True, verified=True) for user in people
    )
    Membership.objects.bulk_create(
        Membership(account=account, user=user, role=Role.ADMINISTRATOR, is_owner=user is people[0])
        for user in people
    )
    with account_scope(account.pk):
        connection = make_connection(account)
        for number in range(tasks):
            make_task(connection, name=f"Task {number}")
    return people


def _times(once: Callable[[int], None], rounds: int) -> dict[str, float]:
    once(0)
    times, busy = [], time.process_time()
    for number in range(1, rounds + 1):
        started = time.perf_counter()
        once(number)
        times.append((time.perf_counter() - started) * 1000)
    return {
        "cpu_ms": round((time.process_time() - busy) * 1000 / rounds, 1),
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(statistics.quantiles(times, n=20)[18], 1),
        "max_ms": round(max(times), 1),
    }


def load(
    entities: int = 100_000, accounts: int = 300, each: int = 10, rounds: int = 20
) -> Iterator[dict[str, Any]]:
    """Pages, ticks and fairness where one account is a giant. BENCH_SCALE makes it smaller."""
    from tests.bench import crowd

    scale = float(os.environ.get("BENCH_SCALE", "1"))
    size, others = int(entities * scale), int(accounts * scale)
    made = crowd.giant(size)
    small = crowd.small_accounts(others, each)
    from django.core.cache import cache
    from django.db import connection
    from django.test import Client

    from apps.backups.services import tallies

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client = Client()
    client.force_login(made["user"])
    tallies.find_large_tasks()
    started = time.perf_counter()
    tallies.count_large_tasks()
    counted = round((time.perf_counter() - started) * 1000, 1)
    yield {"bench": "portal.load.count", "entities": size, "first_ms": counted}
    for name, address in _addresses(made).items():
        tallies.count_large_tasks()  # as beat does each minute

        def once(_: int, address: str = address) -> None:
            cache.clear()  # what is counted once a minute is counted each time
            assert client.get(address).status_code == 200, address

        yield {"bench": f"portal.load.{name}", "entities": size, **_times(once, rounds)}
    yield {"bench": "portal.load.tick", "due": size + others * each, "accounts": others + 1, **_fairness(small)}


def _addresses(made: dict[str, Any]) -> dict[str, str]:
    from django.urls import reverse

    page = reverse("task", args=[made["task"].public_id])
    return {
        "home": "/",
        "task": page,
        "task_middle": f"{page}?after={made['middle'].public_id}",
        "task_name": f"{page}?q=0123",
        "task_no_such_name": f"{page}?q=nobody",
        "task_failed": f"{page}?status=failed",
        "task_paused": f"{page}?status=paused",
        "task_unlicensed": f"{page}?licence=unlicensed",
        "entity": reverse("entity", args=[made["middle"].public_id]),
    }


def _fairness(small: list[int]) -> dict[str, float]:
    """Tick after tick, as if workers finished all at once, until the small accounts are through."""
    from unittest.mock import patch

    from django.conf import settings
    from django.db.models import Q

    from apps.backups import tick
    from apps.backups.models import Entity
    from apps.core.scope import every_account

    settings.BACKUP_WORKERS = 64
    sent, waiting, last_first, times = 0, set(small), 0, []
    with every_account("the bench plays the dispatcher"), patch("celery.app.base.Celery.send_task"):
        while True:
            started = time.perf_counter()
            sent += tick.dispatch_due()
            times.append((time.perf_counter() - started) * 1000)
            taken = Entity.objects.filter(~Q(lease_owner=""))
            waiting -= set(taken.filter(account_id__in=small).values_list("account_id", flat=True))
            last_first = last_first or (0 if waiting else sent)
            taken.update(lease_owner="", lease_until=None, next_run_at=None)
            if not Entity.objects.filter(account_id__in=small, next_run_at__isnull=False).exists():
                break
    return {
        "p50_ms": round(statistics.median(times), 1),
        "max_ms": round(max(times), 1),
        "sent_a_tick": 2 * settings.BACKUP_WORKERS,
        "sent_when_all_had_one": last_first,
        "sent_when_small_are_done": sent,
    }


CASES = {"accounts.sign_in": sign_in, "portal.home": home, "portal.load": load}
