"""Who may read the activity reads all of their own account's, and nothing of another's."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from apps.activity.models import Activity
from apps.activity.selectors import EXPORT_BATCH, PAGE_SIZE
from apps.core.scope import ScopeMissing, account_scope
from tests.cast import Cast

pytestmark = pytest.mark.database
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


def write(cast: Cast, label: str, **fields: object) -> Activity:
    account = fields.pop("account", cast.account)
    values = {"code": "restore.finished", "status": "done", "at": NOON, **fields}
    with account_scope(account.pk):  # type: ignore[attr-defined]
        return Activity.objects.create(account=account, item_label=label, **values)


@pytest.fixture
def page(client: Client, cast: Cast) -> Callable[..., str]:
    client.force_login(cast.viewer)

    def _page(**query: str) -> str:
        response = client.get(reverse("activity_list"), query)
        assert response.status_code == 200
        return response.content.decode()

    return _page


def test_a_row_shows_its_columns(page: Callable[..., str], cast: Cast) -> None:
    write(
        cast, "bob.smith", service="exchange", sub_service="mail", task_label="Mail and calendars",
        actor_label="Olivia", status="partial", details={"seconds": 408, "bytes": 14_200_000, "not_stored": 2},
    )  # fmt: skip
    shown = page()
    for words in (
        "Restore ended",
        "18 Nov 2026, 12:00",
        "xchange",
        "Mail and calendars",
        "bob.smith",
        "Partial",
    ):
        assert words in shown
    for fact in ("6 min 48 s", "14.2 MB", "Not stored", "Olivia"):
        assert fact in shown


def test_nothing_of_another_account_is_shown(page: Callable[..., str], cast: Cast) -> None:
    write(cast, "our mailbox")
    write(cast, "their mailbox", account=cast.other_account)
    shown = page()
    assert "our mailbox" in shown
    assert "their mailbox" not in shown
    assert "their mailbox" not in page(q="their")


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ({"q": "BOB"}, {"bob"}),
        ({"q": "company"}, {"ida"}),
        ({"q": "karim"}, {"kim"}),
        ({"activity": "Export"}, {"kim"}),
        ({"status": "failed"}, {"ida"}),
        ({"first": "2026-11-19"}, {"kim"}),
        ({"last": "2026-11-18"}, {"bob", "ida"}),
        ({"first": "2026-11-18", "last": "2026-11-18", "status": "done"}, {"bob"}),
        ({"status": "bogus", "first": "yesterday"}, {"bob", "ida", "kim"}),
    ],
)
def test_filters(page: Callable[..., str], cast: Cast, query: dict[str, str], seen: set[str]) -> None:
    write(cast, "bob")
    write(cast, "ida", status="failed", task_label="Company drives")
    write(cast, "kim", code="export.finished", at=NOON + timedelta(days=1), actor_label="Karim")
    shown = page(**query)
    assert {name for name in ("bob", "ida", "kim") if f">{name}<" in shown} == seen


def test_the_log_of_one_job(page: Callable[..., str], cast: Cast) -> None:
    mine = write(cast, "this job", subject_id="0193f000-0000-7000-8000-000000000001")
    write(cast, "another job")
    shown = page(subject=str(mine.subject_id))
    assert "this job" in shown
    assert "another job" not in shown


def test_older_rows_are_pages_away(client: Client, cast: Cast, page: Callable[..., str]) -> None:
    for number in range(PAGE_SIZE + 3):
        write(cast, f"row {number:03}", at=NOON + timedelta(minutes=number))
    client.force_login(cast.viewer)
    first = client.get(reverse("activity_list"), {"status": "done"})
    assert "row 052" in first.content.decode()
    assert "row 002" not in first.content.decode()
    second = client.get(first.context["next_url"])
    assert "row 002" in second.content.decode()
    assert "status=done" in second.context["previous_url"]
    again = client.get(second.context["previous_url"])
    assert [line.row.pk for line in again.context["lines"]] == [line.row.pk for line in first.context["lines"]]


def test_a_filter_answers_with_the_list_alone(client: Client, cast: Cast) -> None:
    write(cast, "bob")
    client.force_login(cast.viewer)
    response = client.get(reverse("activity_list"), {"q": "bob"}, headers={"HX-Request": "true"})
    body = response.content.decode()
    assert "<html" not in body
    assert "bob" in body
    assert 'hx-swap-oob="true"' in body


def test_what_does_not_match_says_so(page: Callable[..., str], cast: Cast) -> None:
    assert "Nothing has happened yet" in page()
    write(cast, "bob")
    assert "Nothing matches this filter" in page(q="zzz")


def test_started_is_not_in_progress_and_saved_is_not_green(page: Callable[..., str], cast: Cast) -> None:
    write(cast, "one", code="account.created")
    write(cast, "two", code="restore.started", status="started")
    assert "ek-state" not in page()
    write(cast, "three", code="restore.finished")
    assert "ek-state-good" in page()


def exported(client: Client, **query: str) -> list[list[str]]:
    response = client.get(reverse("activity_export"), query)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(text)))


def test_the_file_has_every_row_of_the_filter_and_no_formula(client: Client, cast: Cast) -> None:
    write(cast, "=cmd|' /C calc'!A0", actor_label="Olivia", service="exchange", task_label="@task")
    write(cast, "left out", status="failed")
    write(cast, "theirs", account=cast.other_account)
    client.force_login(cast.viewer)
    header, *rows = exported(client, status="done")
    assert header[:3] == ["Activity", "Date and time", "Service"]
    (row,) = rows
    assert row[1] == "2026-11-18 12:00:00"
    assert row[5:] == ["'@task", "'=cmd|' /C calc'!A0", "Olivia"]


def test_the_file_is_longer_than_one_batch_and_leaves_no_scope_behind(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.activity.selectors.EXPORT_BATCH", 3)
    assert EXPORT_BATCH > 3
    for number in range(8):
        write(cast, f"row {number}")
    client.force_login(cast.viewer)
    response: HttpResponse = client.get(reverse("activity_export"))
    lines = iter(response.streaming_content)  # type: ignore[attr-defined]
    next(lines), next(lines)
    with pytest.raises(ScopeMissing):
        Activity.objects.count()
    assert len(list(lines)) == 7


def test_without_the_right_there_is_neither_page_nor_file(client: Client, cast: Cast) -> None:
    client.force_login(cast.finance)
    assert client.get(reverse("activity_list")).status_code == 403
    assert client.get(reverse("activity_export")).status_code == 403
