"""Several kinds of data in one run: one that fails is named and kept as it was, the others are backed up."""

import pytest

from apps.backups.models import BackupTask, Entity, RunIssue, Snapshot
from apps.backups.selectors import last_coverage
from apps.connectors.base import FetchProblem
from apps.connectors.enums import SubService
from apps.core.errors import ConsentLost, EverkeepError, Forbidden, Gone, Malformed, Throttled, Unavailable
from apps.vault.store.errors import StoreFull
from tests.fakes.connector import FakeCloud
from tests.fixtures.mailbox import Mailbox

pytestmark = pytest.mark.database


def with_contacts(mailbox: Mailbox) -> FakeCloud:
    """Fill the mailbox with three mails and two contacts."""
    contacts = mailbox.cloud.beside[SubService.CONTACTS] = FakeCloud()
    inbox, people = mailbox.cloud.add_folder("Inbox"), contacts.add_folder("Contacts")
    for _ in range(3):
        mailbox.cloud.add_mail(inbox)
    for name in ("Ann", "Ben"):
        contacts.add_mail(people, name, mail_id=contacts.new_id("contact"))
    return contacts


def breaks(cloud: FakeCloud, error: Exception) -> None:
    def raise_it(page: int) -> None:
        raise error

    cloud.before_page = raise_it


def heals(*clouds: FakeCloud) -> None:
    for cloud in clouds:
        cloud.before_page = lambda page: None


def numbers(mailbox: Mailbox) -> dict[str, list[int]]:
    rows = Snapshot.objects.filter(entity=mailbox.entity).order_by("sub_service", "number")
    found: dict[str, list[int]] = {}
    for kind, number in rows.values_list("sub_service", "number"):
        found.setdefault(kind, []).append(number)
    return found


@pytest.mark.parametrize(
    "error",
    [
        Forbidden("A permission is missing.", do="Grant Contacts.Read."),
        Unavailable("Microsoft did not answer."),
        Malformed("Microsoft's answer cannot be understood."),
        Gone("It is no longer there."),
        KeyError("a parser of ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_kind_that_cannot_be_read_keeps_its_snapshot_and_stops_no_other(
    mailbox: Mailbox, error: Exception
) -> None:
    contacts = with_contacts(mailbox)
    assert mailbox.run() == "success"
    mailbox.cloud.add_mail(next(iter(mailbox.cloud.folders)))
    contacts.add_mail(next(iter(contacts.folders)), mail_id=contacts.new_id("contact"))
    breaks(contacts, error)
    assert mailbox.run() == "partial"
    assert numbers(mailbox) == {"mail": [1, 2], "contacts": [1]}
    message = mailbox.last_run().message
    assert message.startswith("Contacts could not be backed up and stand as they were: ")
    issue = RunIssue.objects.get()
    assert (issue.label, issue.sub_service, issue.kind, issue.open) == (
        "Contacts: everything", "contacts", "failed", False,
    )  # fmt: skip
    assert bool(issue.do) and issue.do in message
    heals(contacts)
    assert mailbox.run() == "success"
    assert numbers(mailbox) == {"mail": [1, 2, 3], "contacts": [1, 2]}
    assert Entity.objects.get().items == 4 + 3


def test_each_kind_says_how_it_went_itself(mailbox: Mailbox) -> None:
    contacts = with_contacts(mailbox)
    inbox = next(iter(mailbox.cloud.folders))
    bad = mailbox.cloud.add_mail(inbox, "Bad")
    mailbox.cloud.problems[bad] = FetchProblem(bad, "damaged")

    def shown() -> dict[str, tuple[str, str]]:
        return {
            each.snapshot.sub_service: (each.state, each.state_words) for each in last_coverage(mailbox.entity)
        }

    assert mailbox.run() == "partial"
    assert shown() == {"mail": ("partial", ""), "contacts": ("success", "")}
    del mailbox.cloud.problems[bad]
    breaks(contacts, Unavailable("Microsoft did not answer."))
    assert mailbox.run() == "partial"
    assert shown() == {"mail": ("success", ""), "contacts": ("partial", "Older")}
    heals(contacts)
    assert mailbox.run() == "success"
    assert shown() == {"mail": ("success", ""), "contacts": ("success", "")}
    left_out = {"kinds": ["contacts"], "folders": [], "names": []}
    BackupTask.objects.update(exclusions=left_out)
    assert mailbox.run() == "success"
    assert shown() == {"mail": ("success", ""), "contacts": ("success", "Older")}, "as somebody ordered"


def test_mail_that_fails_does_not_keep_contacts_from_their_backup(mailbox: Mailbox) -> None:
    with_contacts(mailbox)
    breaks(mailbox.cloud, Forbidden("A permission is missing.", do="Grant Mail.Read."))
    assert mailbox.run() == "partial"
    assert numbers(mailbox) == {"contacts": [1]}
    assert "Grant Mail.Read." in mailbox.last_run().message


def test_totals_of_the_mailbox_count_the_kinds_that_were_not_read_this_time(mailbox: Mailbox) -> None:
    contacts = with_contacts(mailbox)
    mailbox.run()
    before = Entity.objects.get()
    breaks(contacts, Unavailable("Microsoft did not answer."))
    mailbox.run()
    after = Entity.objects.get()
    assert (after.items, after.size) == (before.items, before.size) == (5, before.size)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ConsentLost("Microsoft no longer accepts our sign-in."), "failed"),
        (Throttled("Microsoft asked for patience."), "failed"),
        (StoreFull("The store is full."), "failed"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_concerns_all_kinds_ends_the_run(mailbox: Mailbox, error: EverkeepError, verdict: str) -> None:
    contacts = with_contacts(mailbox)
    breaks(contacts, error)
    assert mailbox.run() == verdict
    assert numbers(mailbox) == {}


def test_a_mailbox_that_is_gone_ends_the_run_before_its_other_kinds_are_asked_for(mailbox: Mailbox) -> None:
    contacts = with_contacts(mailbox)
    asked: list[int] = []
    contacts.before_page = asked.append
    breaks(mailbox.cloud, Gone("It is no longer there."))
    assert mailbox.run() == "failed"
    assert not asked


def test_a_run_of_which_every_kind_fails_has_failed_in_the_words_of_the_first(mailbox: Mailbox) -> None:
    contacts = with_contacts(mailbox)
    breaks(mailbox.cloud, Unavailable("Mail did not answer."))
    breaks(contacts, Unavailable("Contacts did not answer."))
    assert mailbox.run() == "failed"
    assert mailbox.last_run().message == "Mail did not answer."
    assert numbers(mailbox) == {}


def test_no_mail_and_failing_contacts_is_no_success_of_anything(mailbox: Mailbox) -> None:
    contacts = with_contacts(mailbox)
    breaks(mailbox.cloud, Unavailable("Mail did not answer."))
    for remote_id in contacts.mails:
        contacts.problems[remote_id] = FetchProblem(remote_id, "It cannot be opened.")
    assert mailbox.run() == "failed"
    assert "Nothing could be read" in mailbox.last_run().message


def test_a_kind_that_is_new_begins_with_its_first_snapshot(mailbox: Mailbox) -> None:
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    mailbox.run()
    with_contacts(mailbox)
    assert mailbox.run() == "success"
    assert numbers(mailbox) == {"mail": [1, 2], "contacts": [1]}
