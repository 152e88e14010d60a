"""A customer's own credentials: apps/vault/store/backends/{addresses,credentials}.py."""

import pytest

from apps.vault.store.backends.addresses import open_store
from apps.vault.store.backends.s3 import S3Store
from apps.vault.store.errors import StoreRefused
from tests.fixtures.s3 import KEY_ID, SECRET, S3Server


@pytest.mark.server
def test_given_credentials_are_used_instead_of_the_operators(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-operators-own-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the operator's own secret")
    url = f"s3://{s3_server.bucket('given')}/a?endpoint={s3_server.endpoint}&addressing=path&region=us-east-1"
    own = open_store(url, credentials={"key_id": KEY_ID, "secret": SECRET})
    assert own.put_if_absent("one", b"data") is True
    operators = open_store(url)
    assert operators is not own
    with pytest.raises(StoreRefused):
        operators.get("one")


def test_given_credentials_never_follow_the_operators_settings_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://operators.example")
    own = open_store("s3://bucket/?region=eu-central-1", credentials={"key_id": KEY_ID, "secret": SECRET})
    assert isinstance(own, S3Store)
    assert own._client.meta.endpoint_url.endswith("amazonaws.com")


@pytest.mark.parametrize(
    "url, credentials",
    [
        ("file:///srv/vault", {}),
        ("file:///srv/vault", {"key_id": "k", "secret": "hush"}),
        ("s3://bucket/", {}),
        ("s3://bucket/", {"key_id": "k"}),
        ("s3://bucket/", {"key_id": "k", "secret": ""}),
        ("s3://bucket/", {"key_id": "k", "secret": "hush", "profile": "operator"}),
    ],
)
def test_credentials_that_are_not_one_whole_set_are_refused(url: str, credentials: dict[str, str]) -> None:
    """Above all an empty set: it must not mean "whatever the operator can"."""
    with pytest.raises(StoreRefused, match="credentials") as caught:
        open_store(url, credentials=credentials)
    assert "hush" not in str(caught.value)


def test_the_same_address_is_opened_once() -> None:
    url, pair = "s3://bucket/?region=eu-central-1", {"key_id": KEY_ID, "secret": SECRET}
    assert open_store(url, credentials=pair) is open_store(url, credentials=dict(reversed(pair.items())))
    assert open_store(url, credentials=pair) is not open_store(url, credentials={**pair, "secret": "another"})


@pytest.mark.parametrize(
    "url", ["azure://127.0.0.1/box", "azure://evil.example/box", "s3://a:9/", "gs://UPPER/", "s3://x%2Fy/"]
)
def test_names_that_could_become_another_host_are_refused(url: str) -> None:
    with pytest.raises(StoreRefused):
        open_store(url)


@pytest.mark.parametrize(
    "options", ["region=evil.example/", "region=a b", "endpoint=nowhere", "endpoint=http://"]
)
def test_odd_options_are_refused_before_anything_is_asked(options: str) -> None:
    with pytest.raises(StoreRefused):
        open_store(f"s3://bucket/?{options}")
