"""Green means: nothing is uncovered that nobody acknowledged. Proved over any gaps and acknowledgements."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.backups.engine.gaps import judge
from apps.backups.engine.verdict import Gap, Outcome, decide
from apps.backups.enums import GapCause, Verdict
from apps.backups.models import CoverageGap
from apps.connectors.base import FetchProblem, NotOffered
from apps.connectors.enums import SkipCause, SubService
from apps.core import clock
from apps.core.errors import Forbidden, Unavailable
from tests.backups.test_kinds_fail_alone import breaks, heals, with_contacts
from tests.fixtures.mailbox import Mailbox

KINDS = ("mail", "contacts")
places = st.sampled_from(["", "inbox", "sent"])
causes = st.sampled_from(GapCause.values)
gaps = st.builds(
    Gap,
    sub_service=st.sampled_from(KINDS),
    place=places,
    cause=causes,
    count=st.integers(1, 5),
    by_default=st.booleans(),
)
rows = st.builds(
    lambda kind, place, cause, count, known: CoverageGap(
        sub_service=kind,
        place=place,
        place_hash=CoverageGap.hash_of_place(place),
        cause=cause,
        count=count,
        acknowledged_count=known,
        acknowledged_at=clock.now() if known else None,
    ),
    st.sampled_from(KINDS),
    places,
    causes,
    st.integers(1, 5),
    st.integers(0, 5),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    found=st.lists(gaps, max_size=6, unique_by=lambda gap: gap.key),
    known=st.lists(rows, max_size=6, unique_by=lambda row: row.key),
    read=st.sets(st.sampled_from(KINDS)),
)
def test_green_is_said_exactly_when_every_gap_was_acknowledged_as_large_as_it_is(
    found: list[Gap], known: list[CoverageGap], read: set[str]
) -> None:
    """The truth, told once more in plain words, over what was found and what stands of kinds not read."""
    said = {row.key: row.acknowledged_count for row in known if row.acknowledged_at}
    whole = {"refused", "kind", "not_reachable"}
    anew = {gap.sub_service for gap in found if not gap.place and gap.cause in whole}
    standing = {
        row.key: row.count
        for row in known
        if row.sub_service not in read
        and not (row.sub_service in anew and not row.place and row.cause in whole)
    }
    sizes = standing | {gap.key: gap.count for gap in found}
    limits = {gap.key for gap in found if gap.by_default}
    uncovered = [key for key, count in sizes.items() if key not in limits and said.get(key, 0) < count]
    judged = judge(found, known, read)
    outcome = Outcome(kinds_read=len(read), acknowledged=judged.known)
    for gap in judged.open:
        outcome.add(gap)
    verdict, message = decide(outcome)
    if not read:
        assert verdict == Verdict.FAILED
    else:
        assert verdict == (Verdict.PARTIAL if uncovered else Verdict.SUCCESS)
    assert message


pytestmark = pytest.mark.database


def acknowledge(**which: object) -> None:
    for row in CoverageGap.objects.filter(**which):
        row.acknowledged_at, row.acknowledged_count = datetime(2026, 1, 1, tzinfo=UTC), row.count
        row.acknowledged_items = row.items
        row.save()


def test_skipped_items_stand_in_every_run_until_somebody_acknowledges_them_and_when_they_become_more(
    mailbox: Mailbox,
) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox)
    bad = [mailbox.cloud.add_mail(inbox, f"Bad {n}") for n in range(2)]

    def infected(mail: str) -> None:
        mailbox.cloud.problems[mail] = FetchProblem(mail, "malware", skip=SkipCause.MALWARE)

    infected(bad[0])
    assert [mailbox.run(), mailbox.run()] == ["partial", "partial"]
    gap = CoverageGap.objects.get()
    assert (gap.label, gap.cause, gap.count, gap.place) == ("Inbox", "malware", 1, inbox)
    assert mailbox.snapshots()[-1].coverage[inbox]["skipped malware"] == 1
    acknowledge()
    assert mailbox.run() == "success"
    assert "1 gap that was acknowledged" in mailbox.last_run().message
    mailbox.cloud.change_mail(bad[1], content=b"now infected, too")
    infected(bad[1])
    assert mailbox.run() == "partial", "it grew beyond what was acknowledged"
    assert CoverageGap.objects.get().acknowledged_at is None
    mailbox.cloud.problems.clear()
    assert mailbox.run() == "success"
    assert not CoverageGap.objects.exists()
    assert mailbox.state(5) == mailbox.live(), "the provider handed them out in the end"


def test_another_item_in_the_place_of_one_that_healed_is_asked_about(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mails = [mailbox.cloud.add_mail(inbox, f"Mail {number}") for number in range(3)]

    def infected(*which: int) -> str:
        mailbox.cloud.problems.clear()
        for mail in (mails[each] for each in which):
            mailbox.cloud.change_mail(mail, content=f"day {mailbox.now}".encode())
            mailbox.cloud.problems[mail] = FetchProblem(mail, "malware", skip=SkipCause.MALWARE)
        return mailbox.run()

    assert infected(0, 1) == "partial"
    acknowledge()
    assert [infected(0, 1), infected(0)] == ["success", "success"], "what was acknowledged, or less"
    assert infected(0, 1) == "partial", "it had healed: this is a new loss"
    acknowledge()
    assert infected(1, 2) == "partial", "as many, but not the same"
    assert CoverageGap.objects.get().acknowledged_at is None


def test_a_kind_without_permission_is_open_until_it_is_acknowledged_or_granted(mailbox: Mailbox) -> None:
    contacts = with_contacts(mailbox)
    breaks(contacts, Forbidden("A permission is missing.", do="Grant Contacts.Read."))
    mailbox.run()
    gap = CoverageGap.objects.get()
    assert (gap.sub_service, gap.place, gap.cause, gap.label) == ("contacts", "", "refused", "Contacts")
    acknowledge()
    assert mailbox.run() == "success"
    heals(contacts)
    assert mailbox.run() == "success"
    assert not CoverageGap.objects.exists()


def test_what_a_mailbox_does_not_have_is_named_and_no_failure_but_what_it_had_is_missed(
    mailbox: Mailbox,
) -> None:
    contacts = with_contacts(mailbox)
    notes = mailbox.cloud.beside[SubService.NOTES] = type(contacts)()
    breaks(notes, NotOffered("Microsoft has no notes here."))
    assert mailbox.run() == "success"
    gap = CoverageGap.objects.get()
    assert (gap.sub_service, gap.by_default, gap.what) == ("notes", True, "Microsoft has no notes here.")
    breaks(contacts, NotOffered("Microsoft has no contacts here."))
    assert mailbox.run() == "partial"
    assert set(CoverageGap.objects.values_list("sub_service", "cause")) == {
        ("notes", "not_reachable"),
        ("contacts", "kind"),
    }


def test_the_sentence_of_a_run_counts_folders_and_names_none() -> None:
    outcome = Outcome(kinds_read=1)
    outcome.add(Gap("mail", "a", GapCause.MISSING, label="Divorce", captured=9, expected=1_300))
    assert decide(outcome)[1] == (
        "1 folder holds more than could be read by the provider's own count: 1,291 items."
    )
    outcome.add(Gap("mail", "b", GapCause.MISSING, label="Doctor", captured=0, expected=1))
    assert decide(outcome)[1].startswith("2 folders hold more")


def test_an_acknowledged_kind_that_is_not_read_is_open_again_for_another_reason_or_after_two_weeks(
    mailbox: Mailbox,
) -> None:
    contacts = with_contacts(mailbox)
    breaks(contacts, Unavailable("Microsoft does not answer."))
    assert mailbox.run() == "partial"
    CoverageGap.objects.update(acknowledged_at=mailbox.now, acknowledged_count=1)
    assert mailbox.run() == "success"
    breaks(contacts, Unavailable("Microsoft answers with an error."))
    assert mailbox.run() == "partial", "this is not what was acknowledged"
    CoverageGap.objects.update(acknowledged_at=mailbox.now, acknowledged_count=1)
    assert [mailbox.run() for _ in range(14)] == ["success"] * 13 + ["partial"]
    assert CoverageGap.objects.get().acknowledged_at is None
