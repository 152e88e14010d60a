"""Keys sealed by AWS KMS, against moto's server: apps/vault/store/kms.py and the way there and back."""

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest

from apps.core.scope import account_scope
from apps.vault.api import Role, open_reader, open_writer
from apps.vault.envelopes import keys_rewrap
from apps.vault.errors import KeysCorrupt, KeyServiceRefused, KeyServiceUnavailable
from apps.vault.models import VaultKey
from apps.vault.store.keys import VaultKeys, envelope_header, envelope_key_id
from apps.vault.store.kms import KmsWrapping, encryption_context, sealed_by_kms
from apps.vault.wrapping import wrapping
from tests.cast import Cast
from tests.servers import free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]
VAULT, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def _aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test-key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")


@pytest.fixture
def client(conditional_s3: str, _aws_credentials: None) -> Any:
    return boto3.client("kms", region_name=REGION, endpoint_url=conditional_s3)


@pytest.fixture
def kms_key(client: Any) -> str:
    return str(client.create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def kms(kms_key: str, client: Any) -> KmsWrapping:
    return KmsWrapping([kms_key], client=client)


def wrapped(kms: KmsWrapping, keys: VaultKeys) -> bytes:
    return kms.wrap(keys, vault_id=VAULT, account_id=7)


def test_kms_gives_back_the_keys_and_the_envelope_names_its_key(
    kms: KmsWrapping, keys: VaultKeys, kms_key: str
) -> None:
    envelope = wrapped(kms, keys)
    assert kms.unwrap(envelope, vault_id=VAULT, account_id=7) == keys
    assert envelope_header(envelope).by_kms
    assert sealed_by_kms(envelope[40:])[0] == kms_key
    assert envelope_key_id(envelope).startswith("kms-")
    assert keys.data_key not in envelope and keys.id_key not in envelope


@pytest.mark.parametrize("vault_id, account_id", [(OTHER, 7), (VAULT, 8)])
def test_kms_binds_vault_and_account(
    kms: KmsWrapping, keys: VaultKeys, vault_id: uuid.UUID, account_id: int
) -> None:
    """Relabelled so that the header fits: only the encryption context is left to refuse it."""
    body = wrapped(kms, keys)[40:]
    relabelled = kms.wrap(keys, vault_id=vault_id, account_id=account_id)[:40] + body
    with pytest.raises(KeysCorrupt):
        kms.unwrap(relabelled, vault_id=vault_id, account_id=account_id)
    assert encryption_context(VAULT, 7) == {"everkeep:vault": VAULT.hex, "everkeep:account": "7"}


def test_each_cut_and_flips_of_an_envelope_of_kms_are_refused(kms: KmsWrapping, keys: VaultKeys) -> None:
    envelope = wrapped(kms, keys)
    name_ends = 42 + int.from_bytes(envelope[40:42], "big")
    cuts = [envelope[:length] for length in (0, 20, 40, 41, 42, name_ends, name_ends + 1)]
    flips = []
    for position in (0, 9, 15, 20, 39, 41, name_ends + 60, len(envelope) - 1):
        flipped = bytearray(envelope)
        flipped[position] ^= 1
        flips.append(bytes(flipped))
    for broken in (*cuts, *flips, envelope + b"x" * 7000):
        with pytest.raises((KeysCorrupt, KeyServiceRefused)):
            kms.unwrap(broken, vault_id=VAULT, account_id=7)


def test_after_a_change_of_kms_keys_old_envelopes_open_and_unknown_keys_are_named(
    kms: KmsWrapping, keys: VaultKeys, kms_key: str, client: Any
) -> None:
    envelope = wrapped(kms, keys)
    newer = str(client.create_key()["KeyMetadata"]["Arn"])
    both = KmsWrapping([newer, kms_key], client=_Strict(client))
    assert both.unwrap(envelope, vault_id=VAULT, account_id=7) == keys
    with pytest.raises(KeyServiceRefused, match=kms_key):
        KmsWrapping([newer], client=_Strict(client)).unwrap(envelope, vault_id=VAULT, account_id=7)


class _Strict:
    """KMS refuses what another key than the named one has sealed; moto opens it and tells."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.encrypt = client.encrypt

    def decrypt(self, **words: Any) -> Any:
        named = words.pop("KeyId")
        answer = self._client.decrypt(**words)
        if answer["KeyId"] != named:
            raise self._client.exceptions.IncorrectKeyException(
                {"Error": {"Code": "IncorrectKeyException"}}, "Decrypt"
            )
        return answer


def test_a_disabled_key_is_refused_in_words(
    kms: KmsWrapping, keys: VaultKeys, kms_key: str, client: Any
) -> None:
    envelope = wrapped(kms, keys)
    disabled = client.exceptions.DisabledException({"Error": {"Code": "DisabledException"}}, "Decrypt")
    with (
        patch.object(client, "decrypt", side_effect=disabled),
        pytest.raises(KeyServiceRefused, match="Disabled"),
    ):
        kms.unwrap(envelope, vault_id=VAULT, account_id=7)


def test_kms_that_is_not_there_is_a_passing_fault(_aws_credentials: None, keys: VaultKeys) -> None:
    away = KmsWrapping(["alias/x"], region=REGION, endpoint=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(KeyServiceUnavailable, match="cannot be reached"):
        wrapped(away, keys)


def test_a_vault_moves_to_kms_and_back_and_its_data_stays(
    cast: Cast, vault_folder: Path, settings: Any, conditional_s3: str, kms_key: str
) -> None:
    account_id = cast.account.pk
    with open_writer(account_id) as writer:
        part = writer.put(Role.MIME, b"before KMS")
    settings.KMS_KEYS, settings.KMS_REGION, settings.KMS_ENDPOINT = [kms_key], REGION, conditional_s3
    assert open_reader(account_id).read(part) == b"before KMS"
    assert keys_rewrap(account_id=account_id) is True
    assert keys_rewrap(account_id=account_id) is False
    (path,) = vault_folder.glob("*/keys/*")
    with account_scope(account_id):
        row = VaultKey.objects.get()
    assert path.name == row.master_key_id and path.read_bytes() == bytes(row.envelope)
    assert path.name.startswith("kms-")
    assert open_reader(account_id).read(part) == b"before KMS"

    with open_writer(cast.other_account.pk) as writer:
        theirs = writer.put(Role.MIME, b"born under KMS")
    assert open_reader(cast.other_account.pk).read(theirs) == b"born under KMS"

    back = replace(wrapping(), leave_kms=True)
    assert keys_rewrap(account_id=account_id, wraps=back) is True
    assert open_reader(account_id).read(part) == b"before KMS"
    settings.KMS_KEYS = []
    with pytest.raises(KeyServiceRefused, match="EVERKEEP_KMS_KEYS"):
        open_reader(cast.other_account.pk)
    assert open_reader(account_id).read(part) == b"before KMS"
