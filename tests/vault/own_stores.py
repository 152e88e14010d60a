"""Rows of stores that an account brought along, without anything behind them."""

import uuid

from apps.core.scope import account_scope
from apps.vault.models import Shelf, Store
from apps.vault.stores import seal_credentials

NOWHERE = "s3://papers/everkeep?endpoint=https%3A%2F%2F192.0.2.7&region=eu-1&addressing=path"


def make_own_store(account_id: int, name: str = "Our bucket", url: str = NOWHERE) -> Store:
    """A store of the account's own; its endpoint is an address for documentation, which nobody may reach."""
    with account_scope(account_id):
        store = Store(account_id=account_id, name=name, url=url, store_id=uuid.uuid4())
        store.sealed_credentials = seal_credentials(store, {"key_id": "AKIAOURS", "secret": "hush-hush"})
        store.save()
        return store


def make_shelf(account_id: int, number: int = 0) -> Shelf:
    """A shelf in a store of its own."""
    with account_scope(account_id):
        return Shelf.objects.create(account_id=account_id, number=number, store=make_own_store(account_id))
