"""The life of an item: its versions, when it was first seen, between which backups it went."""

from dataclasses import dataclass
from datetime import datetime

from apps.backups.models import Run, Snapshot
from apps.backups.selectors import days
from apps.backups.selectors.browse import AsOf, Life, Node, life_of, newest_by_remote_ids
from apps.backups.selectors.days import Numbers

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
    left = Numbers.of(state.entity_id, state.sub_service)
    began = left.at_or_after(life.first)
    last, without = (
        (left.before(life.gone_at), left.at_or_after(life.gone_at)) if life.gone_at else (None, None)
    )
    moments = days.taken_at(snapshot, {number for number in (began, last, without) if number})
    first = f"First seen {_day_words(moments.get(began or 0))}"
    if life.gone_at:
        last_at, without_at = moments.get(last or 0), moments.get(without or 0)
        return f"{first}, deleted between {_day_words(last_at)} and {_day_words(without_at)}"
    versions = f", {len(life.versions)} versions" if len(life.versions) > 1 else ""
    return f"{first}, still in the mailbox{versions}"


def life_page(state: AsOf, snapshot: Snapshot, node: Node) -> LifePage:
    """Read the life of an item, its newest version first."""
    life = life_of(state, node.remote_id)
    left = Numbers.of(state.entity_id, state.sub_service)
    kept = [version for version in life.versions if left.shows(version.first, version.gone)]
    shown = kept[-VERSIONS_SHOWN:]
    spans = [_span(left, state, version) for version in shown]
    numbers = {number for span in spans for number in (span.first, span.last, span.without) if number}
    rows = Snapshot.objects.filter(entity_id=state.entity_id, sub_service=state.sub_service, number__in=numbers)
    snapshots = {row.number: row for row in rows.select_related("run").defer("cursor", "coverage")}
    folders = newest_by_remote_ids(state, {version.parent_id for version in shown if version.parent_id})
    versions = []
    for at, version in enumerate(shown):
        span, following = spans[at], spans[at + 1] if at + 1 < len(shown) else None
        followed = following is not None and following.first == span.without
        folder = folders.get(version.parent_id or "")
        versions.append(
            Version(
                node=version,
                since=_moment(snapshots, span.first),
                until=_moment(snapshots, span.last),
                gone=None if followed else _moment(snapshots, span.without),
                what=_what(shown[at - 1] if at else None, version, spans[at - 1].without if at else None, span),
                folder=folder.name if folder else "",
                snapshot=snapshots.get(span.last or 0),
            )
        )
    return LifePage(life_words(state, snapshot, life), versions[::-1], len(kept) - len(shown))


@dataclass(frozen=True, slots=True)
class _Span:
    """Among the snapshots that are left: the first and the last that hold a version, the first without it."""

    first: int | None
    last: int | None
    without: int | None


def _span(left: Numbers, state: AsOf, version: Node) -> _Span:
    gone = version.gone if version.gone is not None and version.gone <= state.latest else None
    last = left.before(gone) if gone else state.latest
    return _Span(left.at_or_after(version.first), last, left.at_or_after(gone) if gone else None)


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


def _what(before: Node | None, version: Node, gone: int | None, span: _Span) -> str:
    """`gone` is the first snapshot that is left without the version before."""
    if before is None:
        return "First seen"
    if gone is not None and span.first is not None and gone < span.first:
        return "Came back"
    return difference_words(before, version)


def _moment(snapshots: dict[int, Snapshot], number: int | None) -> datetime | None:
    snapshot = snapshots.get(number or 0)
    return snapshot.taken_at if snapshot else None


def _day_words(moment: datetime | None) -> str:
    return moment_words(moment) if moment else "an earlier backup"
