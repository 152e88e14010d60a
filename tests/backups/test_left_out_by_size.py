"""What is larger than a rule allows is read once and not stored, named, and comes in when the rule lets it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from apps.backups import exclusions
from apps.backups.enums import GapCause
from apps.backups.exclusion_forms import ExclusionsForm
from apps.backups.exclusions import Exclusions
from apps.backups.models import BackupTask, CoverageGap, DamagedItem, RunIssue
from apps.backups.selectors.history import coverage_of
from apps.connectors.base import FolderListed, Upsert
from apps.core.errors import InvalidRequest
from tests.fixtures.mailbox import Mailbox

from .damaging import blobs, check, spoil

BIG, SMALL = b"b" * 120, b"s" * 90


@pytest.fixture(autouse=True)
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a megabyte be a hundred bytes."""
    monkeypatch.setattr(exclusions, "MB", 100)


def limit(larger_than: int | None) -> None:
    BackupTask.objects.update(exclusions=Exclusions(larger_than=larger_than).to_json())


@pytest.fixture
def vault(tmp_path: Path, settings: Any) -> Path:
    settings.VAULT_URL = (tmp_path / "vault").as_uri()
    return tmp_path / "vault"


@pytest.mark.parametrize("typed", ["0", "-3", "2.5", "ten", "1000001"])
def test_a_size_that_is_no_whole_number_of_megabytes_is_refused(typed: str) -> None:
    form = ExclusionsForm({"larger_than": typed})
    assert not form.is_valid() and "larger_than" in form.errors


def test_a_rule_keeps_its_size_and_one_from_before_sizes_reads_as_it_did() -> None:
    older: dict[str, Any] = {"kinds": [], "folders": ["Junk"], "names": []}
    assert Exclusions.from_json(older).to_json() == older
    rule = Exclusions(larger_than=1_500)
    assert rule and Exclusions.from_json(rule.to_json()) == rule
    assert rule.words() == "items larger than 1,500 MB"
    for bad in (0, "25", 2.5, True):
        with pytest.raises(InvalidRequest):
            Exclusions.from_json(older | {"larger_than": bad})


@pytest.mark.database
def test_what_is_too_large_is_read_once_not_stored_and_no_gap(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    big = mailbox.cloud.add_mail(inbox, "Video", content=BIG)
    limit(1)
    assert mailbox.run() == "success"
    assert mailbox.last_run().bytes_stored == 0, "no pack has any of it"
    mailbox.cloud.add_mail(inbox, content=b"s" * 100)
    mailbox.cloud.refuse_cursor = True
    assert mailbox.run() == "success"
    assert mailbox.cloud.fetched.count(big) == 1, "not even when a full list names it again as it was"
    assert mailbox.state(2).keys() == mailbox.live().keys() - {big}
    issue = RunIssue.objects.get(open=True)
    assert (issue.label, issue.what) == ("Video", "Left out by rule: larger than 1 MB.")
    gap = CoverageGap.objects.get()
    assert (gap.cause, gap.count, gap.label, gap.by_default) == (GapCause.EXCLUDED, 1, "Inbox", True)
    folder = coverage_of(mailbox.snapshots()[1]).gaps[0]
    assert (folder.captured, folder.expected, folder.state) == (1, 2, "1 left out by rule")
    mailbox.cloud.refuse_cursor = False
    mailbox.cloud.change_mail(big, content=SMALL)
    assert mailbox.run() == "success"
    assert mailbox.state(3) == mailbox.live() and not CoverageGap.objects.exists()


@pytest.mark.database
def test_files_count_and_a_size_that_the_provider_tells_spares_the_download(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    files, told = mailbox.cloud.add_mail(inbox, content=SMALL), mailbox.cloud.add_mail(inbox, content=SMALL)
    mailbox.cloud.files[files] = (b"a file", b"another")
    word = mailbox.cloud._word

    def telling(folder: str, mail: str) -> Any:
        said = word(folder, mail)
        return said._replace(size=101) if isinstance(said, Upsert) and mail == told else said

    monkeypatch.setattr(mailbox.cloud, "_word", telling)
    limit(1)
    assert mailbox.run() == "success"
    assert mailbox.state(1).keys() == {inbox} and mailbox.cloud.fetched == [files]


@pytest.mark.database
def test_a_stored_item_that_grows_too_large_stays_as_it_was_and_the_ledger_says_so(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox, content=SMALL)
    limit(1)
    mailbox.run()
    mailbox.cloud.change_mail(mail, content=BIG)
    mailbox.cloud.refuse_cursor = True
    assert mailbox.run() == "success" and mailbox.run() == "success"
    assert mailbox.state(3)[mail].content == SMALL and mailbox.cloud.fetched == [mail, mail]
    assert RunIssue.objects.get(open=True).what.endswith("What was stored of it before stays.")
    folder = coverage_of(mailbox.snapshots()[2]).gaps[0]
    assert folder.state == "1 left out by rule, 1 of them kept as before"
    assert folder.missing == 0 and folder.captured == folder.expected == 1
    mailbox.cloud.delete_mail(mail)
    mailbox.cloud.refuse_cursor = False
    assert mailbox.run() == "success"
    assert mail not in mailbox.state(4) and not RunIssue.objects.filter(open=True).exists()


@pytest.mark.database
def test_an_older_version_that_stays_hides_no_item_that_is_missing(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox, content=SMALL)
    mailbox.run()
    limit(1)
    mailbox.cloud.change_mail(mail, content=BIG)
    mailbox.cloud.refuse_cursor = True
    listed = mailbox.cloud._everything

    def one_more() -> list[Any]:
        return [FolderListed(inbox, 2) if isinstance(each, FolderListed) else each for each in listed()]

    mailbox.cloud._everything = one_more  # type: ignore[method-assign]
    mailbox.run()
    folder = coverage_of(mailbox.snapshots()[1]).gaps[0]
    assert folder.missing == 1


@pytest.mark.database
def test_a_run_that_died_spares_the_next_one_what_it_found_too_large(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    big = mailbox.cloud.add_mail(inbox, content=BIG)
    for _ in range(40):
        mailbox.cloud.add_mail(inbox)
    limit(1)

    def dies(page: int) -> None:
        if page == 2:
            raise RuntimeError("killed")

    mailbox.cloud.before_page = dies
    assert mailbox.run() == "failed"
    mailbox.cloud.before_page = lambda page: None
    assert mailbox.run() == "success"
    assert mailbox.cloud.fetched.count(big) == 1
    limit(2)
    assert mailbox.run() == "success"
    assert mailbox.state(2) == mailbox.live()


@pytest.mark.database
def test_what_was_stored_before_the_rule_heals_under_it(mailbox: Mailbox, vault: Path) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    big = mailbox.cloud.add_mail(inbox, content=BIG)
    mailbox.run()
    limit(1)
    spoil(mailbox, vault, blobs(mailbox, big, 1)[0])
    check(mailbox)
    assert mailbox.run() == "success"
    assert mailbox.state(2)[big].content == BIG
    assert DamagedItem.objects.get().state == "healed"


@pytest.mark.database
def test_what_heals_by_a_newer_version_that_was_left_out_is_stored_as_that_version(
    mailbox: Mailbox, vault: Path
) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox, "Film", content=SMALL)
    limit(1)
    mailbox.run()
    mailbox.cloud.change_mail(mail, content=BIG, props=b'{"flag":1}')
    mailbox.run()
    spoil(mailbox, vault, blobs(mailbox, mail, 1)[0])
    check(mailbox)
    assert mailbox.run() == "success" and mailbox.run() == "success"
    assert mailbox.state(4) == mailbox.live()
    assert not RunIssue.objects.filter(open=True).exists()


@pytest.mark.database
@pytest.mark.parametrize("how", ["its folder is deleted", "a full list does not name it"])
@pytest.mark.parametrize("rule", [Exclusions(larger_than=1), Exclusions(names=("Video",))])
def test_what_was_left_out_and_is_gone_is_named_no_more(mailbox: Mailbox, how: str, rule: Exclusions) -> None:
    inbox, films = mailbox.cloud.add_folder("Inbox"), mailbox.cloud.add_folder("Films")
    mailbox.cloud.add_mail(inbox)
    big = mailbox.cloud.add_mail(films, "Video", content=BIG)
    BackupTask.objects.update(exclusions=rule.to_json())
    mailbox.run()
    if how == "its folder is deleted":
        mailbox.cloud.delete_folder(films)
    else:
        mailbox.cloud.delete_mail(big)
        mailbox.cloud.refuse_cursor = True
    assert mailbox.run() == "success"
    assert not RunIssue.objects.filter(open=True).exists() and not CoverageGap.objects.exists()


@dataclass
class World:
    """What a backup must hold: of each item the newest content that a rule let in, if the source has it."""

    mailbox: Mailbox
    larger_than: int | None = None
    kept: dict[str, bytes] = field(default_factory=dict)

    def turn(self) -> None:
        limit(self.larger_than)
        assert self.mailbox.run() == "success"
        for mail, now in self.mailbox.cloud.mails.items():
            if self.larger_than is None or len(now.content) <= self.larger_than * 100:
                self.kept[mail] = now.content
        self.kept = {mail: content for mail, content in self.kept.items() if mail in self.mailbox.cloud.mails}
        number = self.mailbox.snapshots()[-1].number
        state = self.mailbox.state(number)
        assert {mail: seen.content for mail, seen in state.items() if not seen.is_folder} == self.kept
        outside = {mail for mail, now in self.mailbox.cloud.mails.items() if self.kept.get(mail) != now.content}
        assert set(RunIssue.objects.filter(open=True).values_list("remote_id", flat=True)) == outside
        assert self.mailbox.last_run().items_skipped == len(outside)


SIZES = st.integers(40, 400)
ACTS = st.one_of(
    st.tuples(st.just("limit"), st.none() | st.integers(1, 4)),
    st.tuples(st.just("add"), SIZES),
    st.tuples(st.just("change"), SIZES),
    st.tuples(st.just("delete"), SIZES),
    st.tuples(st.just("list"), st.booleans()),
)


@pytest.mark.database
@effort(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.lists(ACTS, max_size=4), min_size=2, max_size=4))
def test_each_day_holds_exactly_what_the_rule_of_its_day_lets_in(mailbox: Mailbox, days: list[Any]) -> None:
    cloud, world = mailbox.cloud, World(mailbox)
    folder, cloud.refuse_cursor = cloud.add_folder("Inbox"), False
    world.turn()
    for day in days:
        for act, value in day:
            mails = sorted(cloud.mails)
            if act == "limit":
                world.larger_than = value
            elif act == "list":
                cloud.refuse_cursor = value
            elif act == "add" or not mails:
                cloud.add_mail(folder, content=f"{len(cloud.log):040}".encode().ljust(value or 50))
            elif act == "change":
                cloud.change_mail(mails[value % len(mails)], content=b"c" * value)
            else:
                cloud.delete_mail(mails[value % len(mails)])
        world.turn()
