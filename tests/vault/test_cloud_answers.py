"""What Azure and Google answer, and what it means to the vault; whose credentials and addresses are used."""

import base64
import json
from typing import Any

import google_crc32c
import pytest
import requests
from azure.core.exceptions import (
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core.exceptions import from_http_status
from google.auth.exceptions import RefreshError, TransportError
from google.cloud.storage.exceptions import DataCorruption
from google.oauth2 import service_account

from apps.vault.store.backends import azure_errors, gcs_errors
from apps.vault.store.backends.addresses import open_store
from apps.vault.store.backends.azure import AzureStore
from apps.vault.store.backends.gcs import GCSStore, _crc32c, _step_end
from apps.vault.store.backends.locks import Lock, LockMode
from apps.vault.store.backends.parts import PART_BYTES
from apps.vault.store.errors import (
    LockUnsupported,
    ObjectLocked,
    ObjectMissing,
    ObjectTruncated,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)

KEY = {"account_key": "c29tZSBrZXk="}


def azure_answer(status: int, code: str) -> HttpResponseError:
    error = HttpResponseError(message=code)
    error.status_code = status
    error.error_code = code  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    "status, code, expected",
    [
        (503, "ServerBusy", StoreUnavailable),
        (500, "OperationTimedOut", StoreUnavailable),
        (429, "TooManyRequests", StoreUnavailable),
        (400, "Md5Mismatch", StoreUnavailable),
        (400, "InvalidBlockList", StoreUnavailable),
        (507, "InsufficientStorage", StoreFull),
        (403, "AuthenticationFailed", StoreRefused),
        (403, "AuthorizationPermissionMismatch", StoreRefused),
        (404, "ContainerNotFound", StoreRefused),
        (400, "InvalidUri", StoreRefused),
        (404, "BlobNotFound", ObjectMissing),
        (404, "", ObjectMissing),
        (416, "InvalidRange", ObjectTruncated),
        (409, "BlobImmutableDueToPolicy", ObjectLocked),
        (409, "ImmutableStorageWithVersioningNotEnabled", LockUnsupported),
    ],
)
def test_each_answer_of_azure_has_one_meaning(status: int, code: str, expected: type[StoreError]) -> None:
    assert type(azure_errors.translated(azure_answer(status, code), "packs/one", "box")) is expected


@pytest.mark.parametrize(
    "error, expected",
    [
        (ServiceRequestError("no route"), StoreUnavailable),
        (ServiceResponseError("reset"), StoreUnavailable),
        (IncompleteReadError("half"), StoreUnavailable),
        (
            ServiceRequestError("Bearer token authentication is not permitted for non-TLS protected"),
            StoreRefused,
        ),
    ],
)
def test_azure_out_of_reach_is_told_from_a_wrong_address(error: Any, expected: type[StoreError]) -> None:
    assert type(azure_errors.translated(error, "packs/one", "box")) is expected


@pytest.mark.parametrize(
    "status, text, expected",
    [
        (503, "backendError", StoreUnavailable),
        (429, "rateLimitExceeded", StoreUnavailable),
        (408, "timeout", StoreUnavailable),
        (400, 'Provided CRC32C "a" doesn\'t match calculated CRC32C "b".', StoreUnavailable),
        (507, "full", StoreFull),
        (403, "does not have storage.objects.create access", StoreRefused),
        (401, "Invalid Credentials", StoreRefused),
        (404, "The specified bucket does not exist.", StoreRefused),
        (404, "No such object: a-bucket/packs/one", ObjectMissing),
        (416, "range", ObjectTruncated),
        (403, "Object is under active Event-Based hold: active hold", ObjectLocked),
        (403, "subject to bucket's retention policy and cannot be deleted", ObjectLocked),
        (400, "Object retention is not enabled for this bucket", LockUnsupported),
    ],
)
def test_each_answer_of_google_has_one_meaning(status: int, text: str, expected: type[StoreError]) -> None:
    error = from_http_status(status, f"GET http://x/b/a-bucket/o/packs/one: {text}")
    assert type(gcs_errors.translated(error, "packs/one", "a-bucket")) is expected


@pytest.mark.parametrize(
    "error, expected",
    [
        (requests.ConnectionError("no route"), StoreUnavailable),
        (requests.Timeout("slow"), StoreUnavailable),
        (TransportError("no route"), StoreUnavailable),
        (DataCorruption(None, "crc"), StoreUnavailable),
        (RefreshError("revoked"), StoreRefused),
    ],
)
def test_google_out_of_reach_is_told_from_a_refused_sign_in(error: Any, expected: type[StoreError]) -> None:
    assert type(gcs_errors.translated(error, "packs/one", "a-bucket")) is expected


@pytest.mark.parametrize(
    "start, size, expected",
    [
        (0, 10, 10),
        (0, 2 * PART_BYTES, PART_BYTES),
        (PART_BYTES, PART_BYTES + 9, PART_BYTES + 9),
        (262_144, 3 * PART_BYTES, 262_144 + PART_BYTES),
        (1_000, 3 * PART_BYTES, 3 * PART_BYTES),
    ],
)
def test_an_upload_to_google_goes_on_in_steps_it_accepts(start: int, size: int, expected: int) -> None:
    assert _step_end(start, size) == expected


def service_account_file(**changes: str) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "everkeep@project.example",
            "private_key_id": "1",
            "private_key": key.decode(),
            "token_uri": "https://oauth2.googleapis.com/token",
            **changes,
        }
    )


def test_a_customers_key_file_cannot_name_whom_we_ask() -> None:
    """Its token address and its "universe" would let him send our requests wherever he likes."""
    text = service_account_file(token_uri="http://169.254.169.254/latest", universe_domain="evil.example")
    store = open_store("gs://a-bucket/", credentials={"service_account_json": text})
    assert isinstance(store, GCSStore)
    used = store._client._credentials
    assert isinstance(used, service_account.Credentials)
    assert used._token_uri == "https://oauth2.googleapis.com/token"
    assert used.universe_domain == "googleapis.com"
    assert "evil" not in store._client.api_endpoint


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"client_email": "a", "private_key": "hush", "private_key_id": "1"}', "[" * 5000]
)
def test_what_is_no_service_account_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(StoreRefused) as caught:
        open_store("gs://a-bucket/", credentials={"service_account_json": text})
    assert "hush" not in str(caught.value)


def test_google_without_any_credentials_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(StoreRefused, match="GOOGLE_APPLICATION_CREDENTIALS"):
        open_store("gs://a-bucket-without-credentials/")


def test_azures_address_names_account_container_and_folder() -> None:
    store = open_store("azure://account/box/a/b?lock=governance&lock_days=7", credentials=KEY)
    assert isinstance(store, AzureStore)
    assert (store.bucket, store.prefix) == ("box", "a/b/")
    assert store._client.url == "https://account.blob.core.windows.net/"
    assert store.describe().lock == Lock(LockMode.GOVERNANCE, 7)
    assert store.describe().place == "box/a/b at account"
    china = open_store(
        "azure://account/box?endpoint=https://account.blob.core.chinacloudapi.cn", credentials=KEY
    )
    assert china.describe().place == "box at account.blob.core.chinacloudapi.cn"


@pytest.mark.parametrize(
    "url, credentials",
    [
        ("azure://account", KEY),
        ("azure://account/box?x=1", KEY),
        ("azure://key@account/box", KEY),
        ("azure://account/box", {"account_key": "not base64!"}),
        ("azure://account/box", {"tenant_id": "no tenant!", "client_id": "c", "client_secret": "hush"}),
        ("azure://account/box", {"client_secret": "hush"}),
        ("azure://account/box", {"account_key": "aHVzaA==", "sas_token": "hush"}),
        ("gs://a-bucket/?x=1", {"service_account_json": "{}"}),
        ("gs://a-bucket/", {}),
        ("azure://account/box", {}),
    ],
)
def test_addresses_and_credentials_that_make_no_sense_are_refused(
    url: str, credentials: dict[str, str]
) -> None:
    with pytest.raises(StoreRefused) as caught:
        open_store(url, credentials=credentials)
    assert "hush" not in str(caught.value) and "aHVzaA" not in str(caught.value)


def test_the_operators_azure_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_KEY", "b3BlcmF0b3I=")
    operators = open_store("azure://operators/box")
    given = open_store("azure://operators/box", credentials=KEY)
    assert isinstance(operators, AzureStore) and isinstance(given, AzureStore)
    assert operators._client.credential.account_key == "b3BlcmF0b3I="
    assert given._client.credential.account_key == KEY["account_key"]


def test_googles_checksum_of_parts_is_that_of_the_whole() -> None:
    assert _crc32c(memoryview(b"123456789")) == "4waSgw=="  # RFC 3720's check value, e3069283
    data = bytes(range(256)) * (PART_BYTES // 128)
    assert _crc32c(memoryview(data)) == base64.b64encode(google_crc32c.Checksum(data).digest()).decode()
