"""Setting company sign-in up: what is read, the test before anybody is switched over, what keeps it fresh."""

from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from unittest.mock import patch

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.models import CompanyDomain, SamlProvider
from apps.accounts.saml.metadata import config_from
from apps.accounts.saml.tasks import refresh_providers
from apps.activity.models import SecurityEvent
from apps.core import clock
from apps.core.errors import EverkeepError, InvalidRequest, Unavailable
from apps.core.public_web import fetch, networks
from apps.core.scope import account_scope
from tests.accounts.company import deliver, request_id
from tests.cast import Cast, prove_again
from tests.fixtures.saml import ISSUER, SSO, Answer, config, make_provider, metadata_xml, signer


class _Web(HTTPServer):
    body = b""
    status = 200


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        self.send_response(server.status)
        if server.status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def web(settings: Any) -> Iterator[Any]:
    """A web server in a network that the operator opened, so that it may be asked by plain http."""
    settings.SAML_PRIVATE_NETWORKS = ["127.0.0.1"]
    server: Any = _Web(("127.0.0.1", 0), _Page)
    Thread(target=server.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_port}/metadata"
    yield server
    server.shutdown()
    server.server_close()


def row(cast: Cast) -> SamlProvider:
    with account_scope(cast.account.pk):
        return SamlProvider.objects.get()


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    prove_again(client)
    return client


def come_back_from_test(client: Client, cast: Cast, address: str) -> Any:
    """Set up by pasting, then come back from the provider as `address`."""
    client.post(reverse("saml_set_up"), {"source": metadata_xml(), "embed_link": ""})
    asked = request_id(client.get(reverse("saml_test"))["Location"])
    return deliver(client, Answer(cast.account.public_id, address, asked), cast.account)


def test_a_pasted_provider_is_on_after_a_test_and_a_confirmation(
    olivia: Client, cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    done = come_back_from_test(olivia, cast, cast.owner.email)
    assert done["Location"] == f"{reverse('security')}?tested=saml#saml"
    page = olivia.get(done["Location"]).content.decode()
    assert "Email &amp; Password: Active" in page and "Your test sign-in worked" in page and "data-open" in page
    assert not row(cast).is_active
    with django_capture_on_commit_callbacks(execute=True):
        olivia.post(reverse("saml_activate"))
    assert "SAML: Active" in olivia.get(reverse("security")).content.decode()
    assert [message.subject for message in mail.outbox] == ["Company sign-in is on for Pizza Perfecto"]
    with account_scope(cast.account.pk):
        codes = list(SecurityEvent.objects.filter(code__startswith="saml.").values_list("code", flat=True))
    assert sorted(codes) == ["saml.activated", "saml.saved", "saml.tested"]


def test_nobody_is_switched_over_without_a_test(olivia: Client, cast: Cast) -> None:
    olivia.post(reverse("saml_set_up"), {"source": metadata_xml(), "embed_link": ""})
    assert olivia.post(reverse("saml_activate")).status_code == 409
    assert not row(cast).is_active


def test_a_set_up_that_nobody_uses_is_discarded_and_what_is_in_use_stays(olivia: Client, cast: Cast) -> None:
    make_provider(cast.account, live=config(signer("old")).as_json())
    come_back_from_test(olivia, cast, cast.owner.email)
    assert olivia.post(reverse("saml_discard")).status_code == 302
    assert row(cast).is_active and row(cast).draft is None
    assert olivia.post(reverse("saml_activate")).status_code == 409, "nor does the test count for the next one"
    with account_scope(cast.account.pk):
        assert SecurityEvent.objects.filter(code="saml.discarded").count() == 1


def test_a_test_as_somebody_else_is_none(olivia: Client, cast: Cast) -> None:
    assert come_back_from_test(olivia, cast, cast.viewer.email).status_code == 403
    assert olivia.post(reverse("saml_activate")).status_code == 409


def test_a_test_holds_for_an_hour_and_for_what_was_tested(olivia: Client, cast: Cast) -> None:
    come_back_from_test(olivia, cast, cast.owner.email)
    with (
        clock.travel(clock.now() + timedelta(minutes=61)),
        patch("apps.accounts.sudo.is_fresh", return_value=True),
    ):
        assert olivia.post(reverse("saml_activate")).status_code == 409
    olivia.post(reverse("saml_set_up"), {"source": metadata_xml(signer("other")), "embed_link": ""})
    assert olivia.post(reverse("saml_activate")).status_code == 409


def test_the_answer_to_a_test_signs_nobody_in(olivia: Client, cast: Cast) -> None:
    """An administrator could otherwise paste a provider of theirs and come in as anybody."""
    olivia.post(reverse("saml_set_up"), {"source": metadata_xml(), "embed_link": SSO})
    asked = request_id(olivia.get(reverse("saml_test"))["Location"])
    other = Client()
    answer = Answer(cast.account.public_id, cast.viewer.email, asked)
    assert deliver(other, answer, cast.account).status_code == 403
    unasked = Answer(cast.account.public_id, cast.viewer.email)
    assert deliver(other, unasked, cast.account).status_code == 403
    assert "_auth_user_id" not in other.session


def test_the_old_provider_goes_on_until_the_new_one_is_tested(olivia: Client, cast: Cast) -> None:
    make_provider(cast.account, live=config(signer("old")).as_json())
    come_back_from_test(olivia, cast, cast.owner.email)
    browser = Client()
    start = reverse("saml_start", args=[cast.account.public_id])
    by_new = Answer(cast.account.public_id, cast.viewer.email, request_id(browser.get(start)["Location"]))
    assert deliver(browser, by_new, cast.account).status_code == 403
    asked = request_id(browser.get(start)["Location"])
    by_old = Answer(cast.account.public_id, cast.viewer.email, asked, by=signer("old"))
    assert deliver(browser, by_old, cast.account).status_code == 302
    olivia.post(reverse("saml_activate"))
    assert browser.get("/")["Location"] == reverse("account_login")


def test_another_administrator_stays_in_after_switching_it_on(client: Client, cast: Cast) -> None:
    cast.viewer.memberships.update(role=Role.ADMINISTRATOR)
    client.force_login(cast.viewer)
    prove_again(client)
    come_back_from_test(client, cast, cast.viewer.email)
    client.post(reverse("saml_activate"))
    assert client.get(reverse("security")).status_code == 200
    assert client.get(reverse("my_security")).status_code == 403


def test_switching_it_off_ends_sessions_and_lets_passwords_count_again(
    olivia: Client, cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    make_provider(cast.account)
    with django_capture_on_commit_callbacks(execute=True):
        olivia.post(reverse("saml_switch_off"))
    assert not row(cast).is_active and row(cast).draft
    assert mail.outbox[0].subject == "Company sign-in is off for Pizza Perfecto"
    vera = Client()
    vera.force_login(cast.viewer)
    assert vera.get("/").status_code == 200


def test_the_operator_unlocks_by_command(cast: Cast, capsys: Any) -> None:
    make_provider(cast.account)
    call_command("accounts", "saml-off", str(cast.account.public_id))
    assert not row(cast).is_active and "passwords count again" in capsys.readouterr().out
    call_command("accounts", "saml-off", cast.owner.email)
    assert "was not on" in capsys.readouterr().out


def test_the_rules_are_kept_and_told(olivia: Client, cast: Cast) -> None:
    make_provider(cast.account)
    data = {"ask_second_factor": "on", "create_people": "on", "default_role": "restore_operator"}
    olivia.post(reverse("saml_rules"), data)
    found = row(cast)
    assert (found.ask_second_factor, found.create_people, found.default_role) == (
        True,
        True,
        "restore_operator",
    )
    olivia.post(reverse("saml_rules"), {"default_role": "administrator"})
    assert row(cast).default_role == "restore_operator"


# What is read.

BAD = {
    "nothing of the kind": ("<x/>", "0 identity providers"),
    "a document type": ("<!DOCTYPE x>" + metadata_xml(), "not plain SAML"),
    "two providers": (f'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{metadata_xml()}'
                      f"{metadata_xml(issuer='https://b.example')}</md:EntitiesDescriptor>", "2 identity"),
    "expired": (metadata_xml().replace(" entityID", ' validUntil="2020-01-01T00:00:00Z" entityID'), "expired"),
    "plain http": (metadata_xml(sso="http://idp.example/sso"), "no https address"),
    "a script": (metadata_xml(sso="javascript:alert(1)"), "no https address"),
    "no certificate": (metadata_xml().replace("KeyDescriptor", "Other"), "no certificate"),
    "a weak key": (metadata_xml(signer("weak", bits=1024)), "1024 bits"),
    "a broken certificate": (metadata_xml().replace(signer().body[:40], "A" * 40), "cannot be read"),
    "signed requests": (metadata_xml(attributes='WantAuthnRequestsSigned="true"'), "wants signed requests"),
    "not xml": ("<md:Ent", "not SAML metadata"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_metadata_that_is_refused_says_why(name: str) -> None:
    text, words = BAD[name]
    with pytest.raises(InvalidRequest, match=words):
        config_from(text)


def test_the_page_says_it_too(olivia: Client, cast: Cast) -> None:
    page = olivia.post(reverse("saml_set_up"), {"source": "http://127.0.0.1/metadata"})
    assert "must begin with https://" in page.content.decode()


def test_all_certificates_are_kept_for_a_roll_over() -> None:
    found = config_from(metadata_xml(signer("old"), signer("new")))
    assert found.certificates == (signer("old").body, signer("new").body)
    assert (found.entity_id, found.sso_url) == (ISSUER, SSO)


# Addresses that are fetched.


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "https://127.0.0.1/", "https://localhost/", "https://169.254.169.254/latest",
        "https://[::1]/", "https://10.0.0.1/", "file:///etc/passwd", "https://user@example.com/", "ftp://example.com/",
        "https://example.com:x/", "gopher://x", "https://",
    ],
)  # fmt: skip
def test_only_public_https_addresses_are_asked(url: str) -> None:
    with pytest.raises(EverkeepError), patch("socket.create_connection") as connected:
        fetch(url, most_bytes=100)
    assert not connected.called


def test_a_name_that_leads_inside_is_not_asked() -> None:
    inside = [(0, 0, 0, "", ("10.0.0.7", 443))]
    with patch("socket.getaddrinfo", return_value=inside), patch("socket.create_connection") as connected:
        with pytest.raises(InvalidRequest, match="public internet"):
            fetch("https://idp.example/", most_bytes=100)
        assert not connected.called


def test_answers_are_cut_off_and_redirects_not_followed(web: Any) -> None:
    private = networks(["127.0.0.1"])
    web.body = b"x" * 200_000
    with pytest.raises(Unavailable, match="too large"):
        fetch(web.url, most_bytes=1000, private=private)
    web.status = 302
    with pytest.raises(Unavailable, match="status 302"):
        fetch(web.url, most_bytes=1000, private=private)


# Kept fresh.


def test_new_certificates_are_fetched_every_day(web: Any, cast: Cast) -> None:
    make_provider(cast.account, live=config(signer("old"), metadata_url=web.url).as_json())
    web.body = metadata_xml(signer("old"), signer("new")).encode()
    refresh_providers()
    found = row(cast)
    assert found.live["certificates"] == [signer("old").body, signer("new").body]  # type: ignore[index]
    assert found.refreshed_at and not found.refresh_error


@pytest.mark.parametrize("body", [b"", b"<x/>", metadata_xml(issuer="https://thief.example").encode()])
def test_what_cannot_be_refreshed_stays_as_it_was_and_is_shown(
    web: Any, olivia: Client, cast: Cast, body: bytes
) -> None:
    before = config(metadata_url=web.url).as_json()
    make_provider(cast.account, live=before)
    web.body = body
    refresh_providers()
    refresh_providers()
    found = row(cast)
    assert found.live == before and found.refresh_error
    assert "New certificates cannot be fetched" in olivia.get(reverse("security")).content.decode()
    with account_scope(cast.account.pk):
        assert SecurityEvent.objects.filter(code="saml.refresh_failed").count() == 1


def test_the_end_of_the_last_certificate_is_told_at_30_7_and_1_days(
    cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    make_provider(cast.account, live=config(signer("short", days=40), signer("shorter", days=2)).as_json())
    told = []
    for day in (0, 9, 11, 12, 33, 34, 39, 41):
        mail.outbox.clear()
        with clock.travel(clock.now() + timedelta(days=day)), django_capture_on_commit_callbacks(execute=True):
            refresh_providers()
        if mail.outbox:
            told.append(day)
    assert told == [11, 33, 39]


# Domains.


def test_a_domain_is_proved_by_a_file_on_its_web_server(olivia: Client, cast: Cast) -> None:
    olivia.post(reverse("saml_domain_add"), {"domain": "@Pizza-Perfecto.example"})
    domain = CompanyDomain.objects.get()
    assert domain.domain == "pizza-perfecto.example" and domain.verified_at is None
    prove = reverse("saml_domain_prove", args=[domain.pk])
    for body, proved in ((b"something else", False), (f"a\n{domain.token}\n".encode(), True)):
        with patch("apps.accounts.saml.domains.fetch", return_value=body) as asked:
            olivia.post(prove)
        assert asked.call_args.args == ("https://pizza-perfecto.example/.well-known/everkeep.txt",)
        domain.refresh_from_db()
        assert bool(domain.verified_at) is proved


def test_a_domain_belongs_to_one_account(olivia: Client, cast: Cast) -> None:
    CompanyDomain.objects.create(
        account=cast.other_account, domain="x.example", token="t", verified_at=clock.now()
    )
    mine = CompanyDomain.objects.create(account=cast.account, domain="x.example", token="t")
    with patch("apps.accounts.saml.domains.fetch", return_value=b"t"):
        olivia.post(reverse("saml_domain_prove", args=[mine.pk]))
    mine.refresh_from_db()
    assert mine.verified_at is None


def test_domains_of_others_cannot_be_touched(olivia: Client, cast: Cast) -> None:
    other = CompanyDomain.objects.create(account=cast.other_account, domain="x.example", token="t")
    assert olivia.post(reverse("saml_domain_remove", args=[other.pk])).status_code == 404
    assert CompanyDomain.objects.count() == 1
