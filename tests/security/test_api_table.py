"""The API with tokens: each gets what a session of the same person gets, and nobody gets more."""

from unittest.mock import patch

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.accounts.test_tokens import new_token
from tests.cast import Cast
from tests.security.url_rows import PEOPLE
from tests.security.url_table import TABLE

ROUTES = sorted(name for name in TABLE if name.startswith("api_"))
MEMBERS = [person for person in PEOPLE if person not in ("anonymous", "invited", "both", "partner", "staff")]


@pytest.mark.parametrize("name", ROUTES)
def test_a_token_gets_what_its_person_gets(cast: Cast, name: str) -> None:
    row = TABLE[name]
    address = reverse(name, args=row.args(cast))
    tokens = {person: new_token(getattr(cast, person)) for person in MEMBERS}
    found = {}
    for person, token in tokens.items():
        cache.clear()
        client = Client(enforce_csrf_checks=True, headers={"Authorization": f"Token {token}"})
        with transaction.atomic(), patch("celery.app.task.Task.apply_async"):
            if row.data is None:
                answer = client.get(address)
            else:
                answer = client.post(address, row.data, content_type="application/json")
            transaction.set_rollback(True)
        found[person] = answer.status_code
        assert "Set-Cookie" not in answer
    assert found == {person: row.expected(person) for person in MEMBERS}


@pytest.mark.parametrize("name", [name for name in ROUTES if name not in ("api_schema", "api_nowhere")])
def test_a_token_without_rights_reads_nothing_of_the_account(cast: Cast, name: str) -> None:
    row = TABLE[name]
    address = reverse(name, args=row.args(cast))
    client = Client(headers={"Authorization": f"Token {new_token(cast.owner, 'billing')}"})
    if row.data is None:
        answer = client.get(address)
    else:
        answer = client.post(address, row.data, content_type="application/json")
    expected = 200 if name in ("api_me", "api_account") else 403
    assert answer.status_code == expected
    if expected == 403:
        assert set(answer.json()) == {"code", "detail", "do"}
