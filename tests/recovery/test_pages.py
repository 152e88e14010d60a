"""The pages of recovery: what they show, to whom, and to whom not."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.activity.models import Activity
from apps.backups.models import BackupTask, Entity, NodeVersion, Snapshot
from apps.backups.selectors.browse import node_key
from apps.core.scope import account_scope
from apps.recovery.models import Selection
from tests.cast import Cast, member
from tests.recovery.factories import FIRST_DAY, Mailbox, mail, make_entity, store

pytestmark = [pytest.mark.django_db, pytest.mark.database]

WITH_ATTACHMENT = (
    b"Subject: Papers\r\nFrom: a@b.example\r\nContent-Type: multipart/mixed; boundary=r\r\n\r\n--r\r\n"
    b"Content-Type: text/html\r\n\r\n<p>Hi</p><img src='https://evil.example/p.gif'>\r\n--r\r\n"
    b'Content-Type: text/html; name="evil.html"\r\n'
    b'Content-Disposition: attachment; filename="evil\\".html"\r\n\r\n'
    b"<script>alert(1)</script>\r\n--r--"
)


@pytest.fixture
def backup(cast: Cast, settings: object, tmp_path: object) -> Iterator[Snapshot]:
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox", well_known="inbox")
        box.folder("orders", "Orders", parent="inbox")
        for number in range(60):
            box.item(
                f"m{number}",
                "inbox",
                f"Subject {number}",
                time=FIRST_DAY + timedelta(minutes=number),
                size=1_000,
            )
        box.item("plain", "orders", "Plain", content=store(mail("Plain", "Good <b>morning</b>.")), size=500)
        box.item("papers", "orders", "Papers", content=store(WITH_ATTACHMENT), size=500, has_attachments=True)
        yield box.day()


def browse(snapshot: Snapshot, **query: str) -> str:
    return reverse("recovery_browse", args=[snapshot.run.public_id], query=query)


def item(snapshot: Snapshot, name: str, remote_id: str, *more: int) -> str:
    return reverse(name, args=[snapshot.public_id, node_key(remote_id), *more])


def test_the_list_names_and_filters_what_another_task_backs_up(
    cast: Cast, client: Client, backup: Snapshot
) -> None:
    here = BackupTask.objects.create(
        account=cast.account, connection=backup.entity.task.connection, service="exchange", name="Second"
    )
    make_entity("Bob, here idle", task=here, state="not_active", remote_id=backup.entity.remote_id)
    make_entity("Agata, idle", "agata@x.example", task=here, state="not_active")
    client.force_login(cast.viewer)
    assert client.get(reverse("recovery")).content.decode().count("In another task") == 1
    narrowed = client.get(reverse("recovery"), {"status": "in_another_task"}).context["list"].rows
    assert [(row.entity.name, row.status) for row in narrowed] == [("Bob, here idle", "in_another_task")]


def test_the_list_shows_mailboxes_with_their_first_and_last_backup(
    cast: Cast, client: Client, backup: Snapshot
) -> None:
    client.force_login(cast.viewer)
    page = client.get(reverse("recovery")).content.decode()
    assert "Bob Smith" in page and "1 of 1 have backups" in page
    assert "Bob Smith" not in client.get(reverse("recovery"), {"q": "nobody"}).content.decode()
    assert "Bob Smith" in client.get(reverse("recovery"), {"q": "SMITH", "status": "active"}).content.decode()
    assert "Bob Smith" not in client.get(reverse("recovery"), {"status": "paused"}).content.decode()
    assert "Bob Smith" not in client.get(reverse("recovery"), {"status": "in_progress"}).content.decode()
    Entity.objects.update(state="archived")
    archived = client.get(reverse("recovery"), {"status": "archived"}).content.decode()
    assert "Bob Smith" in archived and "Archived" in archived


def test_the_calendar_opens_on_the_last_backup(cast: Cast, client: Client, backup: Snapshot) -> None:
    client.force_login(cast.restorer)
    page = client.get(reverse("recovery_entity", args=[backup.entity.public_id])).content.decode()
    assert "Sunday, 1 November" in page and "Open this backup" in page and browse(backup) in page
    latest = client.get(reverse("recovery_latest", args=[backup.entity.public_id]))
    assert latest["Location"] == browse(backup)


@pytest.mark.parametrize(
    "query", ["day=x", "month=2026-99", "month=9999-12", "day=0001-01-01", "run=zzz", "month=0001-01"]
)
def test_strange_days_are_no_error(cast: Cast, client: Client, backup: Snapshot, query: str) -> None:
    client.force_login(cast.viewer)
    assert (
        client.get(reverse("recovery_entity", args=[backup.entity.public_id]) + "?" + query).status_code == 200
    )


def test_a_backup_opens_on_the_inbox_newest_first_and_shows_fifty_more(
    cast: Cast, client: Client, backup: Snapshot
) -> None:
    client.force_login(cast.restorer)
    page = client.get(browse(backup))
    text = page.content.decode()
    assert "Subject 59" in text and "Subject 10<" in text and "Subject 9<" not in text
    more = page.context["page"].more_url
    rows = client.get(more, headers={"HX-Request": "true"}).content.decode()
    assert "Subject 9<" in rows and "<html" not in rows


def test_a_preview_shows_the_text_and_is_written_to_the_activity(
    cast: Cast, client: Client, backup: Snapshot
) -> None:
    client.force_login(cast.restorer)
    page = client.get(item(backup, "recovery_item", "plain")).content.decode()
    assert "Good &lt;b&gt;morning&lt;/b&gt;." in page and "First seen" in page
    seen = Activity.objects.get(code="item.previewed")
    assert (seen.item_label, seen.details["content"], seen.actor_label) == ("Bob Smith", "Plain", "Rita")


@pytest.mark.parametrize("part", ["recovery_letter", "recovery_headers"])
def test_no_part_of_a_message_is_read_unseen(cast: Cast, client: Client, backup: Snapshot, part: str) -> None:
    client.force_login(cast.restorer)
    client.get(item(backup, part, "papers"))
    client.get(item(backup, part, "papers"))
    assert Activity.objects.filter(code="item.previewed").count() == 1
    client.get(item(backup, part, "plain"))
    assert Activity.objects.filter(code="item.previewed").count() == 2


def test_of_two_messages_of_one_name_each_is_seen_to_be_read(
    cast: Cast, client: Client, backup: Snapshot
) -> None:
    NodeVersion.objects.filter(is_folder=False).update(name="Re: Lunch")
    client.force_login(cast.restorer)
    client.get(item(backup, "recovery_item", "papers"))
    for part in ("recovery_letter", "recovery_headers"):
        client.get(item(backup, part, "plain"))
    assert Activity.objects.filter(code="item.previewed").count() == 2


def test_the_letter_frame_has_a_policy_of_its_own_and_may_be_framed_by_us_only(
    cast: Cast, client: Client, backup: Snapshot
) -> None:
    client.force_login(cast.restorer)
    frame = client.get(item(backup, "recovery_letter", "papers"))
    policy = frame["Content-Security-Policy"]
    assert (
        policy.startswith("sandbox allow-popups")
        and "default-src 'none'" in policy
        and "allow-same-origin" not in policy
    )
    assert "allow-scripts" not in policy and frame["X-Frame-Options"] == "SAMEORIGIN"
    assert b"evil.example" not in frame.content and b"<p>Hi</p>" in frame.content
    page = client.get(item(backup, "recovery_item", "papers"))
    assert page["X-Frame-Options"] == "DENY" and "sandbox=" in page.content.decode()


def test_an_attachment_is_always_a_file(cast: Cast, client: Client, backup: Snapshot) -> None:
    client.force_login(cast.restorer)
    got = client.get(item(backup, "recovery_attachment", "papers", 1))
    assert got.content == b"<script>alert(1)</script>"
    assert got["Content-Type"] == "application/octet-stream" and got["X-Content-Type-Options"] == "nosniff"
    assert got["Content-Disposition"].startswith("attachment;") and "\n" not in got["Content-Disposition"]
    assert client.get(item(backup, "recovery_attachment", "papers", 7)).status_code == 404


def test_a_message_downloads_as_the_provider_served_it(cast: Cast, client: Client, backup: Snapshot) -> None:
    client.force_login(cast.restorer)
    got = client.get(item(backup, "recovery_message", "papers"))
    assert got.content == WITH_ATTACHMENT
    assert 'filename="Papers.eml"' in got["Content-Disposition"]


def test_original_headers_are_shown_as_text(cast: Cast, client: Client, backup: Snapshot) -> None:
    client.force_login(cast.restorer)
    page = client.get(item(backup, "recovery_headers", "papers")).content.decode()
    assert "Subject: Papers" in page and "evil.example" not in page


def test_ticks_are_kept_over_pages_and_folders(cast: Cast, client: Client, backup: Snapshot) -> None:
    client.force_login(cast.restorer)
    change = reverse("recovery_select", args=[backup.run.public_id])
    keys = [node_key(f"m{n}") for n in range(3)]
    client.post(change, {"shown": " ".join(keys), "item": keys[:2]})
    bar = client.post(
        change, {"shown": node_key("plain"), "item": node_key("plain")}, headers={"HX-Request": "true"}
    )
    assert "3 messages</b>, 2.5 kB" in bar.content.decode()
    client.post(change, {"folder_on": node_key("orders")})
    text = client.get(browse(backup)).content.decode()
    assert "2 messages and 1 folder</b>, 3 kB" in text
    client.post(change, {"shown": keys[0]})
    assert (
        "1 message and 1 folder"
        in client.get(reverse("recovery_selection", args=[backup.run.public_id])).content.decode()
    )
    client.post(change, {"clear": "1"})
    assert not Selection.objects.exists()


def test_a_selection_belongs_to_one_person(cast: Cast, client: Client, backup: Snapshot) -> None:
    client.force_login(cast.restorer)
    client.post(reverse("recovery_select", args=[backup.run.public_id]), {"item": node_key("m1")})
    client.force_login(cast.owner)
    assert "1 message" not in client.get(browse(backup)).content.decode().replace("62 messages", "")


def test_a_selection_goes_back_to_its_own_backup_only(cast: Cast, client: Client, backup: Snapshot) -> None:
    client.force_login(cast.restorer)
    change = reverse("recovery_select", args=[backup.run.public_id])
    assert client.post(change, {"item": "x", "back": "https://evil.example/"})["Location"] == browse(backup)


PAGES = ["recovery_browse", "recovery_selection"]
PREVIEWS = ["recovery_item", "recovery_letter", "recovery_headers", "recovery_message"]


def addresses(snapshot: Snapshot) -> list[str]:
    return [
        *(reverse(name, args=[snapshot.run.public_id]) for name in PAGES),
        *(item(snapshot, name, "plain") for name in PREVIEWS),
        item(snapshot, "recovery_attachment", "papers", 1),
        reverse("recovery_entity", args=[snapshot.entity.public_id]),
        reverse("recovery_latest", args=[snapshot.entity.public_id]),
    ]


def test_a_stranger_finds_nothing(cast: Cast, client: Client, backup: Snapshot) -> None:
    client.force_login(cast.stranger)
    assert {client.get(address).status_code for address in addresses(backup)} == {404}
    assert "Bob Smith" not in client.get(reverse("recovery")).content.decode()
    assert (
        client.post(
            reverse("recovery_select", args=[backup.run.public_id]), {"item": node_key("m1")}
        ).status_code
        == 404
    )


def test_who_may_restore_but_not_preview_sees_subjects_and_opens_nothing(
    cast: Cast, client: Client, backup: Snapshot
) -> None:
    rights = {"extra_permissions": ["view", "restore"], "services": None}
    client.force_login(member(cast.account, "r@pizza-perfecto.example", Role.CUSTOM, **rights))
    text = client.get(browse(backup)).content.decode()
    assert "Subject 59" in text and "data-open-row" not in text and "Preview is not open to you" in text
    assert {client.get(item(backup, name, "plain")).status_code for name in PREVIEWS} == {403}


def test_who_only_looks_sees_mailboxes_days_and_counts_and_no_subject(
    cast: Cast, client: Client, backup: Snapshot
) -> None:
    client.force_login(cast.viewer)
    day = client.get(reverse("recovery_entity", args=[backup.entity.public_id])).content.decode()
    assert "Bob Smith" in day and "62 messages" in day and "Open this backup" not in day
    assert client.get(browse(backup)).status_code == 403
    assert {client.get(item(backup, name, "plain")).status_code for name in PREVIEWS} == {403}
    assert client.get(item(backup, "recovery_attachment", "papers", 1)).status_code == 403


def test_finance_and_anonymous_see_nothing(cast: Cast, client: Client, backup: Snapshot) -> None:
    assert {client.get(address).status_code for address in addresses(backup)} == {302}
    client.force_login(cast.finance)
    assert {client.get(address).status_code for address in addresses(backup)} == {403}


def test_folders_and_unknown_items_have_no_preview(cast: Cast, client: Client, backup: Snapshot) -> None:
    client.force_login(cast.restorer)
    assert client.get(item(backup, "recovery_item", "inbox")).status_code == 404
    assert client.get(item(backup, "recovery_item", "nobody")).status_code == 404
    assert client.get(browse(backup, folder="0" * 32)).status_code == 404
    assert client.get(browse(backup, after="forged")).status_code == 400
