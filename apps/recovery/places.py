"""Where a page of a backup stands: its crumbs, and the addresses around it."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from apps.backups.models import Entity, Run, Snapshot
from apps.backups.selectors.points import Point


def moment_words(moment: datetime) -> str:
    """Say a moment in the reader's zone: "14 Nov 2026, 20:30"."""
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y, %H:%M}"


def point_url(run: Run, kind: str = "", **query: str) -> str:
    """Return the address of a backup, opened at one kind of data."""
    given = {name: value for name, value in ({"kind": kind} | query).items() if value}
    return reverse("recovery_browse", args=[run.public_id]) + (f"?{urlencode(given)}" if given else "")


def day_url(entity: Entity, moment: datetime, run: Run | None = None) -> str:
    """Return the address of the calendar with the day of `moment` open."""
    query = f"?day={timezone.localtime(moment):%Y-%m-%d}" + (f"&run={run.public_id}" if run else "")
    return reverse("recovery_entity", args=[entity.public_id]) + query


def place_of(point: Point, last: str = "") -> dict[str, Any]:
    """Return the context of a page about the point; `last` names the page itself below it."""
    return _place(point.run, point.run.entity, point.at, point_url(point.run), last)


def place_of_entity(entity: Entity, last: str) -> dict[str, Any]:
    """Return the context of a page about a mailbox, not about one of its backups."""
    crumbs = [
        {"words": "Recovery", "url": reverse("recovery")},
        {"words": entity.name, "url": reverse("recovery_entity", args=[entity.public_id])},
        {"words": last, "url": ""},
    ]
    return {"crumbs": crumbs, "area": "recovery", "entity": entity}


def place_of_item(snapshot: Snapshot, last: str) -> dict[str, Any]:
    """Return the context of a page about one item."""
    url = point_url(snapshot.run, snapshot.sub_service)
    return _place(snapshot.run, snapshot.entity, snapshot.taken_at, url, last)


def _place(run: Run, entity: Entity, at: datetime, url: str, last: str) -> dict[str, Any]:
    local = timezone.localtime(at)
    day = day_url(entity, at, run)
    crumbs = [
        {"words": "Recovery", "url": reverse("recovery")},
        {"words": entity.name, "url": day},
        {"words": f"{local.day} {local:%B, %H:%M}", "url": url},
    ]
    if last:
        crumbs.append({"words": last, "url": ""})
    return {"crumbs": crumbs, "area": "recovery", "day_url": day, "entity": entity}
