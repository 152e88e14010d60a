"""Saved searches: a person's own, seen by nobody else of the account, the audit included.

What somebody looked for in other people's mailboxes is audited when they look (`noting`); that they keep the
words for themselves is not.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse

from apps.backups.models.tags import folded
from apps.core.actor import current_actor
from apps.core.errors import Conflict, InvalidRequest, NotFound
from apps.core.permissions import require_contents
from apps.core.scope import current_account_id

from .asked import TEXT_LIMIT, Asked
from .models import SavedSearch

AT_MOST: Final = 100
LONGEST_NAME: Final = 80
LONGEST_KEY: Final = 320
MOST_FILTERS: Final = 250
Filters = Iterable[tuple[str, str]]


def asked_in(data: QueryDict) -> tuple[str, list[tuple[str, str]]]:
    """Return the text of a search in an address or a form, and what it is narrowed to."""
    asked = Asked.of(data)
    return asked.text, [pair for pair in asked.pairs() if pair[0] != "q"]


def saved_searches() -> "QuerySet[SavedSearch]":
    """Return those of the actor in force, by name."""
    return SavedSearch.objects.order_by("key")


def saved_search_for(public_id: UUID) -> SavedSearch:
    """Return one of the actor's own. Raises NotFound, or PermissionMissing for who may not search."""
    saved = saved_searches().filter(public_id=public_id).first()
    if saved is None:
        raise NotFound("There is no such saved search.", do="Open the list of your saved searches again.")
    require_contents()
    return saved


def address_of(saved: SavedSearch) -> str:
    """Return the page that searches it now."""
    pairs = [("q", saved.text)] if saved.text else []
    return f"{reverse('search')}?{urlencode([*pairs, *((name, value) for name, value in saved.filters)])}"


@transaction.atomic
def search_save(*, name: str, text: str, filters: Filters = ()) -> SavedSearch:
    """Keep a search under a name. Raises InvalidRequest for nothing to keep, Conflict for a taken name."""
    require_contents()
    actor = current_actor()
    if actor.user_id is None:
        raise InvalidRequest("A saved search belongs to a person.")
    kept = [[str(key), str(value)] for key, value in filters]
    text = text.strip()
    if not text and not kept:
        raise InvalidRequest("There is nothing to save yet.", do="Search for something first.")
    if len(text) > TEXT_LIMIT or len(kept) > MOST_FILTERS:
        raise InvalidRequest("This search is too long to be saved.", do="Keep the words that matter.")
    if saved_searches().count() >= AT_MOST:
        raise Conflict(f"You have {AT_MOST} saved searches, more are not kept.", do="Delete one first.")
    account = current_account_id()
    return _written(
        SavedSearch(account_id=account, user_id=actor.user_id, text=text, filters=kept), _clean(name)
    )


@transaction.atomic
def search_rename(*, saved: SavedSearch, name: str) -> None:
    """Call it something else. Raises InvalidRequest, or Conflict for a taken name."""
    require_contents()
    _written(saved, _clean(name))


@transaction.atomic
def search_forget(*, saved: SavedSearch) -> None:
    """Delete it; what it finds stays."""
    require_contents()
    saved.delete()


def _clean(name: str) -> str:
    name = " ".join(name.replace("\x00", "").split())
    if not name or not folded(name):
        raise InvalidRequest("A saved search needs a name.")
    if len(name) > LONGEST_NAME or len(folded(name)) > LONGEST_KEY:
        raise InvalidRequest(f"A name has {LONGEST_NAME} letters at most.")
    return name


def _written(saved: SavedSearch, name: str) -> SavedSearch:
    saved.name, saved.key = name, folded(name)
    try:
        with transaction.atomic():
            saved.save()
    except IntegrityError as error:
        raise Conflict(
            f"You have a saved search called {name} already.", do="Choose another name, or delete that one."
        ) from error
    return saved
