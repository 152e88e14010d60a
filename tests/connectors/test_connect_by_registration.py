"""Connecting a tenant by pasting an app registration."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.activity.models import Activity
from apps.connectors.enums import ConnectionState, CredentialKind
from apps.connectors.models import Connection
from apps.connectors.services import connection_test, identity_of
from apps.core.scope import account_scope
from apps.sandbox.testing import SandboxCloud
from tests.cast import Cast

NEW, TEST = "/connections/new/", "/connections/test/"


def typed(cloud: SandboxCloud, **changes: str) -> dict[str, str]:
    return {
        "tenant_id": cloud.tenant_id,
        "client_id": cloud.manual.client_id,
        "client_secret": cloud.manual.secret,
    } | changes


@pytest.fixture
def owner(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    return client


def test_the_page_names_each_permission_and_what_is_missing_without_it(owner: Client) -> None:
    page = owner.get(NEW).content.decode()
    assert "Mail.Read" in page
    assert "Mailboxes are not found" in page
    assert "Mail.ReadWrite" not in page
    assert "Mail.ReadWrite" in owner.get(NEW, {"write": "1"}).content.decode()


def test_a_registration_that_works_is_kept_sealed(owner: Client, cast: Cast, cloud: SandboxCloud) -> None:
    answer = owner.post(NEW, typed(cloud))
    with account_scope(cast.account.pk):
        connection = Connection.objects.get()
        assert answer.headers["Location"] == f"/connections/{connection.public_id}/"
        assert (connection.name, connection.state) == ("Pizza Perfecto", ConnectionState.CONNECTED)
        assert cloud.manual.secret.encode() not in bytes(connection.sealed_credential)
        assert connection_test(connection).passed
        assert [row.code for row in Activity.objects.all()] == ["connection.created"]


def test_the_end_of_a_secret_is_entered_or_noted_later(owner: Client, cast: Cast, cloud: SandboxCloud) -> None:
    owner.post(NEW, typed(cloud, secret_ends_on="2027-03-01"))
    with account_scope(cast.account.pk):
        kept = Connection.objects.get()
        assert f"{kept.credential_expires_at:%Y-%m-%d}" == "2027-03-01"
        later = f"/connections/{kept.public_id}/secret-ends/"
        assert owner.post(later, {"ends_on": "2027-04-02"}).status_code == 302
        kept.refresh_from_db()
        assert f"{kept.credential_expires_at:%Y-%m-%d}" == "2027-04-02"
        assert Activity.objects.order_by("-pk").first().code == "connection.noted"  # type: ignore[union-attr]
        owner.post(later, {"ends_on": ""})
        kept.refresh_from_db()
        assert kept.credential_expires_at is None


def test_one_comes_back_to_where_one_came_from(owner: Client, cast: Cast, cloud: SandboxCloud) -> None:
    answer = owner.post(NEW, typed(cloud, next="/tasks/new/exchange/?name=Mail"))
    with account_scope(cast.account.pk):
        public_id = Connection.objects.get().public_id
    assert answer.headers["Location"] == f"/tasks/new/exchange/?name=Mail&connection={public_id}"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.test/", "//evil.test/", "/\\evil.test", "javascript:alert(1)"]
)
def test_one_is_never_led_to_another_site(owner: Client, cloud: SandboxCloud, elsewhere: str) -> None:
    answer = owner.post(NEW, typed(cloud, next=elsewhere))
    assert answer.headers["Location"].startswith("/connections/")


def test_the_test_button_shows_the_tenants_name_and_keeps_nothing(
    owner: Client, cast: Cast, cloud: SandboxCloud
) -> None:
    part = owner.post(TEST, typed(cloud), headers={"HX-Request": "true"}).content.decode()
    assert "Connected to Pizza Perfecto." in part
    with account_scope(cast.account.pk):
        assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_secret": "wrong"}, "The client secret is wrong."),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, "does not know this app"),
        ({"tenant_id": "00000000-0000-4000-8000-000000000000"}, "does not know this tenant"),
        ({"tenant_id": "../../evil"}, "Enter the tenant"),
        ({"client_secret": ""}, "Enter a client secret or choose a certificate"),
    ],
)
def test_what_is_wrong_is_said_in_words_and_nothing_is_kept(
    owner: Client, cast: Cast, cloud: SandboxCloud, changes: dict[str, str], words: str
) -> None:
    for address in (TEST, NEW):
        answer = owner.post(address, typed(cloud, **changes))
        assert answer.status_code == 200
        assert words in answer.content.decode()
        assert cloud.manual.secret not in answer.content.decode()
    with account_scope(cast.account.pk):
        assert not Connection.objects.exists()


def test_a_missing_permission_is_named(owner: Client, cloud: SandboxCloud) -> None:
    cloud.register_app(cloud.manual.client_id, consented=False)
    part = owner.post(TEST, typed(cloud)).content.decode()
    assert "permission is missing" in part or "consented" in part


def test_a_certificate_signs_in_too(owner: Client, cast: Cast, cloud: SandboxCloud) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    from .test_sign_in import make_pem

    pem = make_pem(rsa.generate_private_key(65537, 2048))
    public = pem.partition(b"-----BEGIN PRIVATE")[0].decode()
    cloud.register_app(cloud.manual.client_id, certificates=[public])
    file = SimpleUploadedFile("app.pem", pem)
    owner.post(NEW, typed(cloud, client_secret="") | {"certificate": file})
    with account_scope(cast.account.pk):
        connection = Connection.objects.get()
        assert connection.credential_kind == CredentialKind.CERTIFICATE
        assert connection.credential_expires_at is not None
        assert b"PRIVATE KEY" not in bytes(connection.sealed_credential)


def test_the_same_registration_is_never_kept_twice(owner: Client, cast: Cast, cloud: SandboxCloud) -> None:
    owner.post(NEW, typed(cloud))
    owner.post(NEW, typed(cloud, tenant_id=cloud.domain))
    with account_scope(cast.account.pk):
        assert Connection.objects.count() == 1


def test_a_new_secret_renews_a_lost_connection_in_place(owner: Client, cast: Cast, cloud: SandboxCloud) -> None:
    owner.post(NEW, typed(cloud))
    cloud.register_app(cloud.manual.client_id, secrets=[{"value": "the-new-one"}])
    with account_scope(cast.account.pk):
        connection = Connection.objects.get()
        assert "client secret is wrong" in connection_test(connection).what
        connection.refresh_from_db()
        assert connection.state == ConnectionState.DISCONNECTED
    page = f"/connections/{connection.public_id}/"
    assert "Microsoft no longer accepts our sign-in." in owner.get(page).content.decode()
    owner.post(page, typed(cloud, client_secret="the-new-one"))
    with account_scope(cast.account.pk):
        renewed = Connection.objects.get()
        assert (renewed.pk, renewed.state) == (connection.pk, ConnectionState.CONNECTED)
        assert identity_of(renewed).credential.to_bytes().count(b"the-new-one") == 1
        codes = [row.code for row in Activity.objects.order_by("id")]
    assert codes == [
        "connection.created",
        "connection.lost",
        "connection.reauthenticated",
        "connection.regained",
    ]


def test_an_outage_at_microsoft_does_not_disconnect(owner: Client, cast: Cast, cloud: SandboxCloud) -> None:
    owner.post(NEW, typed(cloud))
    cloud.add_fault("error", path="/organization", count=None, status=503)
    with account_scope(cast.account.pk):
        connection = Connection.objects.get()
        assert not connection_test(connection).passed
        connection.refresh_from_db()
        assert connection.state == ConnectionState.CONNECTED


def test_a_stranger_finds_no_connection_of_others(
    client: Client, owner: Client, cast: Cast, cloud: SandboxCloud
) -> None:
    owner.post(NEW, typed(cloud))
    with account_scope(cast.account.pk):
        page = f"/connections/{Connection.objects.get().public_id}/"
    client.force_login(cast.stranger)
    assert client.get(page).status_code == 404
    assert client.post(f"{page}test/").status_code == 404
    client.force_login(cast.viewer)
    assert client.get(page).status_code == 403
