"""An item that is stored without one of its files is a gap until the file is handed out."""

import pytest

from apps.backups.models import CoverageGap, RunIssue
from apps.connectors.base import FetchProblem
from apps.connectors.enums import SkipCause
from tests.fixtures.mailbox import Mailbox

pytestmark = pytest.mark.database


@pytest.mark.parametrize("cause", [SkipCause.MALWARE, None])
def test_an_item_without_one_of_its_files_is_stored_named_and_fetched_again_until_it_is_whole(
    mailbox: Mailbox, cause: SkipCause | None
) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox)
    mail = mailbox.cloud.add_mail(inbox, "Budget talk", content=b"without its file")
    mailbox.cloud.missing[mail] = (FetchProblem(mail, "“Agenda.pdf”: not handed out", skip=cause),)
    assert mailbox.run() == "partial"
    assert mailbox.state(1)[mail].content == b"without its file"
    issue = RunIssue.objects.get()
    assert (issue.label, issue.open) == ("Budget talk", True)
    assert "Agenda.pdf" in issue.what
    assert CoverageGap.objects.get().cause == (cause or "failed")
    ledger = mailbox.snapshots()[0].coverage[inbox]
    assert (ledger["captured"], ledger["not whole"], ledger.get("failed", 0)) == (2, 1, 0)
    assert mailbox.run() == "partial", "no change names it, and it is a gap still"
    mailbox.cloud.refuse_cursor = True
    mailbox.cloud.fetched.clear()
    assert mailbox.run() == "partial", "nor does a full list that names it as it was close the gap"
    assert mailbox.cloud.fetched == [mail], "asked once a run, and nothing else"
    mailbox.cloud.missing.clear()
    with_it = mailbox.cloud.mails[mail]
    mailbox.cloud.mails[mail] = type(with_it)(**{**vars(with_it), "content": b"with its file"})
    assert mailbox.run() == "success", "the etag is the same, and yet it was asked for"
    assert mailbox.state(4)[mail].content == b"with its file"
    assert not RunIssue.objects.filter(open=True).exists()
    assert not CoverageGap.objects.exists()


def test_a_run_that_died_does_not_hide_what_is_not_whole(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox)
    mailbox.cloud.missing[mail] = (FetchProblem(mail, "not handed out", skip=SkipCause.MALWARE),)
    for _ in range(40):
        mailbox.cloud.add_mail(inbox)

    def dies(page: int) -> None:
        if page == 2:
            raise RuntimeError("killed")

    mailbox.cloud.before_page = dies
    assert mailbox.run() == "failed"
    assert RunIssue.objects.filter(remote_id=mail).exists(), "it was read before the run died"
    mailbox.cloud.before_page = lambda page: None
    assert mailbox.run() == "partial"
    assert RunIssue.objects.filter(open=True, remote_id=mail).exists()
