"""Every kind of data on the pages of recovery: cards, lists, previews, selections."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.selectors import actor_of
from apps.activity.models import Activity
from apps.backups.models import Run
from apps.backups.selectors.browse import node_key
from apps.backups.selectors.days import days_of_month
from apps.backups.selectors.points import point_of
from apps.core.actor import Actor, acting_as
from apps.core.permissions import Permission
from apps.core.scope import account_scope
from apps.recovery.choosing import expand, picks_of
from apps.recovery.columns import cells_of
from apps.recovery.kinds import kind_of
from apps.recovery.models import Selection
from apps.recovery.services import selections_everything, selections_of
from apps.recovery.shown import show
from apps.recovery.shown.fields import span_words, time_words
from tests.cast import Cast
from tests.recovery.every_kind import SERIES, every_kind, point_day
from tests.recovery.factories import FIRST_DAY, Mailbox, make_entity

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def run(cast: Cast, client: Client, settings: object, tmp_path: object) -> Iterator[Run]:
    """The second of two days: the run could not read the calendar. The restorer is signed in."""
    client.force_login(cast.restorer)
    with account_scope(cast.account.pk):
        boxes = every_kind(make_entity())
        point_day(boxes, FIRST_DAY)
        yield point_day(boxes, FIRST_DAY + timedelta(days=1), without=("calendars",))


def opened(client: Client, run: Run, kind: str, **query: str) -> str:
    address = reverse("recovery_browse", args=[run.public_id], query={"kind": kind, **query})
    return str(client.get(address).content.decode())


def part(run: Run, kind: str, remote_id: str, name: str = "recovery_item", *more: int) -> str:
    snapshot = point_of(run).snapshot(kind)
    assert snapshot is not None
    return reverse(name, args=[snapshot.public_id, node_key(remote_id), *more])


def seen(client: Client, run: Run, kind: str, remote_id: str) -> str:
    return str(client.get(part(run, kind, remote_id)).content.decode())


def test_each_kind_has_a_card_and_one_that_the_run_could_not_read_says_from_when_it_is(
    client: Client, run: Run
) -> None:
    page = opened(client, run, "")
    for words in ("2 messages", "2 events", "1 contact", "1 task", "1 note", "1 setting"):
        assert words in page
    assert "of 1 Nov, " in page and "has no newer state" not in page
    assert "Calendar stands here as it was on 1 November" in opened(client, run, "calendars")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            "calendars",
            ["Organizer", "2 Nov 2026, ", "Every week on Monday", "24 Dec 2026", "26 Dec 2026", "Kitchen<"],
        ),
        (
            "contacts",
            ["Job title", "giulia@latteria.example", "+49 69 5550", "Via Roma 1, Parma", "Latteria Colli"],
        ),
        ("tasks", ["In progress", "20 Nov 2026", "1 of 2"]),
        ("notes", ["72 hours in the cold."]),
        ("settings", ["Without a folder", "Rule: Invoices", "Move to Invoices"]),
    ],
)
def test_each_kind_has_a_list_with_its_own_columns(
    client: Client, run: Run, kind: str, words: list[str]
) -> None:
    page = opened(client, run, kind)
    assert [word for word in words if word not in page] == []


def test_a_list_whose_items_have_damaged_props_opens_all_the_same(cast: Cast, run: Run) -> None:
    box = Mailbox(make_entity("Eve", "eve@pizza-perfecto.example"), "contacts")
    box.item("x", None, "Nobody", props=b"{not json")
    node = box.live["x"]
    assert cells_of(kind_of("contacts"), node, b"{not json").values[0] == ("E-mail", "Agata Brown")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "remote_id", "words"),
    [
        (
            "contacts",
            "giulia",
            ["data:image/png;base64,", "4 Mar<", "&lt;b&gt;early&lt;/b&gt;", "Parma"],
        ),
        (
            "calendars",
            "series",
            ["Dates that differ", "Shift plan, moved", "16 Nov 2026", "Accepted"],
        ),
        ("tasks", "oven", ["Let it cool", "Done", "With care.", "High"]),
        ("notes", "dough", ["72 hours in the cold."]),
        ("settings", "rule", ["Subject contains", "Paid invoices", "Stop processing rules"]),
    ],
)
def test_each_kind_has_a_preview_in_words(
    client: Client, run: Run, kind: str, remote_id: str, words: list[str]
) -> None:
    page = seen(client, run, kind, remote_id)
    assert [word for word in words if word not in page] == []
    assert Activity.objects.get(code="item.previewed").sub_service == kind


def test_the_text_of_an_event_is_cleaned_and_confined_like_a_mail(client: Client, run: Run) -> None:
    frame = client.get(part(run, "calendars", "series", "recovery_letter"))
    assert b"<b>list</b>" in frame.content and b"alert(1)" not in frame.content
    assert b"evil.example" not in frame.content and "sandbox" in frame["Content-Security-Policy"]
    assert "alert(1)" not in seen(client, run, "calendars", "series")


def test_a_document_and_its_files_download_as_they_are_kept(client: Client, run: Run) -> None:
    original = client.get(part(run, "calendars", "series", "recovery_document"))
    assert (
        original.json()["subject"] == "Shift plan" if original["Content-Type"] == "application/json" else True
    )
    assert b'"cancelledOccurrences":["OID.AAA.2026-11-16"]' in original.content
    assert 'filename="Shift plan.json"' in original["Content-Disposition"]
    file = client.get(part(run, "calendars", "series", "recovery_attachment", 0))
    assert file.content == b"%PDF-1.7\n" and 'filename="plan.pdf"' in file["Content-Disposition"]
    assert client.get(part(run, "calendars", "series", "recovery_attachment", 1)).status_code == 404
    assert client.get(part(run, "mail", "m1", "recovery_document")).status_code == 404
    assert client.get(part(run, "contacts", "giulia", "recovery_message")).status_code == 404
    assert {a.code for a in Activity.objects.all()} >= {"item.downloaded", "item.attachment_downloaded"}


def test_automatic_replies_are_shown_as_the_letters_they_are() -> None:
    replies = {"status": "alwaysEnabled", "internalReplyMessage": "<p>Away</p>", "externalReplyMessage": ""}
    shown = show("settings", {"automaticRepliesSetting": replies}, {})
    assert shown.html == "<h3>To people inside</h3><p>Away</p>"
    assert shown.facts == [("Automatic replies", "On")]


@pytest.mark.parametrize("kind", ["contacts", "calendars", "tasks", "notes", "settings"])
@pytest.mark.parametrize("strange", [None, 7, "text", [1, None, {"a": []}], {"dateTime": 4}, True])
def test_fields_of_any_type_break_no_preview(kind: str, strange: object) -> None:
    names = {
        *SERIES,
        "emailAddresses",
        "checklistItems",
        "conditions",
        "birthday",
        "dueDateTime",
        "linkedResources",
    }
    shown = show(kind, dict.fromkeys(names, strange), dict.fromkeys(("recurrence", "summary"), strange))
    assert all(isinstance(value, str) for _, value in shown.facts)


def test_ticks_of_several_kinds_are_one_selection(client: Client, run: Run) -> None:
    change = reverse("recovery_select", args=[run.public_id])
    client.post(change, {"kind": "contacts", "item": node_key("giulia")})
    client.post(change, {"kind": "calendars", "folder_on": node_key("cal")})
    bar = client.post(change, {"kind": "mail", "item": node_key("m1")}, headers={"HX-Request": "true"})
    assert "1 message, 1 contact and 1 calendar</b>" in bar.content.decode()
    review = client.get(reverse("recovery_selection", args=[run.public_id])).content.decode()
    assert "Giulia Conti" in review and "Calendar with 2 events" in review
    assert "1 selected" in opened(client, run, "contacts")
    client.post(change, {"clear": "1"})
    assert not Selection.objects.exists()


def test_one_kind_is_taken_whole_and_put_back_without_touching_the_others(client: Client, run: Run) -> None:
    change = reverse("recovery_select", args=[run.public_id])
    client.post(change, {"kind": "mail", "item": node_key("m1")})
    client.post(change, {"kind": "contacts", "all": "1"})
    page = opened(client, run, "contacts")
    assert "1 message and 1 folder</b>" in page and "Clear all contacts" in page
    assert "Selected with the others" in page, (
        "a folder of a kind that is chosen whole cannot be taken out alone"
    )
    client.post(change, {"kind": "contacts", "none": "1"})
    assert "1 message</b>" in opened(client, run, "contacts")


def test_the_whole_mailbox_has_a_switch_for_each_kind(client: Client, cast: Cast, run: Run) -> None:
    day = client.get(reverse("recovery_entity", args=[run.entity.public_id]), {"mode": "full"}).content.decode()
    assert (
        day.count('role="switch"') == 6
        and "Last backup" in day
        and "this backup has no newer state of it" in day
    )
    take = reverse("recovery_everything", args=[run.public_id])
    answer = client.post(take, {"kind": ["contacts", "settings"], "then": "export"})
    assert answer["Location"] == reverse("recovery_export", args=[run.public_id])
    picks = picks_of(Selection.objects.select_related("snapshot"))
    assert sorted(pick.snapshot.sub_service for pick in picks) == ["contacts", "settings"]
    assert "The whole mailbox" not in opened(client, run, "mail")
    client.post(take)
    assert "The whole mailbox" in opened(client, run, "mail")


def test_a_day_whose_run_left_a_kind_out_is_not_green(run: Run) -> None:
    month = days_of_month(run.entity, FIRST_DAY.date())
    assert [month[day].verdict for day in sorted(month)] == ["success", "partial"]


def test_items_without_a_folder_are_taken_with_everything(cast: Cast, run: Run) -> None:
    with acting_as(actor_of(cast.restorer.memberships.get())):
        point = point_of(run)
        selections_everything(point=point)
        picks = {pick.kind.sub_service: pick for pick in picks_of(selections_of(point))}
    pick = picks["settings"]
    assert [node.remote_id for _, node in expand(pick.found, pick.state, pick.tree)] == ["rule"]
    assert sum(pick.found.total for pick in picks.values()) == 8


def test_what_a_note_or_a_rule_says_is_not_in_the_list_of_who_may_not_open_it(cast: Cast, run: Run) -> None:
    box = Mailbox(make_entity("Eve", "eve@pizza-perfecto.example"), "notes")
    box.item("x", None, "Dough")
    exporter = Actor("user", "Ed", cast.owner.pk, frozenset({Permission.EXPORT}), services=None)
    for kind, props in (("notes", b'{"preview": "Divorce"}'), ("settings", b'{"summary": "Divorce"}')):
        with acting_as(exporter):
            assert "Divorce" not in str(cells_of(kind_of(kind), box.live["x"], props))  # type: ignore[arg-type]
        with acting_as(actor_of(cast.owner.memberships.get())):
            assert "Divorce" in str(cells_of(kind_of(kind), box.live["x"], props))  # type: ignore[arg-type]


@pytest.mark.parametrize("year", ["0001-01-01", "9999-12-31"])
def test_a_day_at_the_edge_of_the_calendar_breaks_neither_list_nor_preview(year: str) -> None:
    with timezone.override("Pacific/Kiritimati" if year[0] == "9" else "Pacific/Pago_Pago"):
        for time in ("00:00:00", "23:00:00"):
            moment = {"dateTime": f"{year}T{time}", "timeZone": "UTC"}
            assert time_words(moment)
            assert span_words(moment, moment, all_day=True) and span_words(moment, moment, all_day=False)
