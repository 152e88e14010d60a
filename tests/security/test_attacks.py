"""Every route and person: ids of others, made-up ids, wrong methods, no token. Only the table's answers occur.

What each person gets with an id of their own account is `test_url_table.py`. Here one set of objects serves all
routes, and what an answer changed is undone before the next.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, NamedTuple
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import get_resolver, reverse

from apps.accounts.models import Account, CompanyDomain, User, UserSession
from apps.core.scope import account_scope
from tests.accounts.test_tokens import new_token
from tests.cast import Cast, prove_again, with_factor
from tests.security.test_api_table import MEMBERS
from tests.security.test_url_table import POSTED_BY_OTHERS, routes
from tests.security.url_objects import Args, a_shelf, a_store
from tests.security.url_objects_accounts import the_account
from tests.security.url_rows import PEOPLE, Row
from tests.security.url_table import TABLE

WRITE = re.compile(r'\s*(INSERT (?:OR \w+ )?INTO|UPDATE|DELETE FROM) "(\w+)"(?: SET "(\w+)")?')
# What is written down of every visit: who was here last, what was tried, refused or read.
TRACES = {
    ("INSERT", "security_event"), ("INSERT", "audit_head"), ("UPDATE", "audit_head"), ("INSERT", "activity"),
    ("INSERT", "try_count"), ("UPDATE", "try_count"), ("DELETE", "try_count"),
    ("INSERT", "recovery_download"), ("UPDATE", "recovery_download"),
    ("INSERT", "django_session"), ("UPDATE", "django_session"), ("INSERT", "user_session"),
}  # fmt: skip
LAST_HERE = {("membership", "last_seen_at"), ("user_session", "last_seen_at"), ("api_token", "last_used_at")}
# A link of a mail is no id: whoever holds it was written to, and needs nothing else (RFC 8058).
SIGNED_LINKS = {"unsubscribe"}
WITH_IDS = {
    name: row
    for name, row in TABLE.items()
    if row.args.__name__ not in ("nothing", "<lambda>") and name not in SIGNED_LINKS
}
API = {name for name in TABLE if name.startswith("api_")}
TOKEN = "t" * 32


UNTOLD = 499
"""The status for what came without a token, in these tests: no right that is missing says the same."""


class Answer(NamedTuple):
    """What was answered, and the tables whose rows it changed."""

    status: int
    changed: frozenset[str] = frozenset()


def untold_page(request: object, reason: str = "") -> HttpResponse:
    return HttpResponse(status=UNTOLD)


@dataclass(frozen=True)
class Visitor:
    """Asks as this person, and undoes what the answer did."""

    client: Client
    cookies: dict[str, str]

    def ask(self, method: str, address: str, data: Mapping[str, Any] | None = None) -> Answer:
        cache.clear()
        self.client.cookies.clear()
        for name, value in self.cookies.items():
            self.client.cookies[name] = value
        send = getattr(self.client, method.lower())
        kind = {"content_type": "application/json"} if address.startswith("/api/") and method != "GET" else {}
        changed: set[str] = set()
        with transaction.atomic(), connection.execute_wrapper(partial(_watch, changed)):
            answer = send(address, data or {}, **kind)
            if answer.streaming:
                b"".join(answer.streaming_content)
            transaction.set_rollback(True)
        return Answer(answer.status_code, frozenset(changed))


def _watch(changed: set[str], execute: Callable[..., Any], sql: str, *others: Any) -> Any:
    if found := WRITE.match(sql):
        act, table, column = found[1].split()[0], found[2], found[3]
        if (act, table) not in TRACES and (table, column) not in LAST_HERE:
            changed.add(table)
    return execute(sql, *others)


def visitor(cast: Cast, person: str, *, strict: bool = False, proved: bool = False) -> Visitor:
    """`strict`: as a browser that another site makes send something; `proved`: who gave a fresh proof."""
    client = Client(raise_request_exception=False)
    if person != "anonymous":
        client.force_login(getattr(cast, person))
    if proved and person == "staff":
        with_factor(client, cast.staff)
    elif proved and person not in ("anonymous", "invited"):  # they have no page for that
        prove_again(client)
    client.handler.enforce_csrf_checks = strict
    client.cookies["csrftoken"] = TOKEN
    return Visitor(client, {name: morsel.value for name, morsel in client.cookies.items()})


@pytest.fixture(autouse=True)
def _no_broker() -> Iterator[None]:
    logging.disable(logging.CRITICAL)  # thousands of refusals, as expected
    with patch("celery.app.task.Task.apply_async"), patch("celery.app.base.Celery.send_task"):
        yield
    logging.disable(logging.NOTSET)


def elsewhere(cast: Cast) -> Cast:
    """The same cast seen from the other account: what is made with it belongs to the stranger."""
    people = {each.name: cast.stranger for each in fields(cast) if isinstance(getattr(cast, each.name), User)}
    return replace(cast, **people, account=cast.other_account, other_account=cast.account)


def addresses(cast: Cast, rows: Mapping[str, Row]) -> dict[str, list[object]]:
    """What each route needs: routes that name the same kind of thing share one of it."""
    made: dict[Args, list[object]] = {}
    # A store of the account's own comes last: nothing can be written to it.
    for row in sorted(rows.values(), key=lambda row: row.args in (a_store, a_shelf)):
        if row.args not in made:
            made[row.args] = row.args(cast)
    return {name: made[row.args] for name, row in rows.items()}


def missing(row: Row, person: str) -> set[Answer]:
    """Whoever is turned away before anything is looked up is turned away; to all others it does not exist.

    Rights to some objects are asked when the object is known, so who is refused in their own account may be
    told either. Also where the table says that a fresh proof is asked for first: here it was given.
    """
    own = row.expected(person)
    if person == "anonymous" and own in (302, 401):
        return {Answer(own)}
    return {Answer(403), Answer(404)} if own == 403 else {Answer(404)}


def made_up(args: list[object]) -> list[object]:
    return [uuid4() if isinstance(arg, UUID) else arg[::-1] if isinstance(arg, str) else arg for arg in args]


def told_more(
    someone: Visitor, cast: Cast, person: str, rows: Mapping[str, Row]
) -> dict[str, tuple[Answer, Answer]]:
    """The routes that answer more than they may, or tell what exists elsewhere from what is nowhere."""
    theirs = addresses(cast if person == "stranger" else elsewhere(cast), rows)
    ungranted: list[object] = [Account.objects.create(name="Third Thing").public_id]
    wrong = {}
    for name, row in rows.items():
        args = ungranted if row.args is the_account else theirs[name]
        method = "GET" if row.data is None else "POST"
        foreign, nowhere = (
            someone.ask(method, reverse(name, args=each), row.data) for each in (args, made_up(args))
        )
        # Staff see the list of all accounts: which ids are none of them, and which let nobody in, is no news.
        no_news = (person, name) == ("staff", "staff_enter")
        fine = missing(row, person) | ({Answer(403)} if no_news else set())
        if (foreign != nowhere and not no_news) or not {foreign, nowhere} <= fine:
            wrong[name] = (foreign, nowhere)
    return wrong


@pytest.mark.parametrize("person", PEOPLE)
def test_ids_of_others_and_made_up_ids_are_missing(cast: Cast, settings: Any, person: str) -> None:
    settings.BILLING = True  # else all addresses of billing lead to the page that says so
    assert told_more(visitor(cast, person, proved=True), cast, person, WITH_IDS) == {}


@pytest.mark.parametrize("person", MEMBERS)
def test_a_token_finds_no_more(cast: Cast, person: str) -> None:
    client = Client(headers={"Authorization": f"Token {new_token(getattr(cast, person))}"})
    rows = {name: row for name, row in WITH_IDS.items() if name in API}
    assert told_more(Visitor(client, {}), cast, person, rows) == {}


@pytest.mark.parametrize("person", ["owner", "viewer", "stranger"])
def test_what_hangs_on_another_person_is_missing(cast: Cast, person: str) -> None:
    """Not even administrators reach into the sign-in of others, who may be in other accounts as well."""
    victim, passkey = cast.operator, {"name": "Laptop", "credential": {}}
    key = Authenticator.objects.create(user=victim, type=Authenticator.Type.WEBAUTHN, data=passkey).pk
    identity = SocialAccount.objects.create(user=victim, provider="google", uid="x").pk
    session = UserSession.objects.create(user=victim).public_id
    owner_of_domain = cast.account if person == "stranger" else cast.other_account
    with account_scope(owner_of_domain.pk):
        domain = CompanyDomain.objects.create(account=owner_of_domain, domain="papers.example").pk
    refused = 403 if person == "viewer" else 404
    asked = {
        "passkey_rename": (key, 404), "passkey_remove": (key, 404), "identity_unlink": (identity, 404),
        "session_end": (session, 409), "saml_domain_prove": (domain, refused),
        "saml_domain_remove": (domain, refused),
    }  # fmt: skip
    someone = visitor(cast, person, proved=True)
    found = {
        name: someone.ask("POST", reverse(name, args=[of]), TABLE[name].data) for name, (of, _) in asked.items()
    }
    assert found == {name: Answer(status) for name, (_, status) in asked.items()}


@pytest.mark.parametrize("person", PEOPLE)
def test_a_wrong_method_gives_nobody_more(cast: Cast, person: str) -> None:
    """A page that looks at no method shows what it shows; whoever is refused may be refused for that first."""
    args = addresses(cast, TABLE)
    someone, wrong = visitor(cast, person), {}
    for name, row in TABLE.items():
        methods = ["GET"] if row.data is not None else ["DELETE"]
        own = row.expected(person)
        fine = {405, own} if row.data is None or own >= 400 or person == "anonymous" else {405}
        for method in [*methods, "PUT"] if name in API else methods:
            found = someone.ask(method, reverse(name, args=args[name]))
            if found.changed or found.status not in fine:
                wrong[f"{method} {name}"] = (found, fine)
    assert wrong == {}


@override_settings(CSRF_FAILURE_VIEW=f"{__name__}.untold_page")
@pytest.mark.parametrize("person", PEOPLE)
def test_nothing_is_posted_without_a_token(cast: Cast, person: str) -> None:
    """Not even looked at: all get the same answer, also with the cookie of the token."""
    args = addresses(cast, TABLE)
    someone, wrong = visitor(cast, person, strict=True, proved=True), {}
    for name, row in TABLE.items():
        if name in SIGNED_LINKS:
            continue
        found = someone.ask("POST", reverse(name, args=args[name]), row.data)
        if found != Answer(untold(name, person)):
            wrong[name] = (found, untold(name, person))
    assert wrong == {}


def untold(name: str, person: str) -> int:
    """The answer to a post without a token."""
    if name in POSTED_BY_OTHERS:
        return TABLE[name].expected(person)
    if name in ("api_schema", "api_nowhere"):  # the same for everybody, and nothing to post to
        return {"api_schema": 405, "api_nowhere": 404}[name]
    if name in API:  # asks for itself, and answers in its own words
        return 401 if person == "anonymous" else 403
    return UNTOLD


def test_only_the_api_and_what_others_sign_are_exempt_from_tokens() -> None:
    """The API asks for one itself where a session is all that it is shown: see above."""
    found = routes(get_resolver().url_patterns)
    assert {route.name for route in found if getattr(route.callback, "csrf_exempt", False)} == (
        API | POSTED_BY_OTHERS | SIGNED_LINKS
    )


@pytest.mark.parametrize("person", ["owner", "partner", "staff"])
def test_looking_changes_nothing(cast: Cast, person: str) -> None:
    args = addresses(cast, TABLE)
    someone, wrong = visitor(cast, person, proved=True), {}
    for name in (name for name, row in TABLE.items() if row.expected(person) < 400):
        found = someone.ask("GET", reverse(name, args=args[name]))
        if found.changed:
            wrong[name] = found
    assert wrong == {}
