"""`{% load rows %}{% entity_rows page.rows "…/_task_row.html" %}`: the rows of a task's list, drawn quickly."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from django import template
from django.template import Context
from django.template.defaultfilters import truncatechars
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.connectors.enums import EntityKind
from apps.core.stencil import MARK_ID, Stencil, mark
from apps.core.templatetags.everkeep import ago, exact, filesize, plural, status_chip

from ..models import Entity, Tag
from ..selectors import Row, Word

register = template.Library()


@dataclass(frozen=True, slots=True)
class Alike:
    """All that the template of a row may ask: what makes rows alike, and marks for what differs in each.

    Nothing else of an entity is here, so that no row can be drawn with what belongs to another.
    """

    kind: str
    state: str
    limited: bool
    licensed: bool | None
    reachable: bool
    has_backups: bool
    is_running: bool
    tags: tuple[Tag, ...]
    held: bool

    public_id: ClassVar[UUID] = MARK_ID
    key: ClassVar[str] = MARK_ID.hex
    name: ClassVar[str] = mark("name")
    address: ClassVar[str] = mark("address")
    status: ClassVar[str] = mark("status")
    coverage: ClassVar[str] = mark("coverage")
    size: ClassVar[str] = mark("size")
    last: ClassVar[str] = mark("last")

    @property
    def get_kind_display(self) -> str:
        return EntityKind(self.kind).label


@register.simple_tag(takes_context=True)
def entity_rows(context: Context, rows: Iterable[Row], name: str) -> SafeString:
    """Draw the template `name` for each row, with an `Alike` as its `entity` (core/stencil.py)."""
    assert context.template is not None, "a tag is drawn by a template"
    row_template = context.template.engine.get_template(name)
    stencils: dict[Alike, Stencil] = {}
    drawn = []
    for row in rows:
        alike = _alike(row)
        if alike not in stencils:
            with context.push(entity=alike):
                stencils[alike] = Stencil(row_template.render(context))
        drawn.append(stencils[alike].filled(row.entity.public_id, _words(row)))
    return SafeString("".join(drawn))


def _alike(row: Row) -> Alike:
    entity = row.entity
    return Alike(
        kind=entity.kind,
        state=entity.state,
        limited=entity.limited,
        licensed=entity.licensed,
        reachable=entity.reachable,
        has_backups=entity.first_snapshot_at is not None,
        is_running=row.is_running,
        tags=tuple(row.tags),
        held=row.held,
    )


def _words(row: Row) -> dict[str, str]:
    entity = row.entity
    return {
        "name": entity.name,
        "address": entity.address,
        "status": status_chip("in_another_task" if row.elsewhere else row.word, row.status_label),
        "coverage": _faint("Backed up in another task") if row.elsewhere else _coverage(entity, row.word),
        "size": filesize(entity.size) if entity.size else "None",
        "last": ago(entity.last_snapshot_at),
    }


def _coverage(entity: Entity, word: Word) -> str:
    """One sentence on what is kept of an entity."""
    if word == Word.SUCCESS:
        return f"{plural(entity.items, 'item')} kept"
    if word in (Word.PARTIAL, Word.FAILED):
        said = truncatechars(entity.last_message or "Not complete", 120)
        return format_html('<span class="ek-strong">{}</span>', said)
    if word == Word.NOT_ACTIVE:
        return _faint("Not covered")
    if word == Word.SCHEDULED:
        return _faint(format_html("First backup {}", ago(entity.next_run_at, "not planned", mid=True)))
    moving = word in (Word.IN_PROGRESS, Word.PENDING)
    if entity.last_snapshot_at is None:
        return _faint("Counting" if moving else "Nothing kept")
    kept = format_html("As of {}", exact(entity.last_snapshot_at))
    return _faint(kept) if moving else kept


def _faint(words: str) -> SafeString:
    return format_html('<span class="ek-faint">{}</span>', words)
