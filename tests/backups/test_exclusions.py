"""What a rule leaves out is not fetched, named without being a gap, and comes back with the rule's end."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.backups.enums import GapCause
from apps.backups.exclusions import Exclusions, Sieve, pattern_problem
from apps.backups.models import BackupTask, CoverageGap, RunIssue
from apps.connectors.base import Upsert
from apps.connectors.enums import SubService
from apps.core.errors import InvalidRequest
from tests.fakes.connector import FakeCloud
from tests.fixtures.mailbox import Mailbox


def leave_out(**rule: object) -> None:
    BackupTask.objects.update(exclusions=Exclusions(**rule).to_json())  # type: ignore[arg-type]


def upsert(name: str, folder: str | None = None) -> Upsert:
    return Upsert(name, folder, False, name, "1", b"{}")


def test_patterns_are_those_of_people_and_not_of_programs() -> None:
    rule = Exclusions(names=("*.tmp", "report ?", "a[b]+"))
    named = ("Draft.TMP", "Report 7", "A[b]+", "report 12", "ab", "x.tmp.txt")
    assert [rule.names_item(name) for name in named] == [True, True, True, False, False, False]


@given(st.text("aAb?*.", max_size=8), st.text("aAb.\n", max_size=10))
def test_a_pattern_means_what_the_same_words_mean_to_a_backtracking_matcher(pattern: str, text: str) -> None:
    same = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    meant = re.fullmatch(same, text, re.IGNORECASE | re.DOTALL) is not None
    assert Exclusions(names=(pattern,)).names_item(text) is meant


def test_no_name_that_a_sender_chose_holds_a_worker_up() -> None:
    rule = Exclusions(names=("*a*a*a*ab", "*?a?*?a?*aab"))
    assert not rule.names_item("a" * 1_000), "a matcher that goes back would take minutes"
    assert rule.names_item("a" * 999 + "b")
    assert not rule.names_item("a" * 1_000_000 + "b"), "longer than any name is: it is backed up"


def test_a_folder_counts_by_name_or_path_with_all_that_is_below_it() -> None:
    folders = {"top": ("Top", None), "in": ("Inbox", "top"), "news": ("News", "in"), "old": ("Old", "news")}
    for pattern in ("news", "Inbox/News", "inbox/n*"):
        sieve = Sieve(Exclusions(folders=(pattern,)), dict(folders))
        assert [bool(sieve.why(upsert("m", at))) for at in ("in", "news", "old", None)] == [
            False, True, True, False,
        ], pattern  # fmt: skip
    assert not Sieve(Exclusions(folders=("Top/Inbox",)), folders).why(upsert("m", "in"))


@pytest.mark.parametrize("pattern", ["*", "**?", "x" * 101, "*a*b*c*d*"])
def test_a_pattern_that_would_take_everything_or_for_ever_is_refused(pattern: str) -> None:
    assert pattern_problem(pattern)
    with pytest.raises(InvalidRequest):
        Exclusions.from_json({"kinds": [], "folders": [], "names": [pattern]})


@pytest.mark.database
def test_what_is_left_out_is_not_fetched_and_no_gap_and_named_by_folder(mailbox: Mailbox) -> None:
    inbox, junk = mailbox.cloud.add_folder("Inbox"), mailbox.cloud.add_folder("Junk")
    kept = mailbox.cloud.add_mail(inbox)
    for _ in range(30):
        mailbox.cloud.add_mail(junk)
    leave_out(folders=("junk",))
    assert mailbox.run() == "success"
    assert mailbox.state(1).keys() == {inbox, junk, kept}
    gap = CoverageGap.objects.get()
    assert (gap.cause, gap.count, gap.label, gap.by_default) == (GapCause.EXCLUDED, 30, "Junk", True)
    assert mailbox.last_run().items_skipped == 30


@pytest.mark.database
def test_what_a_rule_left_out_comes_in_when_the_rule_ends_though_no_change_names_it(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox, "Weekly news")
    leave_out(names=("*news",))
    mailbox.run()
    assert mailbox.state(1).keys() == {inbox}
    BackupTask.objects.update(exclusions=None)
    assert mailbox.run() == "success"
    assert mailbox.state(2) == mailbox.live() and mail in mailbox.state(2)
    assert not RunIssue.objects.filter(open=True).exists() and not CoverageGap.objects.exists()


@pytest.mark.database
def test_what_is_stored_stays_under_a_rule_and_ends_when_the_source_ends_it(
    mailbox: Mailbox,
) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox, "Weekly news")
    mailbox.run()
    leave_out(names=("*news",))
    assert mailbox.run() == "success"
    assert mail in mailbox.state(2)
    mailbox.cloud.delete_mail(mail)
    assert mailbox.run() == "success"
    assert mail not in mailbox.state(3)


@pytest.mark.database
def test_a_kind_that_is_left_out_is_not_asked_for(mailbox: Mailbox) -> None:
    contacts = mailbox.cloud.beside[SubService.CONTACTS] = FakeCloud()
    contacts.add_mail(contacts.add_folder("Contacts"), "Ann", mail_id=contacts.new_id("contact"))
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    mailbox.run()
    leave_out(kinds=frozenset({"contacts"}))
    assert mailbox.run() == "success"
    gap = CoverageGap.objects.get()
    assert (gap.sub_service, gap.cause, gap.place, gap.by_default) == ("contacts", "excluded", "", True)
    assert [snapshot.sub_service for snapshot in mailbox.snapshots()].count("contacts") == 1
