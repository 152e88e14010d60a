"""Every address, every kind of person: nobody gets more than the table in url_table.py says."""

from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import patch

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.cast import Cast
from tests.security.answers import ASKED_TO_LEAD_AWAY, ELSEWHERE, faults_of
from tests.security.url_rows import PEOPLE
from tests.security.url_table import TABLE


def routes(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        else:
            yield pattern


def test_every_route_has_a_name_and_a_row() -> None:
    found = list(routes(get_resolver().url_patterns))
    assert [str(route.pattern) for route in found if not route.name] == []
    names = [route.name for route in found]
    assert set(names) - set(TABLE) == set(), "add them to tests/security/url_table.py"
    assert set(TABLE) - set(names) == set(), "these routes are gone: take them out of url_table.py"
    assert len(names) == len(set(names)), "two routes have the same name"


@pytest.fixture(autouse=True)
def _no_broker_and_no_limits() -> Iterator[None]:
    cache.clear()
    with patch("celery.app.task.Task.apply_async"), patch("celery.app.base.Celery.send_task"):
        yield


@pytest.mark.parametrize("name", sorted(TABLE))
def test_who_gets_what(cast: Cast, name: str, settings: Any) -> None:
    row = TABLE[name]
    settings.BILLING = name.startswith("billing")
    address = reverse(name, args=row.args(cast))
    found = {person: _status(cast, person, name, address, row.data) for person in PEOPLE}
    assert found == {person: row.expected(person) for person in PEOPLE}, address


def _status(cast: Cast, person: str, name: str, address: str, data: Mapping[str, Any] | None) -> int:
    """Ask as this person, also to be led away; what the answer changed is undone: each finds the same."""
    client = Client()
    cache.clear()
    with transaction.atomic():
        if person != "anonymous":
            client.force_login(getattr(cast, person))
        asked = address + ASKED_TO_LEAD_AWAY
        if data is None:
            response = client.get(asked)
        elif address.startswith("/api/"):
            response = client.post(asked, data, content_type="application/json")
        else:
            response = client.post(asked, {**data, "next": ELSEWHERE})
        if response.streaming:
            b"".join(response.streaming_content)  # type: ignore[attr-defined]
        transaction.set_rollback(True)
    if person == "anonymous" and response.status_code == 302:
        assert response["Location"].startswith((reverse("account_login"), reverse("home")))
    assert faults_of(name, response) == [], f"{person} at {address}"
    return response.status_code


# Posted by another site, without our cookies: what it brings is judged by its signature.
POSTED_BY_OTHERS = {"saml_acs", "billing_stripe_webhook"}


@pytest.mark.parametrize(
    "name", sorted(name for name, row in TABLE.items() if row.data is not None and name not in POSTED_BY_OTHERS)
)
def test_what_changes_something_wants_a_post_with_a_token(cast: Cast, name: str) -> None:
    row = TABLE[name]
    address = reverse(name, args=row.args(cast))
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.owner)
    assert strict.get(address).status_code == 405
    assert strict.post(address, row.data).status_code == 403
