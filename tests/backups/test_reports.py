"""Reports: green only for what was done, once per period, and of nothing that its reader may not see."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Account
from apps.accounts.selectors import person_now
from apps.backups import selectors
from apps.backups.enums import EntityState, GapCause, ReportState, Verdict
from apps.backups.models import BackupTask, CoverageGap, Entity, Report, ReportCopy, ReportSettings
from apps.backups.reports import letters, making, services
from apps.backups.reports.content import Tone, task_lines
from apps.backups.reports.paper import Paper, paper_of, table_of
from apps.connectors.enums import ConnectionState
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.notifications.letters import opened, written
from apps.notifications.models import Delivery, Recipient, Refusal
from tests.cast import Cast, prove_again

from .makers import make_connection, make_mailbox, make_protected, make_task

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _worker() -> Iterator[None]:
    """Reports are made by the clock; letters wait."""
    with acting_as(SYSTEM), patch("celery.app.task.Task.apply_async"):
        yield


def lines(account_id: int, since: datetime | None = None) -> dict[str, Any]:
    tasks = list(BackupTask.objects.filter(account_id=account_id).select_related("connection", "policy"))
    return {line.name: line for line in task_lines(tasks, since or clock.now() - DAY)}


def report(cast: Cast, **fields: Any) -> Report:
    now = clock.now()
    wanted = {"since": now - DAY, "until": now, "format": "overview", "way": "attached", "zone": "UTC"}
    return Report.objects.create(account=cast.account, **{**wanted, **fields})


def switch_on(cast: Cast, **wanted: Any) -> ReportSettings:
    with acting_as_owner(cast):
        services.report_settings_save(**{"is_on": True, "at": time(8), "zone": "UTC"} | wanted)
    return ReportSettings.objects.get()


def acting_as_owner(cast: Cast) -> Any:
    person = person_now(cast.owner.pk)
    assert person is not None
    return acting_as(person)


def recipient(cast: Cast, address: str, **fields: Any) -> Recipient:
    wanted = {"kinds": ["summary"], "limited": True, "view": True, "services": None}
    return Recipient.objects.create(account=cast.account, address=address, **{**wanted, **fields})


def mails() -> dict[str, Any]:
    return {row.address: opened(row) for row in Delivery.objects.order_by("pk")}


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_only_what_was_done_is_green(cast: Cast, task: BackupTask) -> None:
    def tone(name: str = "Mail") -> Tone:
        return Tone(lines(cast.account.pk)[name].tone)

    assert tone() == Tone.PART, "nothing is listed, nothing is backed up"
    bob = make_protected(task, "Bob Smith")
    assert tone() == Tone.GOOD
    make_mailbox(task, "Paused", state=EntityState.PAUSED)
    assert tone() == Tone.GOOD, "what a person switched off is counted, not reproached"
    changes: list[tuple[dict[str, Any], Tone]] = [
        ({"last_verdict": Verdict.FAILED}, Tone.BAD),
        ({"last_verdict": Verdict.FAILED, "next_run_at": clock.now()}, Tone.BAD),
        ({"last_verdict": Verdict.PARTIAL, "lease_owner": "w", "lease_until": clock.now() + DAY}, Tone.PART),
        ({"overdue_at": clock.now() - DAY}, Tone.BAD),
        ({"overdue_at": clock.now() - DAY, "next_run_at": clock.now()}, Tone.BAD),
        ({"next_run_at": clock.now()}, Tone.WAITS),
        ({"last_verdict": "", "last_snapshot_at": None}, Tone.WAITS),
        ({"last_snapshot_at": clock.now() - 3 * DAY, "next_run_at": clock.now() + DAY}, Tone.QUIET),
        ({"last_snapshot_at": clock.now() - 3 * DAY}, Tone.QUIET),
        ({"state": EntityState.PAUSED}, Tone.PART),
    ]
    good = {field: getattr(bob, field) for change, _tone in changes for field in change}
    for change, wanted in changes:
        Entity.objects.filter(pk=bob.pk).update(**{**good, **change})
        assert tone() == wanted, change
    Entity.objects.filter(pk=bob.pk).update(**good)
    gap = CoverageGap.objects.create(
        account=cast.account, entity=bob, sub_service="mail", place_hash=1, cause=GapCause.FAILED
    )
    assert tone() == Tone.PART
    CoverageGap.objects.filter(pk=gap.pk).update(acknowledged_at=clock.now())
    assert tone() == Tone.GOOD
    BackupTask.objects.update(discovery_error="Microsoft did not answer.")
    assert tone() == Tone.PART
    Connection.objects.update(state=ConnectionState.DISCONNECTED)
    line = lines(cast.account.pk)["Mail"]
    assert line.tone == Tone.BAD and "connection" in line.said[0]


def test_an_account_without_tasks_is_told_so(cast: Cast, task: BackupTask) -> None:
    task.delete()
    paper = paper_of(report(cast))
    assert paper is not None and paper.is_trouble and "nothing is backed up" in paper.headline


def test_counts_are_those_of_the_tasks_page_for_each_reader(
    cast: Cast, task: BackupTask, django_assert_max_num_queries: Any
) -> None:
    for name in ("Agata", "Bob", "Carla"):
        make_protected(task, name)
    make_protected(task, "Dora", Verdict.FAILED)
    make_protected(task, "Board", Verdict.PARTIAL, limited=True)
    for number in range(20):
        make_protected(make_task(task.connection, name=f"Task {number}"), "Any", next_run_at=clock.now())
    for person in (cast.owner, cast.viewer):
        actor = person_now(person.pk)
        assert actor is not None
        with acting_as(actor):
            page = selectors.counters(task, selectors.Filters())
            with django_assert_max_num_queries(8):
                line = lines(cast.account.pk)["Mail"]
            assert line.total.by_word == page.by_word
            (row,) = [row for row in read("".join(table_of(report(cast)))) if row["Task"] == "Mail"]
            assert (row["All"], row["Partial"]) == (str(page.total), str(page.of(selectors.Word.PARTIAL)))
            names = {
                row["Name"]
                for row in read("".join(table_of(report(cast, format="failures", subject=person.email[:9]))))
            }
            assert names == ({"Dora", "Board"} if person == cast.owner else {"Dora"})


def test_a_period_is_reported_once_by_two_workers_and_after_an_outage(cast: Cast, task: BackupTask) -> None:
    make_protected(task, "Bob Smith")
    recipient(cast, "desk@partner.example")
    settings = switch_on(cast)
    seen_by_another = ReportSettings.objects.get()
    with clock.travel(settings.next_at + timedelta(minutes=1)):
        assert making.accounts_with_work() == {cast.account.pk}
        assert making.begin(settings) and not making.begin(seen_by_another)
        (row,) = Report.objects.all()
        with patch.object(making, "notify", side_effect=RuntimeError):
            assert making.work() == 0, "it is said in the log, and tried again"
        assert making.work() == 1 and making.work() == 0 and not making.make(row.pk)
        assert Delivery.objects.count() == 1 and not making.accounts_with_work()
    with clock.travel(settings.next_at + 4 * DAY + timedelta(hours=3)):
        assert making.work() == 1
    late = Report.objects.latest("until")
    assert (late.since, late.until) == (settings.next_at, settings.next_at + 4 * DAY), "once over all of it"
    assert ReportSettings.objects.get().next_at == settings.next_at + 5 * DAY


def test_an_outage_over_the_end_of_a_week_loses_no_report(cast: Cast, task: BackupTask) -> None:
    make_protected(task, "Bob Smith")
    recipient(cast, "desk@partner.example")
    settings = switch_on(cast, every="weekly")
    back = settings.next_at + 2 * DAY
    with clock.travel(back), patch.object(making, "notify", side_effect=RuntimeError):
        assert making.work() == 0
    with clock.travel(back + timedelta(hours=23)):
        assert making.accounts_with_work() == {cast.account.pk} and making.work() == 1
    assert Report.objects.get().until == settings.next_at
    Report.objects.update(state=ReportState.DUE)
    with clock.travel(back + timedelta(hours=25)):
        assert making.accounts_with_work() == {cast.account.pk} and making.work() == 0
        assert not making.accounts_with_work()
    last = services.last_report()
    assert last is not None and last.state == ReportState.GIVEN_UP
    assert "could not be made" in last.get_state_display(), "beside the last one, on the page"


def test_an_account_of_many_reports_keeps_no_worker_but_goes_on(
    cast: Cast, task: BackupTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "SECONDS", 0)
    for number in range(3):
        report(cast, subject=f"task:{number}", task=task)
    assert (making.work(), making.work()) == (1, 1) and making.accounts_with_work() == {cast.account.pk}
    assert making.work() == 1 and not making.accounts_with_work()


@pytest.mark.parametrize(
    ("every", "start", "ends"),
    [
        ("daily", datetime(2026, 3, 27, 12, tzinfo=UTC), ["28 07:00", "29 06:00", "30 06:00"]),
        ("daily", datetime(2026, 10, 23, 12, tzinfo=UTC), ["24 06:00", "25 07:00", "26 07:00"]),
        ("weekly", datetime(2026, 3, 20, 12, tzinfo=UTC), ["23 07:00", "30 06:00", "06 06:00"]),
        ("monthly", datetime(2026, 1, 31, 12, tzinfo=UTC), ["28 07:00", "31 06:00", "30 06:00"]),
    ],
)
def test_the_hour_is_that_of_the_wall(
    cast: Cast, task: BackupTask, every: str, start: datetime, ends: list[str]
) -> None:
    with clock.travel(start):
        settings = switch_on(cast, every=every, zone="Europe/Berlin", day=31)
    made = letters.letter_of(report(cast, since=settings.since, until=settings.next_at, zone="Europe/Berlin"))
    assert made is not None and "08:00 (Europe/Berlin)" in written(made).body
    found = []
    for _ in ends:
        with clock.travel(settings.next_at):
            making.begin(settings)
        settings.refresh_from_db()
        found.append(f"{settings.since:%d %H:%M}")
    assert found == ends


def test_only_in_case_of_failure_means_silence_else_and_the_page_says_so(cast: Cast, task: BackupTask) -> None:
    bob = make_protected(task, "Bob Smith")
    recipient(cast, "desk@partner.example")
    settings = switch_on(cast, only_failures=True)
    with clock.travel(settings.next_at):
        Entity.objects.update(last_snapshot_at=clock.now(), overdue_at=clock.now() + DAY)
        making.work()
        assert Report.objects.get().state == ReportState.NOT_NEEDED and not mails()
    with clock.travel(settings.next_at + DAY):
        Entity.objects.filter(pk=bob.pk).update(last_verdict=Verdict.FAILED)
        making.work()
    assert "needs attention" in mails()["desk@partner.example"].subject


def test_each_reader_is_told_of_what_they_see_also_in_the_attachment(cast: Cast, task: BackupTask) -> None:
    make_protected(task, "Bob Smith", Verdict.FAILED, last_message="Microsoft gave up.")
    make_protected(task, "Board", Verdict.FAILED, limited=True)
    for person in (cast.owner, cast.viewer, cast.custom):
        recipient(cast, person.email, user=person)
    recipient(cast, "desk@partner.example", limited=False)
    recipient(cast, "fired@partner.example", kinds=["recovery"])
    settings = switch_on(cast, format="failures")
    with clock.travel(settings.next_at):
        making.work()
    found = mails()
    everything = {}
    for address, letter in found.items():
        table = "".join(one.content.decode() for one in letter.attachments)
        everything[address] = letter.body + table
    assert "Microsoft gave up." in everything[cast.owner.email] and "Board" in everything[cast.owner.email]
    for address in (cast.viewer.email, "desk@partner.example", cast.custom.email):
        assert "Board" not in everything.get(address, "")
    assert "Bob Smith" in everything["desk@partner.example"]
    assert "Bob Smith" not in everything[cast.custom.email], "sees OneDrive only"
    assert "fired@partner.example" not in found


def test_a_link_is_for_members_who_may_see_for_a_week(cast: Cast, client: Client, task: BackupTask) -> None:
    make_protected(task, "Bob Smith", Verdict.FAILED)
    make_protected(task, "Board", Verdict.FAILED, limited=True)
    sent = report(cast, format="failures", way="link")
    address = letters.link_of(sent)
    assert client.get(address).status_code == 302
    wanted = {cast.owner: {"Bob Smith", "Board"}, cast.viewer: {"Bob Smith"}, cast.custom: set()}
    for person, names in wanted.items():
        client.force_login(person)
        assert {row["Name"] for row in read(client.get(address).getvalue().decode())} == names
    for person, status in ((cast.finance, 403), (cast.stranger, 404)):
        client.force_login(person)
        assert client.get(address).status_code == status
    client.force_login(cast.owner)
    assert client.get(address.replace(".csv", "x.csv")).status_code == 404
    with patch("django.core.signing.time.time", return_value=datetime.now(UTC).timestamp() + 8 * 86400):
        assert client.get(address).status_code == 404


def test_a_table_that_is_too_long_for_a_mail_comes_as_a_link(
    cast: Cast, task: BackupTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_protected(task, "Bob Smith")
    sent = report(cast)
    whole = letters.letter_of(sent)
    monkeypatch.setattr(letters, "LARGEST", 50)
    linked = letters.letter_of(sent)
    assert whole is not None and whole.attachments and linked is not None and not linked.attachments
    assert linked.link == letters.link_of(sent)


def test_a_task_and_a_mailbox_have_recipients_of_their_own(
    cast: Cast, client: Client, task: BackupTask
) -> None:
    bob = make_protected(task, "Bob Smith")
    make_protected(task, "Board", Verdict.FAILED, limited=True)
    make_protected(make_task(task.connection, name="Other"), "Agata Brown")
    client.force_login(cast.owner)
    of_task, of_bob = (
        reverse("task_reports", args=[task.public_id]),
        reverse("entity_reports", args=[bob.public_id]),
    )
    for page in (of_task, of_bob, reverse("reports")):
        answer = client.post(page, {"addresses": "thief@partner.example", "is_on": "on"})
        assert answer.status_code == 302 and answer.url.startswith(reverse("sudo")), (
            "an open session is no proof"
        )
    assert not ReportCopy.objects.exists()
    prove_again(client)
    client.post(of_task, {"addresses": "desk@partner.example; IT@partner.example,it@partner.example"})
    client.post(of_bob, {"addresses": "bob@private.example"})
    assert client.post(of_task, {"addresses": "desk"}).status_code == 400
    assert (
        "desk@partner.example; it@partner.example"
        in client.get(reverse("task_settings", args=[task.public_id])).text
    )
    assert "bob@private.example" in client.get(reverse("entity", args=[bob.public_id])).text
    settings = ReportSettings.objects.get()
    assert not settings.is_on
    with clock.travel(settings.next_at):
        making.work()
    found = mails()
    assert set(found) == {"desk@partner.example", "it@partner.example", "bob@private.example"}
    desk, own = found["desk@partner.example"], found["bob@private.example"]
    assert "Mail: needs attention" in desk.subject and "Other" not in desk.body + str(desk.facts)
    assert "Bob Smith: good" in own.subject and "Board" not in own.body and "Agata" not in own.body
    assert [row["Name"] for row in read(own.attachments[0].content.decode())] == ["Bob Smith"]
    ReportCopy.objects.update(
        readers={"desk@partner.example": {"services": None, "limited": False, "view": True}}
    )
    with clock.travel(settings.next_at + DAY):
        Entity.objects.update(last_snapshot_at=clock.now(), overdue_at=clock.now() + DAY)
        making.work()
    assert "Mail: all good" in mails()["desk@partner.example"].subject, "set by who does not see the board"
    client.post(of_task, {"addresses": ""})
    assert ReportCopy.objects.get().entity == bob


def test_who_ended_a_report_gets_it_again_when_somebody_writes_them_down_anew(
    cast: Cast, task: BackupTask
) -> None:
    with acting_as_owner(cast):
        services.report_copy_save(task=task, addresses=["a@partner.example", "b@partner.example"])
        for address in ("a@partner.example", "b@partner.example"):
            Refusal.objects.create(account=cast.account, address=address, kind="summary")
        services.report_copy_save(task=task, addresses=["a@partner.example"])
        services.report_copy_save(task=task, addresses=["a@partner.example", "b@partner.example"])
    assert Refusal.objects.get().address == "a@partner.example", "who stands there as before stays away"


def test_who_may_not_decide_where_reports_go_is_not_asked(cast: Cast, client: Client, task: BackupTask) -> None:
    client.force_login(cast.operator)
    assert "Report by mail" not in client.get(reverse("task_settings", args=[task.public_id])).text
    assert client.post(reverse("task_reports", args=[task.public_id]), {"addresses": ""}).status_code == 403


def paper(cast: Cast, **fields: Any) -> Paper:
    found = paper_of(report(cast, **fields))
    assert found is not None
    return found


def test_a_mailbox_that_somebody_paused_is_not_good(cast: Cast, task: BackupTask) -> None:
    bob = make_protected(task, "Bob Smith")
    assert paper(cast, task=task, entity=bob).tone == Tone.GOOD
    Entity.objects.update(state=EntityState.PAUSED)
    assert paper(cast, task=task, entity=bob, subject="2").is_trouble
    Entity.objects.update(state=EntityState.ACTIVE, last_snapshot_at=clock.now() - 2 * DAY)
    assert paper(cast, task=task, entity=bob, subject="3").tone == Tone.QUIET


def test_nothing_is_all_good_or_under_way_while_the_account_is_stopped(
    cast: Cast, settings: Any, task: BackupTask
) -> None:
    settings.BILLING = True
    bob = make_protected(task, "Bob Smith")
    assert paper(cast).headline == "all good"
    Account.objects.filter(pk=cast.account.pk).update(suspended_at=clock.now())
    abouts: list[dict[str, Any]] = [{}, {"task": task}, {"task": task, "entity": bob}]
    for number, about in enumerate(abouts):
        Entity.objects.update(next_run_at=clock.now() if number else None)
        found = paper(cast, subject=str(number), **about)
        assert found.is_trouble and found.headline == "backups of this account are stopped"


@pytest.mark.usefixtures("task")
def test_previews_are_what_is_sent(cast: Cast, client: Client) -> None:
    make_protected(BackupTask.objects.get(), "Bob Smith", Verdict.FAILED)
    make_task(make_connection(cast.account, tenant_id="two"), name="Empty")
    client.force_login(cast.owner)
    page = reverse("reports")
    assert "1 mailbox failed" in client.get(page, {"preview": "overview"}).text.replace("\xa0", " ")
    part = client.get(
        page, {"preview": "failures"}, headers={"HX-Request": "true", "HX-Target": "preview"}
    ).text
    assert "Bob Smith" in part and "<html" not in part
    table = client.get(reverse("report_sample", args=["failures"])).getvalue().decode()
    assert [row["Name"] for row in read(table)] == ["Bob Smith"]
    prove_again(client)
    form = {"is_on": "on", "format": "failures", "way": "link", "every": "weekly", "at": "07:30"}
    assert client.post(page, form | {"zone": "Asia/Tokyo", "weekday": "2", "day": "1"}).status_code == 302
    settings = ReportSettings.objects.get()
    assert settings.is_on and settings.next_at.weekday() == 1 and f"{settings.next_at:%H:%M}" == "22:30"
