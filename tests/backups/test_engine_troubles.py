"""Bad clouds: the run says what happened in plain words, keeps what is good, and is never green by mistake."""

from datetime import timedelta

import pytest

from apps.backups.enums import IssueKind, Verdict
from apps.backups.models import Entity, RunIssue
from apps.connectors.base import Change, FetchProblem, FolderFailed, FoldersListed
from apps.connectors.enums import ConnectionState, SkipCause
from apps.connectors.models import Connection
from apps.core.errors import ConsentLost, Gone, Throttled, Unavailable
from tests.fixtures.mailbox import Mailbox

pytestmark = pytest.mark.database


def fails(mail: str) -> FetchProblem:
    return FetchProblem(mail, "Microsoft could not open the message.", code="ErrorInternal", request_id="abc")


def test_one_poisoned_mail_makes_the_run_partial_names_it_and_keeps_the_rest(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    good = [mailbox.cloud.add_mail(inbox) for _ in range(20)]
    bad = mailbox.cloud.add_mail(inbox, "Poisoned")
    mailbox.cloud.problems[bad] = fails(bad)
    assert mailbox.run() == "partial"
    assert mailbox.state(1).keys() == {inbox, *good}
    issue = RunIssue.objects.get()
    assert (issue.label, issue.folder_label, issue.kind, issue.open) == ("Poisoned", "Inbox", "failed", True)
    assert "reference abc" in issue.what
    assert "1 item could not be read" in mailbox.last_run().message


def test_a_failed_mail_is_fetched_by_the_next_run_though_no_change_names_it(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox)
    bad = mailbox.cloud.add_mail(inbox)
    mailbox.cloud.problems[bad] = fails(bad)
    mailbox.run()
    assert mailbox.run() == "partial", "still failing, still not green"
    mailbox.cloud.problems.clear()
    assert mailbox.run() == "success"
    assert [bad in mailbox.state(number) for number in (1, 2, 3)] == [False, False, True]
    assert not RunIssue.objects.filter(open=True).exists()
    assert RunIssue.objects.count() == 2, "the history of both failures stays"


def test_a_mail_that_changed_but_cannot_be_fetched_keeps_its_last_state_where_it_is_now(
    mailbox: Mailbox,
) -> None:
    inbox, archive = mailbox.cloud.add_folder("Inbox"), mailbox.cloud.add_folder("Archive")
    mail, stays = (
        mailbox.cloud.add_mail(inbox, content=b"first"),
        mailbox.cloud.add_mail(inbox, content=b"first"),
    )
    mailbox.run()
    mailbox.cloud.change_mail(mail, content=b"second")
    mailbox.cloud.change_mail(stays, content=b"second")
    mailbox.cloud.move_mail(mail, archive)
    mailbox.cloud.problems = {mail: fails(mail), stays: fails(stays)}
    assert mailbox.run() == "partial"
    assert (mailbox.state(2)[mail].parent, mailbox.state(2)[mail].content) == (archive, b"first")
    assert (mailbox.state(2)[stays].parent, mailbox.state(2)[stays].content) == (inbox, b"first")
    mailbox.cloud.problems = {}
    assert mailbox.run() == "success"
    assert mailbox.state(3) == mailbox.live()


def test_a_failed_mail_that_is_deleted_is_no_trouble_any_more(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox)
    bad = mailbox.cloud.add_mail(inbox)
    mailbox.cloud.problems[bad] = fails(bad)
    mailbox.run()
    mailbox.cloud.delete_mail(bad)
    assert mailbox.run() == "success"
    assert not RunIssue.objects.filter(open=True).exists()


def test_a_failed_mail_that_a_full_list_does_not_name_any_more_has_ended(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox)
    bad = mailbox.cloud.add_mail(inbox)
    mailbox.run()
    mailbox.cloud.change_mail(bad, content=b"second")
    mailbox.cloud.problems[bad] = fails(bad)
    assert mailbox.run() == "partial"
    mailbox.cloud.delete_mail(bad)
    mailbox.cloud.problems[bad] = FetchProblem(bad, "gone", skip=SkipCause.GONE)
    mailbox.cloud.refuse_cursor = True
    mailbox.run()
    assert mailbox.state(3) == mailbox.live()


@pytest.mark.parametrize(("cause", "verdict"), [(SkipCause.MALWARE, "partial"), (SkipCause.GONE, "success")])
def test_a_skipped_mail_is_named_with_its_cause(mailbox: Mailbox, cause: SkipCause, verdict: str) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox)
    bad = mailbox.cloud.add_mail(inbox)
    mailbox.cloud.problems[bad] = FetchProblem(bad, cause.label, skip=cause)
    assert mailbox.run() == verdict
    issue = RunIssue.objects.get()
    assert (issue.kind, issue.cause, issue.open) == (IssueKind.SKIPPED, cause, True)
    assert mailbox.last_run().items_skipped == 1


def test_a_mail_that_was_not_found_in_passing_is_stored_by_the_next_run(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox)
    there = mailbox.cloud.add_mail(inbox)
    mailbox.cloud.problems[there] = FetchProblem(there, "not found", skip=SkipCause.GONE)
    assert mailbox.run() == "success"
    assert there not in mailbox.state(1)
    mailbox.cloud.problems = {}
    assert mailbox.run() == "success"
    assert mailbox.state(2) == mailbox.live()
    assert not RunIssue.objects.filter(open=True).exists()


def test_a_mail_that_went_while_it_was_fetched_is_asked_for_until_its_removal_is_named(
    mailbox: Mailbox,
) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox)
    went = mailbox.cloud.add_mail(inbox)
    mailbox.cloud.problems[went] = FetchProblem(went, "not found", skip=SkipCause.GONE)
    mailbox.run()
    mailbox.cloud.delete_mail(went)
    assert mailbox.run() == "success"
    assert not RunIssue.objects.filter(open=True).exists()


def test_a_mailbox_of_which_nothing_can_be_read_has_failed(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mails = [mailbox.cloud.add_mail(inbox) for _ in range(3)]
    mailbox.cloud.problems = {mail: fails(mail) for mail in mails}
    assert mailbox.run() == "failed"
    assert mailbox.snapshots() == []
    soon = Entity.objects.get().next_run_at
    assert soon is not None and soon - mailbox.now < timedelta(minutes=10)
    mailbox.cloud.problems = {}
    assert mailbox.run() == "success"
    assert mailbox.state(1) == mailbox.live()


@pytest.mark.parametrize(
    "error",
    [
        Throttled("Microsoft asks us to wait.", retry_after=700),
        Unavailable("Microsoft does not answer."),
        ConsentLost("Microsoft refuses our sign-in.", do="Authenticate again."),
        Gone("The mailbox is no longer there."),
        OSError(28, "No space left on device"),
        ValueError("a fault of ours"),
    ],
)
def test_an_error_in_the_middle_fails_the_run_in_words_and_costs_the_next_one_no_download(
    mailbox: Mailbox, error: Exception
) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    for _ in range(100):
        mailbox.cloud.add_mail(inbox)

    def trouble(page: int) -> None:
        if page == 3:
            raise error

    mailbox.cloud.before_page = trouble
    assert mailbox.run() == "failed"
    run = mailbox.last_run()
    assert run.verdict == Verdict.FAILED
    assert run.finished_at is not None
    expected = str(error) if hasattr(error, "what") else "A fault of ours"
    assert expected in run.message
    assert "Traceback" not in run.message
    assert mailbox.snapshots() == []
    early = list(mailbox.cloud.fetched)
    assert early, "what came before the error was read"
    mailbox.cloud.before_page = lambda page: None
    assert mailbox.run() == "success"
    assert mailbox.state(1) == mailbox.live()
    assert sorted(mailbox.cloud.fetched) == sorted(mailbox.cloud.mails), "no mail was downloaded twice"


def test_lost_consent_disconnects_the_connection(mailbox: Mailbox) -> None:
    def refuse(page: int) -> None:
        raise ConsentLost("Microsoft refuses our sign-in.", do="Authenticate again.")

    mailbox.cloud.before_page = refuse
    mailbox.run()
    connection = Connection.objects.get()
    assert connection.state == ConnectionState.DISCONNECTED
    assert "Authenticate again." in connection.state_reason


def test_a_failed_run_is_tried_again_sooner_but_not_before_the_provider_allows(mailbox: Mailbox) -> None:
    def wait(page: int) -> None:
        raise Throttled("Microsoft asks us to wait.", retry_after=700)

    mailbox.cloud.before_page = wait
    mailbox.run()
    entity = Entity.objects.get()
    assert entity.next_run_at is not None
    waits = (entity.next_run_at - mailbox.now).total_seconds()
    assert 700 <= waits < 3_600
    assert (entity.last_verdict, entity.lease_owner) == ("failed", "")


def test_each_failure_in_a_row_is_waited_for_longer(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(page: int) -> None:
        raise Unavailable("Microsoft does not answer.")

    mailbox.cloud.before_page = fail
    far = mailbox.now + timedelta(days=30)
    monkeypatch.setattr("apps.backups.engine.pace.slot_after_run", lambda entity, **_: far)
    waits = []
    for _ in range(6):
        mailbox.run()
        next_run_at = Entity.objects.get().next_run_at
        assert next_run_at is not None
        waits.append(round((next_run_at - mailbox.now).total_seconds() / 60))
    assert waits == [5, 15, 45, 120, 240, 240]


def test_a_cancelled_run_keeps_what_it_read_and_says_so(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    for _ in range(100):
        mailbox.cloud.add_mail(inbox)
    asked = []

    def cancel(page: int) -> None:
        asked.append(page)
        if page == 2:
            _in_another_thread(
                lambda: Entity.objects.filter(pk=mailbox.entity.pk).update(cancel_requested=True)
            )

    mailbox.cloud.before_page = cancel
    assert mailbox.run() == "cancelled"
    assert asked == [0, 1, 2]
    assert mailbox.snapshots() == []
    mailbox.cloud.before_page = lambda page: None
    assert mailbox.run() == "success"
    assert len(mailbox.cloud.fetched) == 100


def test_a_worker_that_shuts_down_leaves_the_run_to_be_continued_at_once(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    for _ in range(100):
        mailbox.cloud.add_mail(inbox)
    pages: list[int] = []
    mailbox.cloud.before_page = pages.append
    assert mailbox.run(stopping=lambda: len(pages) > 2) == "cancelled"
    entity = Entity.objects.get()
    assert entity.next_run_at is not None
    assert (entity.next_run_at - mailbox.now).total_seconds() < 60
    assert mailbox.run() == "success"
    assert len(mailbox.cloud.fetched) == 100


def _in_another_thread(work: object) -> None:
    """Do database work from inside the run's loop, where Django allows none."""
    import contextvars
    import threading

    from django.db import connections

    def do() -> None:
        work()  # type: ignore[operator]
        connections.close_all()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(do,))
    thread.start()
    thread.join()


def test_below_a_folder_that_could_not_be_read_nothing_has_gone_though_one_between_was_renamed(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = mailbox.cloud
    inbox, archive = cloud.add_folder("Inbox"), cloud.add_folder("In-Place Archive")
    family = cloud.add_folder("Family", archive)
    letters = cloud.add_folder("Letters", family)
    cloud.add_mail(inbox)
    cloud.add_mail(letters)
    mailbox.run()
    before = mailbox.state(1)
    cloud.change_folder(family, name="Relatives")
    broken_off: list[Change] = [cloud._folder_word(each) for each in (inbox, archive, family)]
    broken_off += [FolderFailed(archive, "It could not be read.", whole=True), FoldersListed()]
    monkeypatch.setattr(cloud, "changes_since", lambda cursor: broken_off)
    assert mailbox.run() == "partial"
    assert mailbox.state(2).keys() == before.keys()
    assert mailbox.state(2)[family].name == "Relatives"
    assert mailbox.state(2)[letters] == before[letters]
