"""Names in a query become ids: of mailboxes, tags and folders that the actor in force sees, of no others."""

from django.db.models import Q

from apps.backups.models import Entity as EntityRow
from apps.backups.models import EntityTag
from apps.backups.models.tags import folded
from apps.backups.selectors.lives import folders_named
from apps.core.scope import current_account_id

from .language.tree import Column, Entity, Folder, Ids, Named, Query, Tag, resolved


def look_up(query: Query) -> Query:
    """Return the query with ids in place of names. What nobody has, or who asks may not see, finds nothing."""
    return resolved(query, _ids)


def _ids(named: Named) -> Ids:
    match named:
        case Folder(name):
            return Ids(Column.PARENT, frozenset(folders_named(current_account_id(), name)))
        case Tag(name):
            tagged = EntityTag.objects.filter(tag__key=folded(name.strip()))
            return Ids(Column.ENTITY, frozenset(tagged.values_list("entity_id", flat=True)))
        case Entity(name):
            rows = EntityRow.objects.filter(Q(name__icontains=name) | Q(address__icontains=name))
            return Ids(Column.ENTITY, frozenset(rows.values_list("pk", flat=True)))
