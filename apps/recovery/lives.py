"""The life of an item: its versions, when it was first seen, between which backups it went."""

from dataclasses import dataclass
from datetime import datetime

from apps.backups.models import Run, Snapshot
from apps.backups.selectors import days
from apps.backups.selectors.browse import AsOf, Life, Node, life_of, newest_by_remote_ids

from .places import moment_words

# Of more versions only the newest are listed.
VERSIONS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an item: from which backup on, up to which, and what became different with it.

    `gone` is the first backup without the item, when another version or nothing follows. `snapshot` is the
    newest backup that holds this version: there it is looked at and restored from.
    """

    node: Node
    since: datetime | None
    until: datetime | None
    gone: datetime | None
    what: str
    folder: str
    snapshot: Snapshot | None

    @property
    def run(self) -> Run | None:
        return self.snapshot.run if self.snapshot else None


@dataclass(frozen=True, slots=True)
class LifePage:
    words: str
    versions: list[Version]
    left_out: int


def life_words(state: AsOf, snapshot: Snapshot, life: Life) -> str:
    """Say when an item was first seen and between which backups it was deleted."""
    wanted = {life.first} | ({life.gone_at - 1, life.gone_at} if life.gone_at else set())
    moments = days.taken_at(snapshot, wanted)
    first = f"First seen {_day_words(moments.get(life.first))}"
    if life.gone_at:
        last, without = moments.get(life.gone_at - 1), moments.get(life.gone_at)
        return f"{first}, deleted between {_day_words(last)} and {_day_words(without)}"
    versions = f", {len(life.versions)} versions" if len(life.versions) > 1 else ""
    return f"{first}, still in the mailbox{versions}"


def life_page(state: AsOf, snapshot: Snapshot, node: Node) -> LifePage:
    """Read the life of an item, its newest version first."""
    life = life_of(state, node.remote_id)
    shown = life.versions[-VERSIONS_SHOWN:]
    ends = [_end(state, version) for version in shown]
    numbers = {version.first for version in shown} | set(ends) | {end + 1 for end in ends}
    rows = Snapshot.objects.filter(entity_id=state.entity_id, sub_service=state.sub_service, number__in=numbers)
    snapshots = {row.number: row for row in rows.select_related("run").defer("cursor", "coverage")}
    folders = newest_by_remote_ids(state, {version.parent_id for version in shown if version.parent_id})
    versions = []
    for at, version in enumerate(shown):
        before = shown[at - 1] if at else None
        folder = folders.get(version.parent_id or "")
        versions.append(
            Version(
                node=version,
                since=_moment(snapshots.get(version.first)),
                until=_moment(snapshots.get(ends[at])),
                gone=_gone(snapshots, shown, at, ends[at]),
                what=_what(before, version),
                folder=folder.name if folder else "",
                snapshot=snapshots.get(ends[at]),
            )
        )
    return LifePage(life_words(state, snapshot, life), versions[::-1], len(life.versions) - len(shown))


def difference_words(before: Node, after: Node) -> str:
    """Say what became different between two versions of an item, as far as their rows tell."""
    said = []
    if (before.parent_id or "") != (after.parent_id or ""):
        said.append("moved")
    if before.name != after.name:
        said.append("renamed")
    if before.time != after.time:
        said.append("other time")
    if before.size != after.size:
        said.append("other content")
    return (", ".join(said) or "other properties").capitalize()


def _what(before: Node | None, version: Node) -> str:
    if before is None:
        return "First seen"
    if before.gone is not None and before.gone < version.first:
        return "Came back"
    return difference_words(before, version)


def _gone(snapshots: dict[int, Snapshot], shown: list[Node], at: int, end: int) -> datetime | None:
    """Return when the first backup without the item was made; None when another version followed at once."""
    follows = at + 1 < len(shown) and shown[at + 1].first == end + 1
    return None if follows else _moment(snapshots.get(end + 1))


def _end(state: AsOf, version: Node) -> int:
    """Return the number of the newest snapshot that holds a version."""
    return min(version.gone - 1 if version.gone is not None else state.latest, state.latest)


def _moment(snapshot: Snapshot | None) -> datetime | None:
    return snapshot.taken_at if snapshot else None


def _day_words(moment: datetime | None) -> str:
    return moment_words(moment) if moment else "an earlier backup"
