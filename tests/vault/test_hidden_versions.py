"""After an attacker with our key pair: what Object Lock kept comes to light again (apps/vault/hidden.py)."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from apps.vault.api import Role, open_reader, open_writer
from apps.vault.errors import StoreMismatch
from apps.vault.store.backends.locks import Lock, LockMode
from apps.vault.store.backends.s3 import S3Store
from apps.vault.store.backends.s3_versions import hidden, unhide
from apps.vault.store.marker import MARKER_KEY
from tests.cast import Cast
from tests.fixtures.s3 import KEY_ID, SECRET, MotoServer, S3Server

pytestmark = pytest.mark.server
LOCK = Lock(LockMode.COMPLIANCE, 30)


def delete_like_an_attacker(store: S3Store) -> None:
    for found in list(store.list("")):
        store._client.delete_object(**store._at(found.key))


@pytest.fixture
def store(moto_server: MotoServer, request: pytest.FixtureRequest) -> S3Store:
    name = request.node.name.replace("_", "-")[5:50]
    return moto_server.store(moto_server.bucket(name, lockable=True), "a/", lock=LOCK)


def test_nothing_is_hidden_in_a_quiet_bucket(store: S3Store) -> None:
    store.put_if_absent("v/packs/aa/one", b"data")
    store.put_if_absent("v/keys/m1", b"data")
    store.delete("v/keys/m1")
    assert list(hidden(store)) == []


def test_what_was_deleted_or_overwritten_comes_back(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [f"v/packs/aa/{number}" for number in range(7)]
    for key in keys:
        store.put_if_absent(key, key.encode())
    delete_like_an_attacker(store)
    for _ in range(2):
        store._client.put_object(Body=b"ransom", **store._at(keys[3]))
    assert store.size(keys[0]) is None and store.get(keys[3]) == b"ransom"
    ask = store._client.list_object_versions
    monkeypatch.setattr(store._client, "list_object_versions", lambda **where: ask(MaxKeys=4, **where))
    assert [key for key, _ in hidden(store)] == keys
    assert list(unhide(store)) == keys
    assert [store.get(key) for key in keys] == [key.encode() for key in keys]
    assert list(hidden(store)) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.database
def test_a_whole_vault_survives_an_attacker_who_has_our_keys(
    moto_server: MotoServer, settings: Any, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    bucket = moto_server.bucket("attacked", lockable=True)
    settings.VAULT_URL = f"s3://{bucket}/a?endpoint={moto_server.endpoint}&addressing=path&region=us-east-1&lock=compliance&lock_days=30"
    with open_writer(cast.account.pk) as writer:
        part = writer.put(Role.MIME, b"still here")
    delete_like_an_attacker(moto_server.store(bucket, "a/"))
    with pytest.raises(StoreMismatch):
        open_reader(cast.account.pk)
    said = StringIO()
    call_command("vault", "unhide", "--dry-run", stdout=said)
    assert MARKER_KEY in said.getvalue() and "packs/" in said.getvalue()
    call_command("vault", "unhide", stdout=said)
    assert "Nothing is hidden any more" in said.getvalue()
    assert open_reader(cast.account.pk).read(part) == b"still here"


def test_a_server_that_knows_no_versions_hides_nothing(s3_server: S3Server) -> None:
    store = s3_server.store(s3_server.bucket("knows-no-versions"))
    store.put_if_absent("v/keys/m1", b"an envelope")
    assert list(hidden(store, "v/keys/")) == []
