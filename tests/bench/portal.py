"""Server time of signing in and of the home page, in an account of 1,000 users and 200 tasks."""

import atexit
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
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


@cache
def _account(users: int, tasks: int) -> list[Any]:
    """The people of an account on a SQLite file of its own. Settings are read once in a process: so is this."""
    _database()
    return _filled(users, tasks)


@cache
def _database() -> None:
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
    times = []
    for number in range(1, rounds + 1):
        started = time.perf_counter()
        once(number)
        times.append((time.perf_counter() - started) * 1000)
    return {
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(statistics.quantiles(times, n=20)[18], 1),
        "max_ms": round(max(times), 1),
    }


CASES = {"accounts.sign_in": sign_in, "portal.home": home}
