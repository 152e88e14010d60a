"""The whole round trip with a provider of another make: npm's samlp, in a process of its own."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.saml.metadata import Config, config_from
from apps.accounts.saml.provider import acs_url, entity_id
from tests.cast import Cast
from tests.fixtures.saml import NodeProvider, make_provider, node_provider

VERA = "vera.viewer@pizza-perfecto.example"
pytestmark = pytest.mark.server


@pytest.fixture
def provider(tmp_path: Path, settings: Any) -> Iterator[NodeProvider]:
    settings.SAML_PRIVATE_NETWORKS = ["127.0.0.1"]
    with node_provider(tmp_path, VERA) as running:
        yield running


def in_use(cast: Cast, provider: NodeProvider, embed_link: str = "") -> Config:
    config = config_from(f"{provider.url}/metadata", embed_link=embed_link)
    make_provider(cast.account, live=config.as_json())
    return config


def posted_by(address: str) -> dict[str, str]:
    """What the provider's page at this address would post."""
    with urlopen(address) as answer:
        page = answer.read().decode()
    found = re.search(r'name="SAMLResponse"\s+value="([^"]+)"', page)
    assert found, page[:200]
    return {"SAMLResponse": html.unescape(found.group(1))}


def test_from_our_sign_in_link_to_the_provider_and_back(
    client: Client, cast: Cast, provider: NodeProvider
) -> None:
    in_use(cast, provider)
    away = client.get(reverse("saml_start", args=[cast.account.public_id]))["Location"]
    answer = posted_by(f"{away}&{urlencode({'user': VERA})}")
    acs = reverse("saml_acs", args=[cast.account.public_id])
    assert client.get(Client().post(acs, answer)["Location"])["Location"] == "/"
    assert client.session["_auth_user_id"] == str(cast.viewer.pk)
    assert Client().post(acs, answer).status_code == 403, "the same answer a second time"


def test_from_the_providers_own_page(client: Client, cast: Cast, provider: NodeProvider) -> None:
    account_id = cast.account.public_id
    in_use(cast, provider, embed_link=f"{provider.url}/app")
    begun = {"user": VERA, "acs": acs_url(account_id), "audience": entity_id(account_id)}
    answer = posted_by(f"{provider.url}/app?{urlencode(begun)}")
    page = client.post(reverse("saml_acs", args=[account_id]), answer)["Location"]
    assert VERA in client.get(page).content.decode()
    assert client.post(page)["Location"] == "/"
    assert client.session["_auth_user_id"] == str(cast.viewer.pk)
