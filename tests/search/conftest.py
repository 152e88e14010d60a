"""An account with a mailbox in the catalog and the vault, and an indexer that is called by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope
from apps.search import cache, opening
from apps.search.indexing import Pass, index_account
from apps.search.language.tree import Everything, Query, Word
from apps.search.selectors import search
from tests.cast import Cast
from tests.recovery.factories import Mailbox, mail, make_entity, store


@pytest.fixture
def search_folder(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """Where indexes lie in clear, of this test alone."""
    settings.VAULT_URL = (tmp_path / "vault").as_uri()
    settings.SEARCH_CACHE_DIR = tmp_path / "search"
    yield tmp_path / "search"
    cache.wipe()
    opening._open.clear()


@pytest.fixture
def box(cast: Cast, search_folder: Path) -> Iterator[Mailbox]:
    """Bob's mailbox, empty, with the account's scope entered."""
    with account_scope(cast.account.pk), acting_as(SYSTEM):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox")
        yield box


def letter(box: Mailbox, remote_id: str, subject: str, body: str = "Good morning.", **fields: Any) -> None:
    """Put a message into the mailbox and its bytes into the vault."""
    box.item(remote_id, "inbox", subject, content=store(mail(subject, body)), **fields)


def index(box: Mailbox) -> Pass:
    """Do all passes there are to do."""
    while True:
        done = index_account(box.entity.account_id)
        if not done.more:
            return done


def subjects(box: Mailbox, query: Query | str = Everything(), scope: Query = Everything()) -> list[str]:  # noqa: B008
    """Return the names of what is found, sorted."""
    asked = Word(query) if isinstance(query, str) else query
    return sorted(row.node.name for row in search(box.entity.account_id, asked, scope=scope).rows)
