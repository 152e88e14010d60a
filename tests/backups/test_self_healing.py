"""A blob that the vault lost comes back from its source by the next backup, on every day; the rest is named."""

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from apps.backups.damage import fate
from apps.backups.enums import DamagedState
from apps.backups.journals.compacting import journals_compact, journals_prune
from apps.backups.journals.rebuild import rebuild
from apps.backups.models import DamagedItem, NodeVersion
from apps.connectors.base import FetchProblem
from apps.connectors.enums import SkipCause
from apps.core import clock
from apps.core.scope import account_scope
from apps.vault.api import BlobMissing, decode_content, open_reader
from apps.vault.enums import CheckState, CheckTier, DamageState
from apps.vault.gc import collect
from apps.vault.health import heal
from apps.vault.models import BlobLocation, Damage, Pack
from apps.vault.store.pack import pack_key
from tests.backups.damaging import blobs, check, gone, item, spoil
from tests.fixtures.mailbox import Mailbox
from tests.seeds import new_seed

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def vault(tmp_path: Path, settings: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "vault"
    settings.VAULT_URL = folder.as_uri()  # type: ignore[attr-defined]
    return folder


def test_a_damaged_mail_is_fetched_again_though_nothing_changed_and_opens_on_every_day(
    mailbox: Mailbox, vault: Path
) -> None:
    inbox, archive = mailbox.cloud.add_folder("Inbox"), mailbox.cloud.add_folder("Archive")
    mail, other = mailbox.cloud.add_mail(inbox), mailbox.cloud.add_mail(inbox)
    mailbox.run()
    mailbox.cloud.move_mail(mail, archive)
    mailbox.run()
    before = mailbox.state(1)
    spoil(mailbox, vault, blobs(mailbox, mail, 1)[0])
    found = check(mailbox)
    assert (found.state, found.findings) == (CheckState.DAMAGED, 1)
    assert item(mail).state == DamagedState.REFETCH
    assert item(mail).versions == 2, "the mail before and after its move"
    assert not DamagedItem.objects.filter(remote_id=other).exists()
    mailbox.cloud.fetched.clear()
    assert mailbox.run() == "success"
    assert mailbox.cloud.fetched == [mail]
    assert (mailbox.state(1), mailbox.state(3)) == (before, mailbox.live())
    assert item(mail).state == DamagedState.HEALED
    assert Damage.objects.get().state == DamageState.HEALED
    assert check(mailbox).state == CheckState.CLEAN
    assert len([row for row in mailbox.rows() if row.remote_id == mail]) == 2, "healing adds no version"


def test_what_the_source_has_no_more_is_lost_with_its_last_good_day(mailbox: Mailbox, vault: Path) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox, content=b"first words " * 50)
    mailbox.run()
    good = mailbox.snapshots()[0].taken_at
    mailbox.cloud.change_mail(mail, content=b"second words " * 50)
    mailbox.run()
    gone(mailbox, mail)
    mailbox.run()
    spoil(mailbox, vault, blobs(mailbox, mail, 2)[0])
    check(mailbox)
    assert mailbox.run() == "success"
    lost = item(mail)
    assert (lost.state, lost.good_until) == (DamagedState.LOST, good)
    assert fate(lost) == (
        f"It is lost. The source has it no more. The last day it can be opened on is {good:%-d %B %Y}."
    )
    again = check(mailbox)
    assert (again.state, again.findings) == (CheckState.LOST, 0)
    assert "1 item lost earlier stays lost" in again.message
    assert mail in mailbox.state(1)
    with pytest.raises(BlobMissing):
        mailbox.state(2)


def test_an_item_that_has_changed_since_is_taken_as_it_is_now_and_its_older_state_is_lost(
    mailbox: Mailbox, vault: Path
) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox)
    mailbox.run()
    spoil(mailbox, vault, blobs(mailbox, mail, 1)[0])
    check(mailbox)
    mailbox.cloud.change_mail(mail, content=b"quite another text")
    mailbox.run()
    assert mailbox.state(2) == mailbox.live()
    assert item(mail).state == DamagedState.LOST
    assert fate(item(mail)) == (
        "An older state of it is lost. The source has a newer version only. The newest can be opened."
    )


def test_what_was_fetched_again_in_other_bytes_is_not_set_back_by_a_full_listing(
    mailbox: Mailbox, vault: Path
) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox)
    mailbox.run()
    spoil(mailbox, vault, blobs(mailbox, mail, 1)[0])
    check(mailbox)
    mailbox.cloud.mails[mail] = replace(mailbox.cloud.mails[mail], content=b"other bytes of the same state")
    mailbox.cloud.refuse_cursor = True
    assert mailbox.run() == "success"
    assert mailbox.state(2) == mailbox.live()


def test_a_mail_that_cannot_be_fetched_today_is_tried_again_tomorrow(mailbox: Mailbox, vault: Path) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox)
    mailbox.run()
    spoil(mailbox, vault, blobs(mailbox, mail, 1)[0])
    check(mailbox)
    mailbox.cloud.problems[mail] = FetchProblem(mail, "Not now.", code="busy")
    assert mailbox.run() == "partial"
    assert (item(mail).state, item(mail).tries) == (DamagedState.REFETCH, 1)
    assert Damage.objects.get().state == DamageState.REFETCH
    del mailbox.cloud.problems[mail]
    assert mailbox.run() == "success"
    assert item(mail).state == DamagedState.HEALED
    assert mailbox.state(1) == mailbox.live()


def test_an_item_said_to_be_gone_is_given_up_only_when_the_changes_say_so_too(
    mailbox: Mailbox, vault: Path
) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox)
    mailbox.run()
    spoil(mailbox, vault, blobs(mailbox, mail, 1)[0])
    check(mailbox)
    mailbox.cloud.problems[mail] = FetchProblem(mail, "It is gone.", skip=SkipCause.GONE)
    mailbox.run()
    assert item(mail).state == DamagedState.REFETCH
    mailbox.cloud.delete_mail(mail)
    mailbox.run()
    assert item(mail).state == DamagedState.LOST


def test_a_pack_that_somebody_puts_back_after_all_was_given_up_brings_back_what_was_lost(
    mailbox: Mailbox, vault: Path
) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox)
    mailbox.run()
    before = mailbox.state(1)
    gone(mailbox, mail)
    mailbox.run()
    (place,) = BlobLocation.objects.filter(blob_id=blobs(mailbox, mail, 1)[0])
    (path,) = vault.glob("*/" + pack_key(bytes(Pack.objects.get(pk=place.pack_row).pack_id)))
    path.rename(vault / "away")
    check(mailbox)
    mailbox.run()
    assert item(mail).state == DamagedState.LOST
    (vault / "away").rename(path)
    with clock.travel(clock.now() + timedelta(days=8)):
        collect(mailbox.entity.account_id, now=True, forced=True)
    with clock.travel(clock.now() + timedelta(days=16)):
        collect(mailbox.entity.account_id)
    assert path.exists()
    rebuild(account_id=mailbox.entity.account_id)
    assert mailbox.state(1) == before


def test_one_copy_of_an_equal_text_heals_all_items_that_share_its_blob(mailbox: Mailbox, vault: Path) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    text = b"the same words to all " * 30
    first, second = (mailbox.cloud.add_mail(inbox, content=text) for _ in range(2))
    mailbox.run()
    gone(mailbox, first)
    mailbox.run()
    spoil(mailbox, vault, blobs(mailbox, second, 1)[0])
    check(mailbox)
    mailbox.run()
    assert {item(first).state, item(second).state} == {DamagedState.HEALED}
    assert mailbox.state(1)[first].content == text


def test_one_percent_of_all_blobs_lost_at_random_comes_back_but_for_what_is_named(
    mailbox: Mailbox, vault: Path
) -> None:
    rng = random.Random(seed := new_seed())
    cloud, account_id = mailbox.cloud, mailbox.entity.account_id
    folders = [cloud.add_folder(name) for name in ("Inbox", "Sent", "Projects")]
    for number in range(400):
        cloud.add_mail(rng.choice(folders), f"Mail {number}", rng.randbytes(rng.randint(200, 3_000)))
    mailbox.run()
    for mail in rng.sample(sorted(cloud.mails), 60):
        rng.choice([lambda m: cloud.change_mail(m, content=rng.randbytes(500)), lambda m: gone(mailbox, m)])(
            mail
        )
    mailbox.run()
    days = [mailbox.state(1), mailbox.state(2)]
    at_source = {mail.content for mail in cloud.mails.values()}
    places = list(BlobLocation.objects.filter(account_id=account_id).values_list("blob_id", flat=True))
    hit = [bytes(blob_id) for blob_id in rng.sample(places, max(8, len(places) // 100))]
    for blob_id in hit[::2]:
        spoil(mailbox, vault, blob_id)
    BlobLocation.objects.filter(account_id=account_id, blob_id__in=hit[1::2]).delete()

    assert check(mailbox).findings == len(hit), f"seed {seed}"
    mailbox.run()
    after = check(mailbox)
    assert (after.state, after.findings) in ((CheckState.CLEAN, 0), (CheckState.LOST, 0)), (
        f"{seed}: {after.message}"
    )
    lost = set(DamagedItem.objects.filter(state=DamagedState.LOST).values_list("remote_id", flat=True))
    reader = open_reader(account_id)
    for row in NodeVersion.objects.filter(entity_id=mailbox.entity.pk, is_folder=False):
        was = days[0].get(row.remote_id) if row.first == 1 else days[1].get(row.remote_id)
        (part,) = decode_content(bytes(row.content))
        if was is None or was.content in at_source:
            reader.read(part)
        elif set(part.blobs) & set(hit):
            assert row.remote_id in lost, f"seed {seed}: a loss that nobody named"
            with pytest.raises(BlobMissing):
                reader.read(part)
        else:
            assert reader.read(part) == was.content
    assert mailbox.state(3) == mailbox.live()


def test_healing_waits_while_another_process_maintains_the_vault(mailbox: Mailbox, vault: Path) -> None:
    from apps.vault.leases import maintenance

    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox)
    mailbox.run()
    spoil(mailbox, vault, blobs(mailbox, mail, 1)[0])
    with maintenance(mailbox.entity.account_id, "garbage collection"):
        found = check(mailbox)
    assert "under maintenance" in found.message
    assert Damage.objects.get().state == DamageState.FOUND
    with account_scope(mailbox.entity.account_id):
        heal(mailbox.entity.account_id)
    assert Damage.objects.get().state == DamageState.REFETCH


@pytest.mark.parametrize("harm", ["missing", "flipped", "exchanged"])
def test_a_snapshots_journal_that_is_not_as_it_was_is_named_by_its_mailbox_and_day(
    mailbox: Mailbox, vault: Path, harm: str
) -> None:
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    mailbox.run()
    mailbox.run()
    assert check(mailbox).state == CheckState.CLEAN
    first, second = sorted(vault.glob("*/journals/*/mail/*"))
    was = second.read_bytes()
    if harm == "missing":
        second.unlink()
    else:
        second.write_bytes(first.read_bytes() if harm == "exchanged" else was[:-1] + bytes([was[-1] ^ 1]))
    found = check(mailbox, CheckTier.STRUCTURE)
    assert (found.state, found.findings) == (CheckState.DAMAGED, 1)
    assert Damage.objects.get().what.startswith("The journal of backup 2 of Paula Pizza, mail: ")
    second.write_bytes(was)
    assert check(mailbox).state == CheckState.CLEAN
    assert Damage.objects.get().state == DamageState.HEALED


def test_compacted_journals_are_no_damage(mailbox: Mailbox, vault: Path) -> None:
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    for _ in range(3):
        mailbox.run()
    journals_compact(entity=mailbox.entity, sub_service="mail", upto=2)
    journals_prune(entity=mailbox.entity, sub_service="mail")
    assert check(mailbox).state == CheckState.CLEAN
    (base,) = vault.glob("*/journals/*/mail/*-base")
    base.unlink()
    assert check(mailbox).findings == 1
