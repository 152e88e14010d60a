"""The pages that connect an organisation: sound in both widths and themes."""

from apps.core.scope import account_scope
from tests.backups.makers import make_connection
from tests.browser.rig import Visit
from tests.cast import Cast


def test_connecting_an_organisation_is_sound(olivia: Visit) -> None:
    olivia.open("/connections/new/")
    olivia.check("connection-new")


def test_the_page_of_a_connection_is_sound(olivia: Visit, cast: Cast) -> None:
    with account_scope(cast.account.pk):
        connection = make_connection(cast.account)
    olivia.open(f"/connections/{connection.public_id}/")
    olivia.check("connection")
