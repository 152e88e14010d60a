"""What is typed into a search box is a question that every database takes."""

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from apps.core.typed import typed
from tests.cast import Cast


def test_letters_are_cut_to_what_a_name_may_hold() -> None:
    assert typed(QueryDict("q=%20b%00ob%20")) == typed({"q": "bob"}) == "bob"
    assert typed(QueryDict("")) == "" and typed({"q": "x" * 500}) == "x" * 100


@pytest.mark.database
@pytest.mark.parametrize("name", ["home", "users", "recovery", "recovery_lost"])
def test_a_letter_that_postgresql_refuses_breaks_no_list(client: Client, cast: Cast, name: str) -> None:
    client.force_login(cast.owner)
    assert client.get(reverse(name), {"q": "a\0b"}).status_code == 200
