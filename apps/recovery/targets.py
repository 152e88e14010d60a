"""The mailboxes that a restore may go into, found by letters of name or address."""

from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse

from apps.backups.models import Entity
from apps.core.errors import NotFound
from apps.core.picker import SHOWN, Asked, Option, Picker, few

from .access import target_for, targets_for


def target_picker(
    source: Entity,
    asked: Asked,
    *,
    of: str = "",
    abroad: bool = True,
    looks: bool = True,
) -> Picker:
    """Return what is found for the letters; all of them for none.

    With `looks` False nothing is looked for, but what is chosen shows. Without `abroad` it stays inside the
    organisation of the source.
    """
    home = source.task.connection.tenant_id
    chosen = _chosen(source, asked.chosen, abroad)
    rows = by_letters(targets_for(source, abroad=abroad), asked.text) if looks else Entity.objects.none()
    if chosen:
        rows = rows.exclude(pk=chosen.pk)
    found, more = few(rows[: SHOWN + 1], lambda entity: _option(entity, home))
    query = {"name": asked.name} | ({} if abroad else {"home": "1"})
    return Picker(
        name=asked.name,
        label="Mailbox",
        url=f"{reverse('recovery_targets', args=[source.public_id])}?{urlencode(query)}",
        text=asked.text,
        chosen=_option(chosen, home) if chosen else None,
        found=found,
        more=more,
        looked=looks,
        of=of,
    )


def by_letters(rows: QuerySet[Entity], text: str) -> QuerySet[Entity]:
    """Narrow to those whose name or address holds every word of the text."""
    for word in text.split():
        rows = rows.filter(Q(name__icontains=word) | Q(address__icontains=word))
    return rows


def _chosen(source: Entity, value: str, abroad: bool) -> Entity | None:
    """Return what was chosen, None for what may not be: the form that is sent says so."""
    try:
        return target_for(value, source, abroad=abroad) if value else None
    except NotFound:
        return None


def _option(entity: Entity, home: str) -> Option:
    connection = entity.task.connection
    said = [entity.address, str(entity.task)]
    if connection.tenant_id != home:
        said.append(f"in another organisation: {connection}")
    return Option(str(entity.public_id), entity.name, ", ".join(filter(None, said)))
