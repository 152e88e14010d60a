"""Calendars and events of the sandbox: series, their dates, what Exchange refuses, and whom it tells."""

import base64
from typing import Any

import pytest

from apps.sandbox.testing import SandboxCloud

from .client import Graph

ZONE = "W. Europe Standard Time"
WEEKLY: dict[str, Any] = {
    "subject": "Round",
    "start": {"dateTime": "2026-03-13T09:30:00", "timeZone": ZONE},
    "end": {"dateTime": "2026-03-13T10:00:00", "timeZone": ZONE},
    "recurrence": {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["friday"], "firstDayOfWeek": "monday"},
        "range": {"type": "numbered", "startDate": "2026-03-13", "numberOfOccurrences": 5},
    },
}
WINDOW = "startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-05-01T00:00:00Z"
GUEST = {"emailAddress": {"name": "Ann", "address": "ann@guest.example"}, "type": "required"}


def dates(graph: Graph, series: str) -> dict[str, dict[str, Any]]:
    return {
        each["start"]["dateTime"][5:16]: each
        for each in graph.all(f"events/{series}/instances?{WINDOW}&$top=3")
    }


def test_a_series_has_dates_that_are_changed_and_cancelled_one_by_one(graph: Graph) -> None:
    series = graph.post("calendar/events", WEEKLY)
    assert series["type"] == "seriesMaster"
    found = dates(graph, series["id"])
    # summer time begins on 29 March: the clock in Rome stays, that in UTC does not
    assert list(found) == ["03-13T08:30", "03-20T08:30", "03-27T08:30", "04-03T07:30", "04-10T07:30"]
    graph.delete(f"events/{found['03-20T08:30']['id']}")
    later = {"dateTime": "2026-03-28T14:00:00", "timeZone": ZONE}
    changed = graph.patch(
        f"events/{found['03-27T08:30']['id']}",
        {"subject": "Round, moved", "start": later, "end": {**later, "dateTime": "2026-03-28T15:00:00"}},
    )
    assert changed["type"] == "exception"
    assert changed["originalStart"] == "2026-03-27T08:30:00Z"
    assert list(dates(graph, series["id"])) == ["03-13T08:30", "03-28T13:00", "04-03T07:30", "04-10T07:30"]
    query = "$select=subject,changeKey,cancelledOccurrences&$expand=exceptionOccurrences"
    whole = graph.get(f"events/{series['id']}?{query}")
    assert whole["cancelledOccurrences"] == [f"OID.{series['id']}.2026-03-20"]
    assert [each["subject"] for each in whole["exceptionOccurrences"]] == ["Round, moved"]
    assert whole["changeKey"] != series["changeKey"]
    view = graph.all(f"calendarView?{WINDOW}&$top=50")
    assert sum(each.get("seriesMasterId") == series["id"] for each in view) == 4
    past = {"dateTime": "2026-04-11T09:30:00", "timeZone": ZONE}
    crossing = graph.code("PATCH", f"events/{found['04-03T07:30']['id']}", json={"start": past, "end": past})
    assert crossing == (400, "ErrorOccurrenceCrossingBoundary")


def test_a_changed_date_takes_over_the_files_of_its_series(graph: Graph) -> None:
    series = graph.post("events", WEEKLY)
    file = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": "plan.txt",
        "contentBytes": base64.b64encode(b"plan").decode(),
    }
    graph.post(f"events/{series['id']}/attachments", file)
    first = dates(graph, series["id"])["03-13T08:30"]["id"]
    changed = graph.patch(f"events/{first}", {"subject": "Other"})["id"]
    (own,) = graph.get(f"events/{changed}/attachments")["value"]
    assert graph.call("GET", f"events/{changed}/attachments/{own['id']}/$value").content == b"plan"
    graph.delete(f"events/{changed}/attachments/{own['id']}")
    assert len(graph.get(f"events/{series['id']}/attachments")["value"]) == 1


def test_lists_of_changes_tell_little_and_a_view_tells_dates(graph: Graph) -> None:
    calendar = graph.post("calendars", {"name": "Plans"})["id"]
    _, link = graph.delta(f"calendars/{calendar}/events/delta?{WINDOW}")
    _, view_link = graph.delta(f"calendars/{calendar}/calendarView/delta?{WINDOW}")
    series = graph.post(f"calendars/{calendar}/events", WEEKLY)["id"]
    changes, link = graph.delta(link)
    assert [set(each) for each in changes] == [{"@odata.type", "@odata.etag", "id", "type", "start", "end"}]
    assert [each["id"] for each in changes] == [series]
    in_view, view_link = graph.delta(view_link)
    assert [each["type"] for each in in_view] == ["occurrence"] * 5
    first = dates(graph, series)["03-13T08:30"]["id"]
    graph.patch(f"events/{first}", {"subject": "Changed"})
    assert [each["id"] for each in graph.delta(link)[0]] == [series]
    graph.delete(f"events/{series}")
    assert [each["@removed"] for each in graph.delta(link)[0]] == [{"reason": "deleted"}]


def test_groups_hold_calendars_and_names_are_taken_once(graph: Graph) -> None:
    group = graph.post("calendarGroups", {"name": "Projects"})["id"]
    made = graph.post(f"calendarGroups/{group}/calendars", {"name": "Ovens", "color": "lightRed"})
    assert [each["name"] for each in graph.get(f"calendarGroups/{group}/calendars")["value"]] == ["Ovens"]
    assert made["id"] not in {each["id"] for each in graph.all("calendars?$top=50")}
    assert graph.code("POST", "calendars", json={"name": "ovens"}) == (409, "ErrorFolderExists")
    default = graph.get("calendar")
    assert graph.code("DELETE", f"calendars/{default['id']}")[0] == 400
    graph.delete(f"calendars/{made['id']}")


def test_whoever_names_guests_has_them_told(graph: Graph) -> None:
    plain = {name: WEEKLY[name] for name in ("subject", "start", "end")}
    alone = graph.post("events", plain)["id"]
    graph.patch(f"events/{alone}", {"subject": "Still alone"})
    graph.delete(f"events/{alone}")
    assert graph.cloud.notices() == []
    meeting = graph.post("events", {**plain, "attendees": [GUEST]})["id"]
    graph.patch(f"events/{meeting}", {"subject": "Renamed"})
    graph.delete(f"events/{meeting}")
    told = graph.cloud.notices()
    assert [each["kind"] for each in told] == ["invitation", "update", "cancellation"]
    assert {person for each in told for person in each["people"]} == {"ann@guest.example"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"end": {"dateTime": "2026-03-12T09:30:00", "timeZone": ZONE}}, "ErrorPropertyValidationFailure"),
        ({"start": {"dateTime": "2026-03-13T09:30:00", "timeZone": "Mars"}}, "TimeZoneNotSupportedException"),
        ({"isAllDay": True}, "ErrorInvalidRequest"),
        ({"iCalUId": "mine"}, "ErrorInvalidPropertySet"),
        ({"extensions": []}, "BadRequest"),
        ({"recurrence": {"pattern": {"type": "often"}, "range": WEEKLY["recurrence"]["range"]}}, None),
    ],
)
def test_what_exchange_refuses_of_an_event(
    sandbox_cloud: SandboxCloud, change: dict[str, Any], code: str | None
) -> None:
    sandbox_cloud.reset(users=2, messages=0)
    graph = Graph(sandbox_cloud)
    answer = graph.code("POST", "events", json=WEEKLY | change)
    assert answer == (400, code or "ErrorInvalidRecurrencePattern")


def test_calendars_need_their_own_permission(sandbox_cloud: SandboxCloud) -> None:
    sandbox_cloud.reset(users=2, messages=0)
    app = sandbox_cloud.read_only
    sandbox_cloud.register_app(app.client_id, roles=["Mail.Read"], consented=True)
    sandbox_cloud.expire_tokens()
    assert Graph(sandbox_cloud, app).code("GET", "calendars") == (403, "ErrorAccessDenied")
    sandbox_cloud.register_app(app.client_id, roles=list(app.roles), consented=True)
