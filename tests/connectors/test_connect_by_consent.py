"""Connecting a tenant by consent at Microsoft: only its own administrator can, in one session."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.test import Client

from apps.connectors.enums import ConnectionState, CredentialKind
from apps.connectors.models import Connection
from apps.connectors.services import connection_mark_disconnected, connection_test
from apps.core.scope import account_scope
from apps.sandbox.testing import SandboxCloud
from tests.cast import Cast

AUTHENTICATE, CONSENTED, SIGNED_IN = (
    "/connections/authenticate/",
    "/connections/consented/",
    "/connections/signed-in/",
)


class Browser:
    """One person's browser: the portal's session and Microsoft's cookies."""

    def __init__(self, portal: Client) -> None:
        self.portal, self.microsoft = portal, httpx.Client()

    def authenticate(self, **query: str) -> str:
        return self.portal.get(AUTHENTICATE, query).headers["Location"]

    def decide(self, url: str, person: str, decision: str = "accept") -> str:
        """Pick an account at Microsoft and decide; returns the way back to the portal."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        answer = self.microsoft.post(url, data=asked | {"account": person, "decision": decision})
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def sign_in(self, url: str) -> str:
        answer = self.microsoft.get(url)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def back(self, url: str) -> httpx.Response:
        parts = urlsplit(url)
        return self.portal.get(f"{parts.path}?{parts.query}")

    def connect(self, person: str, **query: str) -> httpx.Response:
        to_sign_in = self.back(self.decide(self.authenticate(**query), person)).headers["Location"]
        return self.back(self.sign_in(to_sign_in))


@pytest.fixture
def visitor(client: Client, cast: Cast) -> Browser:
    client.force_login(cast.owner)
    return Browser(client)


def connections(cast: Cast) -> list[Connection]:
    with account_scope(cast.account.pk):
        return list(Connection.objects.all())


def test_an_administrator_consents_and_is_connected(visitor: Browser, cast: Cast, cloud: SandboxCloud) -> None:
    answer = visitor.connect(cloud.admin, next="/tasks/new/exchange/")
    (connection,) = connections(cast)
    assert answer.headers["Location"] == f"/tasks/new/exchange/?connection={connection.public_id}"
    assert (connection.tenant_id, connection.name) == (cloud.tenant_id, "Pizza Perfecto")
    assert connection.credential_kind == CredentialKind.ADMIN_CONSENT
    assert bytes(connection.sealed_credential) == b""
    with account_scope(cast.account.pk):
        assert connection_test(connection).passed


def test_a_refusal_is_said_calmly_and_changes_nothing(
    visitor: Browser, cast: Cast, cloud: SandboxCloud
) -> None:
    answer = visitor.back(visitor.decide(visitor.authenticate(), cloud.admin, "cancel"))
    assert answer.status_code == 200
    assert "The consent was not given at Microsoft. Nothing has changed." in answer.content.decode()
    assert connections(cast) == []


def test_a_tenant_typed_into_the_way_back_connects_nothing(
    visitor: Browser, cast: Cast, cloud: SandboxCloud
) -> None:
    """Somebody else's tenant has consented before; who has no administrator there gets nowhere."""
    cloud.grant_consent(cloud.portal.client_id)
    state = parse_qs(urlsplit(visitor.authenticate()).query)["state"][0]
    forged = visitor.portal.get(
        CONSENTED, {"tenant": cloud.tenant_id, "state": state, "admin_consent": "True"}
    ).headers["Location"]
    assert urlsplit(forged).path == f"/{cloud.tenant_id}/oauth2/v2.0/authorize"
    state = parse_qs(urlsplit(forged).query)["state"][0]
    answer = visitor.portal.get(SIGNED_IN, {"state": state, "code": "made up"})
    assert "Not connected." in answer.content.decode()
    assert connections(cast) == []


def test_somebody_of_the_tenant_who_is_no_administrator_cannot_connect_it(
    visitor: Browser, cast: Cast, cloud: SandboxCloud
) -> None:
    cloud.grant_consent(cloud.portal.client_id)
    employee = cloud.add_user(f"erna.employee@{cloud.domain}", displayName="Erna Employee", accountEnabled=True)
    state = parse_qs(urlsplit(visitor.authenticate()).query)["state"][0]
    to_sign_in = visitor.portal.get(
        CONSENTED, {"tenant": cloud.tenant_id, "state": state, "admin_consent": "True"}
    ).headers["Location"]
    answer = visitor.back(visitor.decide(to_sign_in, employee))
    assert "Only a Global Administrator" in answer.content.decode()
    assert connections(cast) == []


@pytest.mark.parametrize("address", [CONSENTED, SIGNED_IN])
def test_a_state_of_nobody_or_of_another_session_is_refused(
    visitor: Browser, cast: Cast, cloud: SandboxCloud, address: str
) -> None:
    state = parse_qs(urlsplit(visitor.authenticate()).query)["state"][0]
    other = Client()
    other.force_login(cast.stranger)
    for person, given in ((visitor.portal, "made-up"), (visitor.portal, ""), (other, state)):
        query = {"state": given, "tenant": cloud.tenant_id, "admin_consent": "True", "code": "x"}
        assert person.get(address, query).status_code == 400
    assert connections(cast) == []


def test_a_state_serves_once(visitor: Browser, cast: Cast, cloud: SandboxCloud) -> None:
    way_back = visitor.decide(visitor.authenticate(), cloud.admin)
    assert visitor.back(way_back).status_code == 302
    assert visitor.back(way_back).status_code == 400


@pytest.mark.parametrize("tenant", ["", "common", "../evil", "pizza-perfecto.example"])
def test_a_tenant_that_is_no_guid_is_refused(visitor: Browser, cloud: SandboxCloud, tenant: str) -> None:
    state = parse_qs(urlsplit(visitor.authenticate()).query)["state"][0]
    answer = visitor.portal.get(CONSENTED, {"state": state, "tenant": tenant, "admin_consent": "True"})
    assert "Nothing has changed." in answer.content.decode()


def test_consenting_again_renews_the_connection_in_place(
    visitor: Browser, cast: Cast, cloud: SandboxCloud
) -> None:
    visitor.connect(cloud.admin)
    (connection,) = connections(cast)
    with account_scope(cast.account.pk):
        connection_mark_disconnected(connection=connection, reason="Consent was taken back.")
    answer = visitor.connect(cloud.admin, connection=str(connection.public_id))
    assert answer.headers["Location"] == f"/connections/{connection.public_id}/"
    (renewed,) = connections(cast)
    assert (renewed.pk, renewed.state) == (connection.pk, ConnectionState.CONNECTED)


def test_without_an_app_of_its_own_the_page_says_so(visitor: Browser, settings: object) -> None:
    settings.MICROSOFT_CLIENT_ID = ""  # type: ignore[attr-defined]
    assert "has no app at Microsoft" in visitor.portal.get("/connections/new/").content.decode()


def test_only_who_may_change_tasks_connects(client: Client, cast: Cast) -> None:
    client.force_login(cast.viewer)
    assert client.get("/connections/new/").status_code == 403
    assert client.get(AUTHENTICATE).status_code == 403
