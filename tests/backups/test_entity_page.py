"""The page of one mailbox and of its runs: facts, thirty days, coverage, and every item that is missing."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.backups.enums import IssueKind, Precedence, Verdict
from apps.backups.models import BackupTask, Entity, NodeVersion, RunIssue
from apps.backups.models.catalog import hash_of
from apps.backups.selectors import chart_of, coverage_of, days_of, issue_page, run_page, took_words
from apps.backups.selectors.history import Day
from apps.core import clock
from apps.core.scope import account_scope
from tests.cast import Cast

from .makers import make_connection, make_mailbox, make_protected, make_run, make_snapshot, make_task


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    return client


@pytest.fixture
def bob(task: BackupTask) -> Entity:
    return make_protected(task, "Bob Smith")


def make_folder(entity: Entity, remote_id: str, name: str, parent: str | None = None, **fields: Any) -> None:
    NodeVersion.objects.create(
        account_id=entity.account_id,
        entity_id=entity.pk,
        sub_service="mail",
        remote_id=remote_id,
        remote_hash=hash_of(remote_id),
        parent_id=parent,
        name=name,
        is_folder=True,
        run_id=1,
        **{"first": 1, **fields},
    )


def make_issues(run: Any, kind: IssueKind, number: int) -> None:
    RunIssue.objects.bulk_create(
        RunIssue(
            account_id=run.account_id,
            run=run,
            entity_id=run.entity_id,
            sub_service="mail",
            kind=kind,
            remote_id=f"{kind}-{index}",
            label=f"{kind} message {index}",
            what="Marked as malware by Microsoft.",
            do="Release it at Microsoft.",
        )
        for index in range(number)
    )


def test_new_and_changed_items_are_counted_by_day(bob: Entity) -> None:
    now = clock.now()
    for back, verdict in (
        (0, Verdict.PARTIAL),
        (1, Verdict.FAILED),
        (29, Verdict.SUCCESS),
        (30, Verdict.SUCCESS),
    ):
        at = now - timedelta(days=back)
        run = make_run(bob, verdict=verdict, started_at=at)
        make_snapshot(run, number=back + 1, taken_at=at, added=10 + back, changed=1)
    days = days_of(bob)
    assert len(days) == 30 and days[-1].date == now.date()
    assert [(days[-1].added, days[-1].mark), (days[-2].total, days[-2].mark)] == [
        (10, "partial"),
        (12, "failed"),
    ]
    assert (days[0].added, days[0].mark, sum(day.total for day in days)) == (39, "", 11 + 12 + 40)


def test_the_chart_ends_on_a_round_number_and_says_itself_in_words() -> None:
    today = clock.now().date()
    days = [Day(today - timedelta(days=1), verdicts={"failed"}), Day(today)]
    days[0].add("mail", 200, 19)
    days[0].add("calendars", 70, 10)
    chart = chart_of(days)
    assert [label for _, label in chart.lines] == ["0", "150", "300"]
    assert [part.css for part in chart.bars[0].segments] == ["k1", "k2"] and chart.bars[1].segments == []
    assert chart.kinds == [("k1", "Mail"), ("k2", "Calendars")] and chart.bars[0].numbers == [219, 80]
    assert days[0].words.endswith("270 new and 29 changed. Mail 219, Calendars 80. Failed.")
    assert "299 new and changed items. Failed on" in chart.sentence


def test_the_sliders_show_fewer_days_whichever_of_them_is_first(olivia: Client, bob: Entity) -> None:
    make_snapshot(make_run(bob, verdict=Verdict.SUCCESS), items=1_234, added=7)
    address = reverse("entity", args=[bob.public_id])
    page = olivia.get(address).text
    assert (
        page.count("data-day=") == 30
        and "1,234</b>" in page
        and "7 new and 0 changed. Mail 7. Success." in page
    )
    assert olivia.get(address, {"first": "27", "last": "20"}).text.count("data-day=") == 8
    assert olivia.get(address, {"first": "x", "last": "999"}).text.count("data-day=") == 30
    part = olivia.get(address, {"first": "29"}, headers={"HX-Request": "true", "HX-Target": "days-chart"}).text
    assert part.count("data-day=") == 1 and "<html" not in part and "Runs" not in part


def test_a_chart_of_nothing_is_a_chart() -> None:
    assert [label for _, label in chart_of([Day(clock.now().date())]).lines] == ["0", "2", "4"]


def test_coverage_names_folders_as_they_were_and_what_is_missing(bob: Entity) -> None:
    coverage = {
        "a": {"expected": 10, "captured": 7, "failed": 1, "skipped": 1},
        "b": {"expected": None, "captured": 4},
        "gone": {"expected": 1, "captured": 1},
    }
    snapshot = make_snapshot(make_run(bob, verdict=Verdict.PARTIAL), number=5, coverage=coverage)
    make_folder(bob, "root", "Top")
    make_folder(bob, "a", "Old name", "root", gone=3)
    make_folder(bob, "a", "Orders", "root", first=3)
    make_folder(bob, "b", "Later name", "root", first=6)
    make_folder(bob, "b", "Staff", "a", gone=6)
    found = coverage_of(snapshot)
    assert [(gap.path, gap.state) for gap in found.gaps] == [
        ("Top / Orders", "1 failed, 1 skipped, 1 not captured")
    ]
    assert [folder.path for folder in found.complete] == ["Folder without a name", "Top / Orders / Staff"]
    assert (found.captured, found.expected) == (12, 15)


def test_paths_of_folders_leave_out_the_root_that_people_do_not_see(bob: Entity) -> None:
    make_folder(bob, "root", "Top of Information Store", well_known="msgfolderroot")
    make_folder(bob, "a", "Inbox", "root")
    make_folder(bob, "b", "Orders", "a")
    counted = {each: {"expected": 1, "captured": 1} for each in ("root", "a", "b")}
    found = coverage_of(make_snapshot(make_run(bob), coverage=counted))
    assert [folder.path for folder in found.complete] == [
        "Inbox", "Inbox / Orders", "Top of Information Store",
    ]  # fmt: skip


def test_what_was_not_counted_anew_is_not_said_to_be_nothing(bob: Entity, olivia: Client) -> None:
    counted = {"a": {"expected": 1, "captured": 1}}
    make_snapshot(make_run(bob, verdict=Verdict.SUCCESS), number=1, coverage=counted, items=39)
    address = reverse("entity", args=[bob.public_id])
    assert "39 items kept" in olivia.get(address).text
    unread = {"a": {"unread": 1, "captured": 0}}
    make_snapshot(make_run(bob, verdict=Verdict.PARTIAL), number=2, coverage=unread, items=39)
    assert "No folder was counted anew: 39 items kept" in olivia.get(address).text
    empty = {"a": {"expected": 0, "captured": 0}}
    make_snapshot(make_run(bob, verdict=Verdict.SUCCESS), number=3, coverage=empty, items=39)
    assert "No folder was counted anew" not in olivia.get(address).text


def test_folders_that_name_each_other_as_parents_end_the_walk(bob: Entity) -> None:
    make_folder(bob, "a", "A", "b")
    make_folder(bob, "b", "B", "a")
    snapshot = make_snapshot(make_run(bob), coverage={"a": {"expected": 0, "captured": 0}})
    assert coverage_of(snapshot).complete[0].path == "B / A"


def test_runs_are_paged_newest_first(bob: Entity) -> None:
    now = clock.now()
    for back in range(25):
        make_run(bob, verdict=Verdict.SUCCESS, started_at=now - timedelta(days=back))
    first = run_page(bob)
    second = run_page(bob, after=first.following)
    assert [len(first.items), len(second.items)] == [10, 10]
    assert first.items[-1].started_at > second.items[0].started_at
    assert first.previous is None and second.previous is not None


def test_a_run_names_every_item_that_was_not_stored_with_cause_and_remedy(olivia: Client, bob: Entity) -> None:
    run = make_run(bob, verdict=Verdict.PARTIAL, items_failed=1, items_skipped=130)
    make_issues(run, IssueKind.FAILED, 1)
    make_issues(run, IssueKind.SKIPPED, 130)
    address = reverse("run", args=[run.public_id])
    page = olivia.get(address).text
    assert "failed message 0" in page and "Release it at Microsoft." in page
    assert "skipped message 99" in page and "skipped message 100" not in page
    following = issue_page(run, IssueKind.SKIPPED).next
    rest = olivia.get(address, {"kind": "skipped", "after": following}).text
    assert "skipped message 100" in rest and "skipped message 129" in rest and "failed message 0" in rest


def test_how_long_a_run_took_is_said_in_words(bob: Entity) -> None:
    now = clock.now()
    spans = {0.4: "under 1 s", 48: "48 s", 408: "6 min 48 s", 3 * 3600 + 120: "3 h 02 min"}
    for seconds, words in spans.items():
        run = make_run(bob, started_at=now, finished_at=now + timedelta(seconds=seconds))
        assert took_words(run) == words


def test_the_page_of_a_mailbox_shows_its_runs_and_says_when_there_is_none(
    olivia: Client, task: BackupTask, bob: Entity
) -> None:
    info = make_mailbox(task, "Info")
    assert "No backup has run yet." in olivia.get(reverse("entity", args=[info.public_id])).text
    run = make_run(bob, verdict=Verdict.SUCCESS, finished_at=clock.now())
    assert reverse("run", args=[run.public_id]) in olivia.get(reverse("entity", args=[bob.public_id])).text


def test_a_mailbox_in_progress_asks_again_and_is_loaded_anew_when_done(olivia: Client, bob: Entity) -> None:
    live = {"lease_owner": "worker:1", "lease_until": clock.now() + timedelta(minutes=1)}
    Entity.objects.filter(pk=bob.pk).update(**live)
    make_run(bob, items_expected=200, items_stored=50)
    page = olivia.get(reverse("entity", args=[bob.public_id])).text
    assert "In progress, 25 %" in page and "every 5s" in page and 'value="cancel"' in page
    address = reverse("entity_live", args=[bob.public_id])
    assert "HX-Refresh" not in olivia.get(address, headers={"HX-Request": "true"}).headers
    Entity.objects.filter(pk=bob.pk).update(lease_owner="", lease_until=None)
    assert olivia.get(address, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


def test_a_mailbox_that_cannot_be_reached_says_so_on_both_pages(olivia: Client, task: BackupTask) -> None:
    lost = make_mailbox(
        task, "Info", reachable=False, properties={"unreachable": "MailboxNotEnabledForRESTAPI"}
    )
    assert "Not reachable" in olivia.get(reverse("task", args=[task.public_id])).text
    page = olivia.get(reverse("entity", args=[lost.public_id])).text
    assert "Microsoft gives no access to this mailbox." in page and "MailboxNotEnabledForRESTAPI" in page


@pytest.mark.parametrize("name", ["entity", "entity_live", "run"])
def test_what_belongs_to_another_account_is_not_there(client: Client, cast: Cast, name: str) -> None:
    with account_scope(cast.other_account.pk):
        foreign = make_protected(make_task(make_connection(cast.other_account)), "Secret Sam")
        run = make_run(foreign)
    client.force_login(cast.owner)
    answer = client.get(reverse(name, args=[run.public_id if name == "run" else foreign.public_id]))
    assert answer.status_code == 404 and "Secret Sam" not in answer.text


def test_a_mailbox_is_put_first_among_the_due_on_its_page(olivia: Client, bob: Entity) -> None:
    page = reverse("entity", args=[bob.public_id])
    answer = olivia.post(reverse("entity_act", args=[bob.public_id]), {"action": "first"}, follow=True)
    bob.refresh_from_db()
    assert bob.precedence == Precedence.FIRST
    assert "".join(map(str, answer.context["messages"])).startswith("1 mailbox: first from now on")
    assert (
        '<button class="btn btn-sm" type="submit" name="action" value="first" aria-pressed="true" disabled>'
        in olivia.get(page).text
    )
    olivia.post(reverse("entity_act", args=[bob.public_id]), {"action": "in_turn"})
    bob.refresh_from_db()
    assert bob.precedence == Precedence.USUAL
