"""The addresses of calendars and events."""

from . import calendars, event_files, events
from .router import Route

READ, WRITE = frozenset({"Calendars.Read", "Calendars.ReadWrite"}), frozenset({"Calendars.ReadWrite"})
_U = "/users/{user}"
_G, _C, _E = f"{_U}/calendarGroups", f"{_U}/calendars", f"{_U}/events"
ROUTES = [
    Route(method, template, handler, READ if method == "GET" else WRITE, "mail")
    for method, template, handler in (
        ("GET", _G, calendars.list_groups),
        ("POST", _G, calendars.create_group),
        ("GET", f"{_G}/{{group}}/calendars", calendars.list_in_group),
        ("POST", f"{_G}/{{group}}/calendars", calendars.create_in_group),
        ("GET", _C, calendars.list_calendars),
        ("POST", _C, calendars.create_calendar),
        ("GET", f"{_C}/{{calendar}}", calendars.get_calendar),
        ("PATCH", f"{_C}/{{calendar}}", calendars.update_calendar),
        ("DELETE", f"{_C}/{{calendar}}", calendars.delete_calendar),
        ("GET", f"{_C}/{{calendar}}/events", events.list_in_calendar),
        ("POST", f"{_C}/{{calendar}}/events", events.create_event),
        ("GET", f"{_C}/{{calendar}}/events/delta", events.event_delta),
        ("GET", f"{_C}/{{calendar}}/calendarView", events.calendar_view),
        ("GET", f"{_C}/{{calendar}}/calendarView/delta", events.view_delta),
        ("GET", f"{_U}/calendar", calendars.get_default),
        ("GET", f"{_U}/calendar/events", events.list_all),
        ("POST", f"{_U}/calendar/events", events.create_event),
        ("GET", f"{_U}/calendarView", events.calendar_view),
        ("GET", f"{_U}/calendarView/delta", events.view_delta),
        ("GET", _E, events.list_all),
        ("POST", _E, events.create_event),
        ("GET", f"{_E}/{{event}}", events.get_event),
        ("PATCH", f"{_E}/{{event}}", events.update_event),
        ("DELETE", f"{_E}/{{event}}", events.delete_event),
        ("POST", f"{_E}/{{event}}/permanentDelete", events.delete_event),
        ("GET", f"{_E}/{{event}}/calendar", events.get_calendar_of),
        ("GET", f"{_E}/{{event}}/instances", events.list_instances),
        ("GET", f"{_E}/{{event}}/attachments", event_files.list_files),
        ("POST", f"{_E}/{{event}}/attachments", event_files.add_file),
        ("POST", f"{_E}/{{event}}/attachments/createUploadSession", event_files.create_session),
        ("GET", f"{_E}/{{event}}/attachments/{{attachment}}", event_files.get_file),
        ("DELETE", f"{_E}/{{event}}/attachments/{{attachment}}", event_files.delete_file),
        ("GET", f"{_E}/{{event}}/attachments/{{attachment}}/$value", event_files.get_bytes),
    )
]
