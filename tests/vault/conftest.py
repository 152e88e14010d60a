"""Vaults for tests: fixed keys without a database, or an account's real one in a throw-away folder."""

from pathlib import Path

import pytest

from apps.vault.store.backends.local import LocalStore
from apps.vault.store.index import MemoryIndex
from apps.vault.store.keys import VaultKeys


@pytest.fixture
def keys() -> VaultKeys:
    return VaultKeys(bytes(range(32)), bytes(range(32, 64)))


@pytest.fixture
def foreign_keys() -> VaultKeys:
    """Another account's."""
    return VaultKeys(b"d" * 32, b"i" * 32)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "vault")


@pytest.fixture
def index() -> MemoryIndex:
    return MemoryIndex()


@pytest.fixture
def vault_folder(tmp_path: Path, settings: pytest.FixtureRequest) -> Path:
    """The store that the settings name, in a folder of this test."""
    folder = tmp_path / "vault"
    settings.VAULT_URL = f"file://{folder}"  # type: ignore[attr-defined]
    return folder
