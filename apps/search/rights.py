"""What the actor in force may find: the one place that turns rights into a part of the query.

The scope is ANDed into everything that the index is asked (hits, counts, facets, months), so that nothing
tells of what is hidden, neither by a number nor by the time it takes.
"""

from apps.backups.models import Entity
from apps.core.permissions import Permission, allowed, require, require_contents
from apps.core.sight import sees_everything

from .language.tree import (
    All,
    Column,
    Everything,
    Field,
    Ids,
    Not,
    Part,
    Phrase,
    Query,
    Some,
    Word,
)

NOTHING = Ids(Column.VERSION, frozenset())
# What is shown by name to who may choose what to restore or export; what stands inside needs PREVIEW.
_NAMES = (Field.NAME, Field.FROM, Field.TO, Field.PLACE)


def scope_of() -> Query:
    """Return the mailboxes that the actor sees, as a condition. Raises PermissionMissing."""
    require(Permission.VIEW)
    require_contents()
    if sees_everything():
        return Everything()
    return Ids(Column.ENTITY, frozenset(Entity.objects.values_list("pk", flat=True)))


def may_look_inside() -> bool:
    """Tell whether texts and attachments are searched for the actor, and excerpts shown."""
    return allowed(Permission.PREVIEW)


def within_rights(query: Query) -> Query:
    """Return the query as far as the actor may learn its answer.

    Whoever may not look into items would read them by asking whether a word is inside.
    """
    return query if may_look_inside() else _by_names(query)


def _by_names(query: Query) -> Query:  # noqa: PLR0911 - one line for each kind of leaf
    match query:
        case Word(text, Field.ANY):
            return Some(tuple(Word(text, field) for field in _NAMES))
        case Phrase(text, Field.ANY):
            return Some(tuple(Phrase(text, field) for field in _NAMES))
        case Part(pattern, Field.ANY):
            return Some(tuple(Part(pattern, field) for field in _NAMES))
        case Word() | Phrase() | Part():
            return query if query.field in _NAMES else NOTHING
        case All(parts):
            return All(tuple(map(_by_names, parts)))
        case Some(parts):
            return Some(tuple(map(_by_names, parts)))
        case Not(part):
            return Not(_by_names(part))
        case _:
            return query
