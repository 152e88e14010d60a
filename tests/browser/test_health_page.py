"""The Health page in a real browser: sound in every state, live while a check runs, discreet."""

from datetime import timedelta

import pytest
from django.test import Client
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.backups.enums import DamagedState
from apps.backups.models import DamagedItem
from apps.core import clock
from apps.core.scope import account_scope
from apps.recovery.enums import DrillState
from apps.recovery.models import Drill
from apps.vault.enums import CheckState, CheckTier, DamageState
from apps.vault.models import Damage, Pack, Shelf, Store, VaultCheck, VaultKey
from tests.browser.rig import Visit
from tests.cast import Cast
from tests.recovery.factories import make_entity


def signed_in(visit: Visit, person: User) -> Visit:
    client = Client()
    client.force_login(person)
    visit.sign_in_as(client)
    return visit


@pytest.fixture
def vault(cast: Cast, transactional_db: None) -> Store:
    """A vault with two packs, of which one was read, and a past check."""
    store = Store.objects.create(store_id="018f0000-0000-7000-8000-000000000001", url="file:///nowhere")
    with account_scope(cast.account.pk):
        VaultKey.objects.create(account=cast.account, envelope=b"x", master_key_id="m1")
        Shelf.objects.create(account=cast.account, number=0, store=store)
        for number, verified in ((1, clock.now() - timedelta(days=2)), (2, None)):
            Pack.objects.create(
                account=cast.account, pack_id=bytes([number]) * 16, store=store, size=24_000_000, blobs=900,
                version=2, verified_at=verified, checked_at=verified,
            )  # fmt: skip
        VaultCheck.objects.create(
            account=cast.account, tier=CheckTier.SAMPLE, state=CheckState.CLEAN, finished_at=clock.now(),
            message="1 pack of 2 looked at. Nothing new is wrong.",
        )  # fmt: skip
    return store


def damaged(cast: Cast) -> None:
    """One lost item, one on its way back, a pack to be rewritten, and drills that passed and failed."""
    with account_scope(cast.account.pk):
        entity = make_entity()
        for number, state in enumerate((DamagedState.LOST, DamagedState.REFETCH)):
            DamagedItem.objects.create(
                account=cast.account, entity=entity, sub_service="mail", remote_hash=number,
                remote_id=f"{number}",
                label=f"Quarterly figures {number}", folder_label="Inbox", blobs=bytes(32), state=state,
                what="The source has it no more." if state == DamagedState.LOST else "",
                good_until=clock.now() - timedelta(days=30),
            )  # fmt: skip
        Damage.objects.create(
            account=cast.account, subject=b"pack_index:1", code="pack_index", pack_id=bytes(16),
            what="The list of pack 00 is damaged.", state=DamageState.REWRITE,
        )  # fmt: skip
        Drill.objects.create(
            account=cast.account, task=entity.task, state=DrillState.FAILED, items=90, failed=2, size=5_000_000,
            seconds=1.25, report="{}", signature="00", finished_at=clock.now(),
            message="2 of 90 items could not be restored as they were.",
        )  # fmt: skip


def test_an_account_without_backups_sees_what_will_be_there(
    cast: Cast, transactional_db: None, visit: Visit
) -> None:
    olivia = signed_in(visit, cast.owner)
    olivia.open("/health/")
    expect(olivia.page.get_by_text("Checks begin with the first backup")).to_be_visible()
    expect(olivia.page.get_by_role("button", name="Check now")).to_have_count(0)
    olivia.check("health-empty")


def test_damage_losses_and_drills_are_sound_and_named(cast: Cast, vault: Store, visit: Visit) -> None:
    damaged(cast)
    olivia = signed_in(visit, cast.owner)
    olivia.open("/health/")
    expect(olivia.page.get_by_text("Quarterly figures 0")).to_be_visible()
    expect(olivia.page.get_by_text("The last day it can be opened on is")).to_be_visible()
    expect(olivia.page.get_by_text("50 % within five weeks")).to_be_visible()
    olivia.check("health-damage")


def test_who_may_not_preview_sees_counts_and_mailboxes_but_no_subject_and_no_report(
    cast: Cast, vault: Store, visit: Visit
) -> None:
    damaged(cast)
    vera = signed_in(visit, cast.viewer)
    vera.open("/health/")
    expect(vera.page.get_by_role("cell", name="Bob Smith").first).to_be_visible()
    expect(vera.page.get_by_text("Quarterly figures")).to_have_count(0)
    expect(vera.page.get_by_role("link", name="Download the report")).to_have_count(0)
    expect(vera.page.get_by_role("button", name="Check now")).to_have_count(0)


def test_an_ordered_check_shows_its_progress_and_its_end_without_a_reload(
    cast: Cast, vault: Store, visit: Visit
) -> None:
    olivia = signed_in(visit, cast.owner)
    page = olivia.page
    olivia.open("/health/")
    page.get_by_label("How deep").select_option("Every byte")
    page.get_by_role("button", name="Check now").press("Enter")
    expect(page.get_by_text("Waits for a worker")).to_be_visible()
    with account_scope(cast.account.pk):
        open_ = VaultCheck.objects.filter(state=CheckState.PENDING, tier=CheckTier.ALL)
        open_.update(state=CheckState.RUNNING, packs_total=2, bytes_total=48_000_000, packs_done=1,
                     bytes_done=24_000_000)  # fmt: skip
        expect(page.get_by_text("Every byte: 1 of 2 packs")).to_be_visible(timeout=30_000)
        olivia.check("health-checking")
        VaultCheck.objects.filter(tier=CheckTier.ALL).update(
            state=CheckState.CLEAN, finished_at=clock.now(), message="2 packs of 2 looked at."
        )
    expect(page.get_by_text("2 packs of 2 looked at.")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("button", name="Check now")).to_be_visible()
