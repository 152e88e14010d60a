"""Who may order a move, and who is told. Into a store of the account's own it goes by the two-person rule.

Whoever has the keys of such a store can empty it beside Everkeep, which deletes the copies that a move left.
"""

from typing import Any, Final

from apps.accounts.approvals import Proposed, propose
from apps.accounts.models import Account
from apps.core.errors import Conflict
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id
from apps.jobs.models import Job

from .answering import store_answers
from .models import Shelf, Store
from .moving import move_start, open_move
from .storage_page import describe, store_name, usable_stores

MOVE: Final = "storage.move"
Payload = dict[str, Any]


def move_order(*, shelf: Shelf, target: Store) -> Job | Proposed:
    """Begin a move, or propose it to a second administrator. Raises what `move_start` raises."""
    if target.account_id is None:
        return move_start(shelf=shelf, target=target)
    require(Permission.DELETE)
    if not Account.objects.filter(pk=current_account_id(), two_person=True).exists():
        return move_start(shelf=shelf, target=target)  # in no transaction, since it waits for stores
    require(Permission.ACCOUNT_SETTINGS)
    if open_move(shelf):
        raise Conflict("These backups are being moved already.", do="Wait for that job, or cancel it.")
    store_answers(target)
    payload = {"shelf": str(shelf.public_id), "store": str(target.public_id)}
    return propose(MOVE, payload, f"Move backups into your own store {target}")


def move_now(payload: Payload) -> None:
    """The act that a second administrator approves."""
    require(Permission.DELETE)
    shelf, target = _read(payload)
    move_start(shelf=shelf, target=target)


def move_words(payload: Payload) -> str:
    """Say where they would go, and in whose hands they would be."""
    shelf, target = _read(payload)
    kind, place, lock = describe(target)
    return (
        f"All that lies in {store_name(shelf.store)} would go to {target} ({kind}, {place}), which is not in "
        f"the hands of Everkeep: who has its keys can delete everything there. Immutable: {lock}. The copies "
        "that the move leaves are deleted after 7 days."
    )


def _read(payload: Payload) -> tuple[Shelf, Store]:
    shelf = Shelf.objects.select_related("store", "replica").filter(public_id=payload["shelf"]).first()
    target = next((each for each in usable_stores() if str(each.public_id) == payload["store"]), None)
    if shelf is None or target is None:
        raise Conflict("These backups or the store are not there any more.", do="Look at Settings, Storage.")
    return shelf, target
