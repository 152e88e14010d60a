"""What was given up for good is looked for again as soon as anything names it again, and said until then."""

from pathlib import Path
from unittest.mock import patch

import pytest
from kombu.exceptions import OperationalError

from apps.activity.models import Activity
from apps.backups.enums import DamagedState
from apps.backups.journals.rebuild import rebuild
from apps.backups.models import DamagedItem
from apps.core.errors import Conflict
from apps.vault.api import Reindexed
from apps.vault.enums import CheckState, CheckTier, CheckTrigger, DamageState
from apps.vault.health import run_check, vault_health
from apps.vault.health.checks import check_open
from apps.vault.models import BlobLocation, Damage, VaultCheck
from tests.backups.damaging import blobs, check, gone, item, spoil
from tests.fixtures.mailbox import Mailbox

pytestmark = pytest.mark.database
TEXT = b"the words of a mail " * 40


@pytest.fixture
def lost(mailbox: Mailbox, tmp_path: Path, settings: pytest.FixtureRequest) -> str:
    """A mail that is lost: damaged in the vault, and deleted at its source."""
    folder = tmp_path / "vault"
    settings.VAULT_URL = folder.as_uri()  # type: ignore[attr-defined]
    mail = mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"), content=TEXT)
    mailbox.run()
    mailbox.was = mailbox.cloud.mails[mail]  # type: ignore[attr-defined]
    gone(mailbox, mail)
    mailbox.run()
    spoil(mailbox, folder, blobs(mailbox, mail, 1)[0])
    check(mailbox)
    mailbox.run()
    assert item(mail).state == DamagedState.LOST
    return mail


def test_a_check_does_not_call_clean_what_has_lost_something(mailbox: Mailbox, lost: str) -> None:
    found = check(mailbox)
    assert (found.state, found.findings) == (CheckState.LOST, 0)
    assert found.message.endswith("Nothing new is wrong. 1 item lost earlier stays lost.")


def test_a_lost_mail_that_its_source_has_again_in_the_old_state_is_downloaded(
    mailbox: Mailbox, lost: str
) -> None:
    before = mailbox.state(2)
    del mailbox.cloud.problems[lost]
    mailbox.cloud.undelete_mail(lost, mailbox.was)  # type: ignore[attr-defined]
    mailbox.cloud.fetched.clear()
    assert mailbox.run() == "success"
    assert mailbox.cloud.fetched == [lost], "what the catalog has of it opens on no day"
    assert mailbox.state(mailbox.snapshots()[-1].number) == mailbox.live() != before
    assert mailbox.state(1)[lost].content == TEXT, "the old day opens again"
    assert item(lost).state == DamagedState.HEALED
    assert Damage.objects.get().state == DamageState.HEALED
    assert check(mailbox).state == CheckState.CLEAN


def test_a_run_that_names_a_blob_just_given_up_has_all_its_items_looked_for_again(
    mailbox: Mailbox, lost: str
) -> None:
    (blob_id,) = blobs(mailbox, lost, 1)
    twin = mailbox.cloud.add_mail(mailbox.cloud.add_folder("Sent"), content=TEXT)
    mailbox.run()
    # As when the run had asked whether the blob is known a moment before it was given up.
    BlobLocation.objects.filter(blob_id=blob_id).delete()
    Damage.objects.update(state=DamageState.LOST)
    DamagedItem.objects.update(state=DamagedState.LOST)
    found = check(mailbox)
    assert (found.state, found.findings) == (CheckState.DAMAGED, 1)
    assert {item(lost).state, item(twin).state} == {DamagedState.REFETCH}
    mailbox.run()
    assert {item(lost).state, item(twin).state} == {DamagedState.HEALED}
    assert mailbox.state(1)[lost].content == TEXT
    assert check(mailbox).state == CheckState.CLEAN


def test_a_rebuild_orders_a_check_of_everything_and_an_open_one_gives_way(mailbox: Mailbox) -> None:
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    mailbox.run()
    open_ = check_open(mailbox.entity.account_id, CheckTier.SAMPLE, CheckTrigger.PERSON)
    rebuild(account_id=mailbox.entity.account_id)
    open_.refresh_from_db()
    assert open_.state == CheckState.CANCELLED
    ordered = VaultCheck.objects.get(tier=CheckTier.RESTORED)
    assert (ordered.state, ordered.trigger) == (CheckState.PENDING, CheckTrigger.REBUILD)
    assert run_check(check_id=ordered.pk)
    ordered.refresh_from_db()
    assert ordered.state == CheckState.CLEAN
    assert ordered.bytes_done == ordered.bytes_total > 0
    said = Activity.objects.filter(code="check.finished", subject_id=ordered.public_id)
    assert said.count() == 1, "though nothing was found"
    assert vault_health().last_full == ordered


def test_what_is_lost_and_named_by_nothing_new_is_not_marked_at_each_check(mailbox: Mailbox, lost: str) -> None:
    for _ in range(2):
        assert check(mailbox).state == CheckState.LOST
        assert item(lost).state == DamagedState.LOST
        mailbox.run()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("fails", "error", "ordered"),
    [
        ("celery.app.task.Task.apply_async", OperationalError("The broker is down."), 1),
        ("celery.app.task.Task.apply_async", OSError("Refused."), 1),
        ("apps.vault.health.checks.check_open", Conflict("One is open."), 0),
    ],
)
def test_a_rebuild_keeps_its_marks_when_the_check_after_it_cannot_be_sent(
    mailbox: Mailbox, fails: str, error: Exception, ordered: int
) -> None:
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"), content=TEXT)
    mailbox.run()
    BlobLocation.objects.all().delete()
    with (
        patch("apps.backups.journals.rebuild.index_rebuild", return_value=Reindexed()),
        patch(fails, side_effect=error),
    ):
        assert rebuild(account_id=mailbox.entity.account_id, again=True).missing
    assert DamagedItem.objects.exists()
    assert VaultCheck.objects.filter(state=CheckState.PENDING).count() == ordered
