"""Writes of recovery: what a person ticks, what was looked at, plans."""

from collections.abc import Collection, Iterable
from datetime import timedelta

from django.db import transaction

from apps.activity.models import Activity
from apps.activity.services import CONTENT, record
from apps.backups.models import Snapshot
from apps.backups.selectors.points import Point
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import InvalidRequest
from apps.core.signatures import public_key

from .drill.report import as_file
from .models import Drill, Selection

SELECTION_LIMIT = 10_000
SAME_LOOK = timedelta(minutes=10)


def selection_of(snapshot: Snapshot) -> Selection:
    """Return what the actor has ticked in this backup; an unsaved, empty one when nothing is."""
    user_id = _person()
    found = Selection.objects.filter(user_id=user_id, snapshot=snapshot).first()
    return found or Selection(account_id=snapshot.account_id, user_id=user_id, snapshot=snapshot)


def selections_of(point: Point) -> list[Selection]:
    """Return what the actor has ticked at this point, kind by kind; kinds of which nothing is are left out."""
    kinds = [selection_of(snapshot) for snapshot in point.snapshots]
    return [selection for selection in kinds if not selection.is_empty]


@transaction.atomic
def selection_change(
    *, snapshot: Snapshot, shown: Iterable[str] = (), items: Iterable[str] = (), folders_on: Iterable[str] = (),
    folders_off: Iterable[str] = (),
) -> Selection:  # fmt: skip
    """Tick of the `shown` items exactly `items`, and the folders as said; all others stay as they are.

    Raises InvalidRequest beyond SELECTION_LIMIT single items.
    """
    selection = _locked(snapshot)
    kept = dict.fromkeys(key for key in selection.items if key not in set(shown))
    selection.items = list(kept | dict.fromkeys(items))
    if len(selection.items) > SELECTION_LIMIT:
        raise InvalidRequest(
            f"More than {SELECTION_LIMIT:,} single items cannot be selected.",
            do="Select their folder, or the whole mailbox.",
        )
    off = set(folders_off)
    selection.folders = [k for k in dict.fromkeys([*selection.folders, *folders_on]) if k not in off]
    selection.everything = False
    selection.updated_at = clock.now()
    selection.save()
    return selection


@transaction.atomic
def selection_everything(*, snapshot: Snapshot) -> Selection:
    """Choose all of one kind of data as it was in this backup (RST-01)."""
    selection = _locked(snapshot)
    selection.items, selection.folders, selection.everything = [], [], True
    selection.updated_at = clock.now()
    selection.save()
    return selection


@transaction.atomic
def selections_everything(*, point: Point, kinds: Collection[str] = ()) -> None:
    """Choose these kinds of data whole and nothing else; all that the point holds when none is named."""
    for snapshot in point.snapshots:
        if not kinds or snapshot.sub_service in kinds:
            selection_everything(snapshot=snapshot)
        else:
            selection_clear(snapshot=snapshot)


@transaction.atomic
def selection_only(*, point: Point, snapshot: Snapshot, items: Iterable[str]) -> None:
    """Tick these items of one kind at this point and nothing else."""
    selections_clear(point=point)
    selection_change(snapshot=snapshot, items=items)


def selection_clear(*, snapshot: Snapshot) -> None:
    """Tick nothing of one kind of data."""
    Selection.objects.filter(user_id=_person(), snapshot=snapshot).delete()


def selections_clear(*, point: Point) -> None:
    """Tick nothing of any kind."""
    Selection.objects.filter(user_id=_person(), snapshot__in=point.snapshots).delete()


def _person() -> int:
    user_id = current_actor().user_id
    assert user_id is not None, "only people select"
    return user_id


def _locked(snapshot: Snapshot) -> Selection:
    """Two quick clicks of one person must not undo each other."""
    selection, _ = Selection.objects.select_for_update().get_or_create(
        user_id=_person(), snapshot=snapshot, defaults={"account_id": snapshot.account_id}
    )
    return selection


def note_part_seen(*, snapshot: Snapshot, label: str, key: str) -> None:
    """Write that a part of a message was shown on its own; nothing when its page was opened just before.

    The message is known by its key (many have the same name) and its backup (which may hold another text).
    """
    same = {"details__item": key, "details__snapshot": str(snapshot.public_id)}
    rows = Activity.objects.filter(
        subject_id=snapshot.entity.public_id, at__gte=clock.now() - SAME_LOOK, actor_id=_person()
    )
    if not rows.filter(code="item.previewed", **same).exists():
        note_looked_at(snapshot=snapshot, verb="previewed", label=label, key=key)


def note_looked_at(*, snapshot: Snapshot, verb: str, label: str, key: str, part: str = "") -> None:
    """Write who looked at or took one item; `verb` is `previewed`, `attachment_downloaded`, `downloaded`.

    `part` names the attachment: as much a word out of the mailbox as the item's own name.
    """
    entity = snapshot.entity
    record(
        f"item.{verb}",
        service=entity.task.service,
        sub_service=snapshot.sub_service,
        task_label=entity.task.name,
        item_label=entity.name,
        subject_id=entity.public_id,
        entity_id=entity.public_id,
        snapshot=str(snapshot.public_id),
        item=key,
        audited=entity.name,
        **{CONTENT: f"{label}: {part[:200]}" if part else label},
    )


def drill_file(drill: Drill) -> str:
    """Return the signed report of a drill as a file's text (drill/report.py says what the signature proves)."""
    return as_file(drill)


def report_key() -> str:
    """Return the public key, hexadecimal, that verifies the reports of this installation."""
    return public_key()
