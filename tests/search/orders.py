"""What a warm worker (`tests/warm_worker.py`) does for the crash test of the indexer."""

from collections import Counter
from typing import Any

from apps.backups.models import Entity, NodeVersion
from apps.core.scope import account_scope, every_account
from apps.search.index.engine import Order
from apps.search.indexing import index_account
from apps.search.language.tree import Everything
from apps.search.models import SearchIndex
from apps.search.objects import files_in, named
from apps.search.selectors import count, search
from apps.vault.api import open_derived


def index(*, seconds: float = 0.05) -> int:
    """Do passes until all is in; each adds for `seconds`, so that there are many. Returns how many passes."""
    passes = 0
    with account_scope(_account_id()):
        while index_account(_account_id(), seconds=seconds).more:
            passes += 1
    return passes


def forgive() -> None:
    """Let the lease of the dead have run out, and no item have killed anybody: it was us."""
    with every_account("the test has one"):
        SearchIndex.objects.update(lease_owner="", at_work={})


def found() -> dict[str, Any]:
    """Return what is found once and more than once, what is there to be found, and what nobody names."""
    account_id = _account_id()
    with account_scope(account_id):
        hits, after = Counter[str](), None
        while True:
            page = search(account_id, Everything(), scope=Everything(), sort=Order.NEWEST, after=after)
            hits.update(row.node.remote_id for row in page.rows)
            if (after := page.next) is None:
                break
        items = set(NodeVersion.objects.filter(is_folder=False).values_list("remote_id", flat=True))
        row = SearchIndex.objects.get()
        kept = named(files_in(row.manifest)) | set(row.former)
        return {
            "twice": [item for item, many in hits.items() if many > 1],
            "missing": len(items - set(hits)),
            "items": len(items),
            "counted": count(account_id, Everything(), scope=Everything()).number,
            "unnamed": sorted(set(open_derived(account_id).names()) - kept),
            "lost_words": sum(row.trouble.get("counts", {}).get(cause, 0) for cause in ("deadly", "vault")),
        }


def _account_id() -> int:
    with every_account("the test has one"):
        return Entity.objects.get().account_id
