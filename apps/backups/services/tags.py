"""Tags (features TAG-01): make, rename and delete them, put them on entities and take them off.

A tag may carry a policy or belong to a rule: who uses tags says so (`register_tag_use`), and a tag in use is
not deleted. What people change so that less would be kept goes by the two-person rule (`tags_change`).
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from apps.accounts.approvals import propose
from apps.activity import services as activity
from apps.core.errors import Conflict, InvalidRequest
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id
from apps.core.sight import whole_sight

from ..less_protected import tell_less_protected
from ..models import BackupTask, Entity, EntityTag, PolicyTag, Tag
from ..models.tags import folded
from ..planning import replan_tagged
from ..retention.inforce import rule_from
from ..service_list import nouns_of
from .changes import say_changed
from .holds import hold_tagged
from .tag_rules import tags_keep_less

LONGEST, LONGEST_FOLDED = 60, 240  # one letter may fold to eighteen
AT_MOST = 500
ROWS_AT_ONCE = 1000
NAMED = 20
SHORTER: Final = "tags.shorter"
Payload = dict[str, Any]
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
    """Take it off everything and forget it. Raises Conflict while a policy or a legal hold uses it."""
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

    Who they are is read once: they may be found by a tag that is taken off here. What would keep less of any
    needs the right to delete and a fresh proof, and a second administrator where the account wants one.
    """
    ids, count, off = _ids(entities), nouns_of(task.service).count, list(off)
    on = [*on, tag_create(name=new)] if new.strip() else list(on)
    if tags_keep_less(task=task, entity_ids=ids, on=on, off=off):
        payload: Payload = {
            "task": str(task.public_id),
            "entities": ids,
            "on": [str(tag.public_id) for tag in on],
            "off": [str(tag.public_id) for tag in off],
        }
        proposed = propose(SHORTER, payload, f"Tags that keep less of {count(len(ids))} of {task.name}")
        return [f"Tags of {count(len(ids))} changed." if proposed.done else proposed.said]
    done = [(f"{tag.name} put on {{}}.", _put_on(task, tag, ids)) for tag in on]
    done += [(f"{tag.name} taken off {{}}.", _take_off(task, tag, ids)) for tag in off]
    return [said.replace("{}", count(number)) for said, number in done if number]


@transaction.atomic
def apply_shorter(payload: Payload) -> None:
    """The act that a second administrator approves."""
    require(Permission.DELETE)
    with whole_sight("what was approved is done to all that it names"):
        task, ids, on, off = _read(payload)
        link = f"/tasks/{task.public_id}/"
        tell_less_protected(f"tags in {task.name}", shorter_words(payload), link=link, link_words=task.name)
        for tag in on:
            _put_on(task, tag, ids)
        for tag in off:
            _take_off(task, tag, ids)


def shorter_words(payload: Payload) -> str:
    """Say which tags would change on whom, and what their policies keep."""
    task, ids, on, off = _read(payload)
    rows = Entity.objects.filter(pk__in=ids[:ROWS_AT_ONCE], limited=False).order_by("name")
    names = ", ".join(rows.values_list("name", flat=True)[:NAMED])
    said = [f"“{tag.name}” would be put on{_rule_words(tag)}" for tag in on]
    said += [f"“{tag.name}” would be taken off{_rule_words(tag)}" for tag in off]
    whom = nouns_of(task.service).count(len(ids))
    return (
        f"{whom} of “{task.name}”: {'; '.join(said)}. {f'Among them: {names}. ' if names else ''}What is not "
        "kept any more goes a week after the next night; until then the change can be taken back."
    )


def _rule_words(tag: Tag) -> str:
    row = PolicyTag.objects.select_related("policy").filter(tag=tag).first()
    kept = row and row.policy.retention
    return f" (policy “{row.policy}”: {rule_from(kept).words()})" if row and kept else ""


def _read(payload: Payload) -> tuple[BackupTask, list[int], list[Tag], list[Tag]]:
    """What a proposal names and what of it is still there."""
    task = BackupTask.objects.filter(public_id=payload["task"]).first()
    found = {str(t.public_id): t for t in Tag.objects.filter(public_id__in=[*payload["on"], *payload["off"]])}
    if task is None or len(found) < len({*payload["on"], *payload["off"]}):
        raise Conflict("The backup task or a tag is not there any more.", do="Refuse it.")
    ids = [
        pk for some in _some(payload["entities"]) for pk in _ids(Entity.objects.filter(task=task, pk__in=some))
    ]
    return task, ids, [found[key] for key in payload["on"]], [found[key] for key in payload["off"]]


def _put_on(task: BackupTask, tag: Tag, ids: Sequence[int]) -> int:
    Tag.objects.select_for_update().get(pk=tag.pk)  # a tag that is deleted meanwhile must not be put on
    new = [pk for some in _some(ids) for pk in sorted({*some} - {*_having(tag, some)})]
    for some in _some(new):
        EntityTag.objects.bulk_create(_rows(tag, some), ignore_conflicts=True)
        hold_tagged(tag, some)
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
