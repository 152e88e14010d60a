"""What the page and the rows of alerts show."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from apps.backups.models import Snapshot
from apps.core.permissions import Permission, allowed, may_name_contents

from .chart import Chart, chart_of
from .enums import LEARNT, AlertKind, AlertState
from .models import Alert
from .words import TONES, about, causes, sentence, way

# Which differences of the two backups tell of it.
_CHANGES = {
    AlertKind.MASS_DELETION: "deleted",
    AlertKind.EROSION: "deleted",
    AlertKind.MASS_CHANGE: "changed",
    AlertKind.FLOOD: "added",
}


@dataclass(frozen=True)
class AlertRow:
    """One line of the list: `look` is a word of the status vocabulary."""

    alert: Alert
    about: str
    sentence: str
    look: str
    state_look: str


@dataclass(frozen=True)
class AlertPage:
    """All of one alert. `items_url`: the two backups side by side, "" where there are none or no right."""

    row: AlertRow
    tone: str
    chart: Chart | None
    causes: list[str]
    items_url: str
    items_gone: bool
    way_url: str
    way_words: str
    may_acknowledge: bool
    may_hold: bool
    is_held: bool
    is_learnt: bool

    @property
    def alert(self) -> Alert:
        return self.row.alert


def row_of(alert: Alert) -> AlertRow:
    """Read an alert for the person who looks at it."""
    state = "" if alert.state == AlertState.OPEN else alert.state
    state_look = "over" if state == AlertState.CLOSED else state
    return AlertRow(alert, about(alert), sentence(alert), alert.severity, state_look)


def page_of_alert(alert: Alert) -> AlertPage:
    """Put together what the page says and offers."""
    url, gone = _items(alert)
    way_url, way_words = way(alert)
    is_open = alert.state == AlertState.OPEN
    is_held = alert.hold is not None and alert.hold.lifted_at is None
    may_hold = alert.entity is not None and not is_held and alert.state != AlertState.CLOSED
    return AlertPage(
        row=row_of(alert),
        tone=TONES[alert.severity],
        chart=chart_of(alert),
        causes=causes(alert),
        items_url=url,
        items_gone=gone,
        way_url=way_url,
        way_words=way_words,
        may_acknowledge=is_open and allowed(Permission.MODIFY),
        may_hold=may_hold and allowed(Permission.ACCOUNT_SETTINGS),
        is_held=is_held,
        is_learnt=alert.kind in LEARNT,
    )


def _items(alert: Alert) -> tuple[str, bool]:
    """The address of the two backups side by side; whether they are kept no more."""
    if alert.kind in (AlertKind.SILENCE, AlertKind.GROWTH) and not alert.facts.get("added"):
        return "", False
    if alert.entity is None or alert.snapshot_number is None or not may_name_contents():
        return "", False
    rows = Snapshot.objects.filter(entity=alert.entity, sub_service=alert.sub_service)
    rows = rows.select_related("run").defer("cursor", "coverage").order_by("-number")
    number = alert.facts.get("number", alert.snapshot_number)
    newer = rows.filter(number=number).first()
    # What lasted over several backups is compared with the one before it began, as far as that is kept.
    older = rows.filter(number__lte=alert.facts.get("from", number - 1)).first()
    if newer is None or older is None:
        return "", True
    query = {"from": older.run.public_id, "to": newer.run.public_id, "kind": alert.sub_service}
    if change := _CHANGES.get(AlertKind(alert.kind)):
        query["change"] = change
    return f"{reverse('recovery_compare', args=[alert.entity.public_id])}?{urlencode(query)}", False
