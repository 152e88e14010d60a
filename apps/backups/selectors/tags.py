"""Tags as pages show them: of a page of rows, of the account, of what was ticked."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, QuerySet

from ..models import Entity, EntityTag, Tag


@dataclass(frozen=True, slots=True)
class TagChoice:
    """One line of the choice of tags: how many of those that were chosen have it already."""

    key: str
    name: str
    having: int
    of: int

    @property
    def is_on_all(self) -> bool:
        return 0 < self.having == self.of

    @property
    def is_on_some(self) -> bool:
        return 0 < self.having < self.of


def tag_list() -> QuerySet[Tag]:
    """The account's tags in the order of their names."""
    return Tag.objects.order_by("key")


def tags_of(entity_ids: Collection[int]) -> dict[int, list[Tag]]:
    """The tags of these entities, in one query."""
    found: dict[int, list[Tag]] = {}
    rows = EntityTag.objects.filter(entity_id__in=list(entity_ids)).select_related("tag").order_by("tag__key")
    for row in rows:
        found.setdefault(row.entity_id, []).append(row.tag)
    return found


def tag_counts() -> dict[int, int]:
    """How many entities have each tag, of those that the actor sees."""
    rows = EntityTag.objects.values("tag_id").annotate(number=Count("pk")).order_by("tag_id")
    return {row["tag_id"]: row["number"] for row in rows}


def tag_choices(entities: QuerySet[Entity], count: int) -> list[TagChoice]:
    """Every tag of the account, with how many of these `count` entities have it."""
    rows = EntityTag.objects.filter(entity_id__in=entities.order_by().values("pk"))
    having = dict(rows.values_list("tag_id").annotate(Count("pk")).order_by())
    return [TagChoice(str(tag.public_id), tag.name, having.get(tag.pk, 0), count) for tag in tag_list()]


def tag_by_key(keys: Collection[str]) -> list[Tag]:
    """The tags of these public ids; what is none, is gone, or belongs to somebody else, finds nothing."""
    return list(tag_list().filter(public_id__in=[UUID(key) for key in keys if _is_id(key)]))


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
