"""Tags (features TAG-01): make, rename and delete them, put them on entities and take them off.

A tag may carry a policy or belong to a rule: who uses tags says so (`register_tag_use`), and a tag in use is
not deleted.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from apps.activity import services as activity
from apps.core.errors import Conflict, InvalidRequest
from apps.core.scope import current_account_id

from ..models import BackupTask, Entity, EntityTag, Tag
from ..models.tags import folded
from ..planning import replan_tagged
from ..service_list import nouns_of
from .changes import say_changed

LONGEST, LONGEST_FOLDED = 60, 240  # one letter may fold to eighteen
AT_MOST = 500
ROWS_AT_ONCE = 1000
# What the list itself calls its own marks and choices: a tag of that name could not be told from it.
RESERVED = frozenset(map(folded, ("Limited access", "Any tag", "No tag")))
_uses: list[Callable[[Tag], Sequence[str]]] = []


def register_tag_use(uses: Callable[[Tag], Sequence[str]]) -> None:
    """Name what uses a tag ("the policy Managers"), so that it is not deleted under it. Called in `ready()`."""
    _uses.append(uses)


@transaction.atomic
def tag_create(*, name: str) -> Tag:
    """Make a tag in the account in force. Raises InvalidRequest for no name, Conflict for a taken one."""
    name = _clean(name)
    if Tag.objects.count() >= AT_MOST:
        raise Conflict(f"An account has {AT_MOST} tags at most.", do="Delete tags that nobody needs any more.")
    tag = _saved(Tag(account_id=current_account_id(), name=name))
    _say(tag, "tag.created", f"Tag {name}")
    return tag


@transaction.atomic
def tag_rename(*, tag: Tag, name: str) -> Tag:
    """Give it another name; what has it keeps it."""
    name, before = _clean(name), tag.name
    if name == before:
        return tag
    tag.name = name
    _saved(tag)
    _say(tag, "tag.renamed", f"Tag {before} is now {name}")
    return tag


@transaction.atomic
def tag_delete(*, tag: Tag) -> None:
    """Take it off everything and forget it. Raises Conflict while a policy or rule uses it."""
    Tag.objects.select_for_update().get(pk=tag.pk)
    if uses := [words for uses in _uses for words in uses(tag)]:
        raise Conflict(f"The tag {tag.name} is used by {', '.join(uses)}.", do="Take it out of there first.")
    _say(tag, "tag.deleted", f"Tag {tag.name}")
    tag.delete()


@transaction.atomic
def tag_apply(*, task: BackupTask, entities: QuerySet[Entity], tag: Tag) -> int:
    """Put the tag on these entities of the task; returns how many did not have it."""
    return _put_on(task, tag, _ids(entities))


@transaction.atomic
def tag_remove(*, task: BackupTask, entities: QuerySet[Entity], tag: Tag) -> int:
    """Take the tag off these entities of the task; returns how many had it."""
    return _take_off(task, tag, _ids(entities))


@transaction.atomic
def tags_change(
    *,
    task: BackupTask,
    entities: QuerySet[Entity],
    on: Iterable[Tag] = (),
    off: Iterable[Tag] = (),
    new: str = "",
) -> list[str]:
    """Put tags on and take tags off the same entities, with a `new` tag if it is named; returns sentences.

    Who they are is read once: they may be found by a tag that is taken off here.
    """
    ids, count = _ids(entities), nouns_of(task.service).count
    on = [*on, tag_create(name=new)] if new.strip() else list(on)
    done = [(f"{tag.name} put on {{}}.", _put_on(task, tag, ids)) for tag in on]
    done += [(f"{tag.name} taken off {{}}.", _take_off(task, tag, ids)) for tag in off]
    return [said.replace("{}", count(number)) for said, number in done if number]


def _put_on(task: BackupTask, tag: Tag, ids: Sequence[int]) -> int:
    Tag.objects.select_for_update().get(pk=tag.pk)  # a tag that is deleted meanwhile must not be put on
    new = [pk for some in _some(ids) for pk in sorted({*some} - {*_having(tag, some)})]
    for some in _some(new):
        EntityTag.objects.bulk_create(_rows(tag, some), ignore_conflicts=True)
    say_changed(task, "entity.tagged", len(new), _first(new), f": {tag.name}")
    replan_tagged(task, tag, len(new))
    return len(new)


def _take_off(task: BackupTask, tag: Tag, ids: Sequence[int]) -> int:
    had = [pk for some in _some(ids) for pk in _having(tag, some)]
    for some in _some(had):
        EntityTag.objects.filter(tag=tag, entity_id__in=some).delete()
    say_changed(task, "entity.untagged", len(had), _first(had), f": {tag.name}")
    replan_tagged(task, tag, len(had))
    return len(had)


def _ids(entities: QuerySet[Entity]) -> list[int]:
    return list(entities.order_by("pk").values_list("pk", flat=True))


def _having(tag: Tag, ids: Sequence[int]) -> list[int]:
    rows = EntityTag.objects.filter(tag=tag, entity_id__in=ids).order_by("entity_id")
    return list(rows.values_list("entity_id", flat=True))


def _some(entity_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (entity_ids[at : at + ROWS_AT_ONCE] for at in range(0, len(entity_ids), ROWS_AT_ONCE))


def _rows(tag: Tag, entity_ids: Sequence[int]) -> Iterator[EntityTag]:
    return (EntityTag(account_id=tag.account_id, entity_id=pk, tag=tag) for pk in entity_ids)


def _first(entity_ids: Sequence[int]) -> Entity | None:
    return Entity.objects.get(pk=entity_ids[0]) if len(entity_ids) == 1 else None


def _clean(name: str) -> str:
    """The name as it is kept: no letters that cannot be seen, single spaces."""
    seen = "".join(" " if _is_unseen(letter) else letter for letter in name)
    words = " ".join(unicodedata.normalize("NFC", seen).split())
    if not folded(words):
        raise InvalidRequest("A tag needs a name.", do="Type one.")
    if len(words) > LONGEST or len(folded(words)) > LONGEST_FOLDED:
        raise InvalidRequest(f"A tag has {LONGEST} letters at most.", do="Choose a shorter name.")
    if folded(words) in RESERVED:
        raise InvalidRequest(f"“{words}” is a word of Everkeep itself.", do="Choose another name.")
    return words


def _is_unseen(letter: str) -> bool:
    """Blanks and controls; not the two joiners, which some scripts are written with."""
    return unicodedata.category(letter)[0] in "CZ" and letter not in "\u200c\u200d"


def _saved(tag: Tag) -> Tag:
    try:
        with transaction.atomic():
            tag.save()
    except IntegrityError as error:
        raise Conflict(f"There is a tag {tag.name} already.", do="Choose another name.") from error
    return tag


def _say(tag: Tag, code: str, audited: str) -> None:
    activity.record(code, item_label=tag.name, subject_id=tag.public_id, audited=audited)
