"""The security audit: who may read it reads all of their own account's, and it says how the chain stands."""

import csv
import io
from unittest.mock import patch

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.activity.audit import audit
from apps.activity.heads import head_keep
from apps.activity.models import ChainHead, SecurityEvent
from apps.activity.tasks import look_after_chain
from apps.activity.verify import chain_check
from apps.core.actor import SYSTEM, Actor, acting_as
from apps.core.scope import account_scope
from tests.activity.chains import act, sql
from tests.cast import Cast

pytestmark = pytest.mark.database
KARIM = Actor("user", label="Karim Haddad", user_id=99, address="198.51.100.7")


def write(cast: Cast, description: str, who: Actor = KARIM, **fields: object) -> SecurityEvent:
    with account_scope(cast.account.pk), acting_as(who):
        code = str(fields.pop("code", "restore.started"))
        return audit(code, description=description, **fields)  # type: ignore[arg-type]


def shown(client: Client, **query: str) -> str:
    response = client.get(reverse("audit_list"), query)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def viewer(client: Client, cast: Cast) -> Client:
    client.force_login(cast.viewer)
    return client


def test_an_entry_shows_its_columns(viewer: Client, cast: Cast) -> None:
    row = write(cast, "1,911 items", task_label="Mail and calendars", service="exchange", items=1911)
    write(cast, "To 2 recipients", SYSTEM, code="notice.sent")
    page = shown(viewer)
    for words in (
        "Restore started",
        "1,911 items",
        "Mail and calendars",
        "Karim Haddad",
        "198.51.100.7",
        row.seal,
    ):
        assert words in page
    assert 'data-label="Performed by" class="ek-cell-blank"></td>' in page


def test_nothing_of_another_account_is_shown(viewer: Client, cast: Cast) -> None:
    with account_scope(cast.other_account.pk):
        audit("restore.started", description="theirs")
    write(cast, "ours")
    assert "theirs" not in shown(viewer)
    assert "theirs" not in exported(viewer)[1]


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ({"q": "BOB"}, {"bob"}),
        ({"q": "198.51"}, {"bob", "ida"}),
        ({"activity": "Restore"}, {"bob"}),
        ({"who": "system"}, {"kim"}),
        ({"who": "people"}, {"bob", "ida"}),
        ({"status": "refused"}, {"ida"}),
        ({"last": "2020-01-01"}, set()),
    ],
)
def test_filters(viewer: Client, cast: Cast, query: dict[str, str], seen: set[str]) -> None:
    write(cast, "bob")
    write(cast, "ida", code="access.refused", status="refused")
    write(cast, "kim", SYSTEM, code="notice.sent")
    page = shown(viewer, **query)
    assert {name for name in ("bob", "ida", "kim") if f">{name}</td>" in page} == seen


def test_older_entries_are_pages_away(viewer: Client, cast: Cast) -> None:
    act(cast.account, 53)
    first = viewer.get(reverse("audit_list"))
    assert [line.row.sequence for line in first.context["lines"]] == list(range(53, 3, -1))
    second = viewer.get(first.context["next_url"])
    assert [line.row.sequence for line in second.context["lines"]] == [3, 2, 1]


def exported(client: Client) -> list[list[str]]:
    response = client.get(reverse("audit_export"))
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(text)))


def test_the_file_has_entries_with_their_seals_and_no_formula_and_is_an_entry_itself(
    viewer: Client, cast: Cast
) -> None:
    row = write(cast, "=cmd|' /C calc'!A0")
    header, newest, oldest = exported(viewer)
    assert header[0] == "Entry"
    assert newest[2] == "Log taken as a file"
    assert oldest[0] == "1"
    assert oldest[7] == "'=cmd|' /C calc'!A0"
    assert oldest[-1] == row.seal


def test_the_page_says_how_the_chain_stands(viewer: Client, cast: Cast) -> None:
    assert "Nothing has happened yet" in shown(viewer)
    act(cast.account, 3)
    assert "is checked every day" in shown(viewer)
    look_after_chain(account_id=cast.account.pk)
    page = shown(viewer)
    assert "The chain is unbroken</b> from entry 1 to entry 3" in page
    sql("DELETE FROM security_event WHERE sequence = 2")
    chain_check(cast.account.pk)
    assert "Entry 2 is not as it was written" in shown(viewer)


def test_whoever_reads_it_may_have_it_checked_now(viewer: Client, cast: Cast) -> None:
    act(cast.account, 3)
    with patch("apps.activity.tasks.check_chain.after_commit") as sent:
        viewer.post(reverse("audit_check"))
        viewer.post(reverse("audit_check"))
    sent.assert_called_once_with(account_id=cast.account.pk)
    part = viewer.get(reverse("audit_chain")).content.decode()
    assert "Checking…" in part and 'hx-trigger="load delay:2s"' in part
    chain_check(cast.account.pk)
    assert "hx-trigger" not in viewer.get(reverse("audit_chain")).content.decode()


def test_administrators_who_want_it_get_the_seal_by_mail(
    client: Client, cast: Cast, django_capture_on_commit_callbacks: object
) -> None:
    act(cast.account, 2)
    client.force_login(cast.owner)
    client.post(reverse("audit_mail"), {"wanted": "yes"})
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        head_keep(cast.account.pk)
    with account_scope(cast.account.pk):
        head = ChainHead.objects.get()
    (letter,) = mail.outbox
    assert letter.to == [cast.owner.email]
    assert head.seal in letter.body
    client.post(reverse("audit_mail"), {"wanted": "no"})
    assert "Mail me the seal daily" in shown(client)


def test_a_refused_request_is_an_entry_once_and_a_404_is_none(client: Client, cast: Cast) -> None:
    client.force_login(cast.finance)
    for _ in range(2):
        assert client.get(reverse("audit_list")).status_code == 403
    assert client.get("/connections/no-such-place/").status_code == 404
    with account_scope(cast.account.pk):
        row = SecurityEvent.objects.get()
    assert (row.code, row.status, row.actor_label) == ("access.refused", "refused", "Fred Finance")
    assert "View account activity" in row.description
    assert row.address == "127.0.0.1"
