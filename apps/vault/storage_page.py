"""What Settings → Storage shows: the shelves, the stores, what lies in them and how far replicas are."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Min, Q, Sum

from apps.accounts.models import Account
from apps.core.errors import EverkeepError
from apps.core.scope import current_account_id
from apps.jobs.models import Job

from .copies import elsewhere, unreplicated
from .enums import CopyState, PackState, StoreState
from .models import Pack, PackCopy, Shelf, Store
from .moving import open_move
from .registry import tasks_by_shelf
from .shelves import shelf_is_used
from .store.backends.addresses import open_store
from .stores import credentials_of, customer_words


@dataclass(frozen=True, slots=True)
class StoreLine:
    """One store. `own`: the account brought it along; only then are address and credentials its business."""

    store: Store
    name: str
    kind: str
    address: str
    lock: str
    own: bool
    packs: int
    size: int
    copies: int
    copies_size: int
    removable: bool


@dataclass(frozen=True, slots=True)
class ShelfLine:
    """One part of the backups. `behind` packs have no replica yet, the oldest of them since `behind_since`."""

    shelf: Shelf
    title: str
    tasks: list[str]
    store: str
    replica: str
    trouble: str
    behind: int
    behind_size: int
    behind_since: datetime | None
    failed: int
    elsewhere: int
    elsewhere_size: int
    move: Job | None
    move_choices: list[tuple[str, str]]
    replica_choices: list[tuple[str, str]]


def store_name(store: Store) -> str:
    """Return what a customer calls a store; the operator's have the name of the account's location."""
    if store.account_id is not None:
        return store.name
    location = Account.objects.get(pk=current_account_id()).get_location_display()
    return store.name or f"Everkeep, {location}"


def usable_stores() -> list[Store]:
    """Return the stores that the account may put backups into: its own, its location's, those it is in."""
    location = Account.objects.values_list("location", flat=True).get(pk=current_account_id())
    home = settings.REGIONS.get(location, settings.VAULT_URL)
    used = Shelf.objects.values_list("store_id", "replica_id", "former")
    ids = {pk for row in used for pk in row if pk is not None}
    operators = Q(account=None) & (Q(pk__in=ids) | Q(url=home))
    rows = Store.objects.filter(Q(account_id=current_account_id()) | operators)
    return sorted(rows, key=lambda store: (store.account_id is not None, store.name, store.pk))


def storage_note() -> str:
    """Return what needs somebody under Storage, in a few words, or ""."""
    if any(store.state == StoreState.FAILING for store in usable_stores()):
        return "A store does not work"
    return "Copies are behind" if Shelf.objects.exclude(trouble="").exists() else ""


def store_lines() -> list[StoreLine]:
    """Return all stores of the account, the operator's first."""
    packs = (
        Pack.objects.exclude(state=PackState.DELETED).values("store").annotate(n=Count("pk"), size=Sum("size"))
    )
    held: dict[object, tuple[int, int]] = {row["store"]: (row["n"], row["size"]) for row in packs}
    copies = PackCopy.objects.exclude(state=CopyState.FAILED).values("store")
    copied: dict[object, tuple[int, int]] = {
        row["store"]: (row["n"], row["size"]) for row in copies.annotate(n=Count("pk"), size=Sum("pack__size"))
    }
    used = [shelf.pk for shelf in Shelf.objects.all() if shelf_is_used(shelf)]
    rows = Shelf.objects.filter(pk__in=used).values_list("store_id", "replica_id", "former")
    busy = {pk for row in rows for pk in row}
    return [
        _line(store, held.get(store.pk, (0, 0)), copied.get(store.pk, (0, 0)), busy=store.pk in busy)
        for store in usable_stores()
    ]


def shelf_lines() -> list[ShelfLine]:
    """Return all shelves of the account, its default first."""
    stores, tasks = usable_stores(), tasks_by_shelf()
    shelves = list(Shelf.objects.select_related("store", "replica").order_by("number"))
    return [_shelf_line(shelf, stores, tasks.get(shelf.number, [])) for shelf in shelves]


def describe(store: Store) -> tuple[str, str, str]:
    """Return kind, address and immutability of a store in words. Nothing is contacted."""
    try:
        about = open_store(store.url, credentials=credentials_of(store)).describe()
    except EverkeepError as error:
        return "Cannot be opened", str(error), "Unknown"
    lock = f"{about.lock.days} days ({about.lock.mode})" if about.lock else "None"
    return about.kind, about.place, lock


def _line(store: Store, held: tuple[int, int], copied: tuple[int, int], *, busy: bool) -> StoreLine:
    own = store.account_id is not None
    kind, address, lock = describe(store)
    return StoreLine(
        store,
        store_name(store),
        kind if own else "Kept by Everkeep",
        address if own else "",
        lock,
        own,
        *held,
        *copied,
        removable=own and not busy and not held[0] and not copied[0],
    )


def _shelf_line(shelf: Shelf, stores: list[Store], tasks: list[str]) -> ShelfLine:
    behind = unreplicated(shelf).aggregate(n=Count("pk"), size=Sum("size"), since=Min("created_at"))
    away = elsewhere(shelf).aggregate(n=Count("pk"), size=Sum("size"))
    failed = PackCopy.objects.filter(pack__shelf=shelf.number, store=shelf.replica_id, state=CopyState.FAILED)
    choices = [(str(store.public_id), store_name(store)) for store in stores]
    other = [choice for choice in choices if choice[0] != str(shelf.store.public_id)]
    replicated = shelf.replica is not None
    return ShelfLine(
        shelf=shelf,
        title="All backups" if shelf.number == 0 else ", ".join(tasks) or "No backup task any more",
        tasks=tasks,
        store=store_name(shelf.store),
        replica=store_name(shelf.replica) if shelf.replica else "",
        trouble=customer_words(shelf.trouble),
        behind=behind["n"] if replicated else 0,
        behind_size=(behind["size"] or 0) if replicated else 0,
        behind_since=behind["since"] if replicated else None,
        failed=failed.count() if replicated else 0,
        elsewhere=away["n"],
        elsewhere_size=away["size"] or 0,
        move=open_move(shelf),
        move_choices=choices if away["n"] else other,
        replica_choices=[("", "None"), *other],
    )
