"""The pages that connect an organisation: sound in both widths and themes."""

import pytest
from django.test import Client

from apps.core.scope import account_scope
from tests.backups.makers import make_connection
from tests.browser.rig import Visit
from tests.cast import Cast


@pytest.fixture
def olivia(cast: Cast, transactional_db: None, visit: Visit) -> Visit:
    client = Client()
    client.force_login(cast.owner)
    visit.sign_in_as(client)
    return visit


def test_connecting_an_organisation_is_sound(olivia: Visit) -> None:
    olivia.open("/connections/new/")
    olivia.check("connection-new")


def test_the_page_of_a_connection_is_sound(olivia: Visit, cast: Cast) -> None:
    with account_scope(cast.account.pk):
        connection = make_connection(cast.account)
    olivia.open(f"/connections/{connection.public_id}/")
    olivia.check("connection")
