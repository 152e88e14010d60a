"""Export in a real browser: its options, its downloads, and the list that opens from the disk."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from apps.accounts.selectors import actor_of
from apps.backups.selectors.points import point_of
from apps.core.actor import acting_as
from apps.jobs import runner
from apps.recovery.exports.files import folder_of, parts_of
from apps.recovery.exports.start import export_start
from apps.recovery.models import Destination
from apps.recovery.services import selections_everything
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import Cast, prove_again
from tests.recovery.factories import Mailbox, mail, store
from tests.recovery.test_export_kinds import everything as everything_kept

HOSTILE = "</script><img src=x onerror=\"document.title='run'\">"
everything = everything_kept


@pytest.fixture
def olivia(cast: Cast, visit: Visit) -> Visit:
    client = Client()
    client.force_login(cast.owner)
    prove_again(client)
    visit.sign_in_as(client)
    return visit


def test_options_downloads_and_the_list_inside(
    everything: list[Any], olivia: Visit, cast: Cast, tmp_path: Path
) -> None:
    box = Mailbox(everything[0].entity, number=1)
    box.folder("mail-folder", "Inbox")
    box.item("hostile", "mail-folder", HOSTILE, content=store(mail("x")))
    point = point_of(box.day().run)
    Destination.objects.create(account=cast.account, name="Archive", kind="s3", url="s3://a-bucket/legal")
    selections_everything(point=point)
    job = export_start(point=point)
    runner.run(job.pk)
    job.refresh_from_db()
    archive = folder_of(job) / parts_of(job)[0].name

    page = olivia.page
    _choose_as(cast, point)
    olivia.open(reverse("recovery_export", args=[point.run.public_id]))
    expect(page.get_by_text("vCard 4")).to_be_visible()
    picture(olivia, "recover-export")
    olivia.check("export-options")
    olivia.open(reverse("recovery_destinations"))
    expect(page.get_by_role("button", name="Test Archive")).to_be_visible()
    olivia.check("export-destinations")
    olivia.open(reverse("recovery_downloads", args=[job.public_id]))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download part 1").click()
    assert download.value.path().read_bytes() == archive.read_bytes()
    page.reload()
    expect(page.get_by_role("heading", name="Downloaded by")).to_be_visible()
    olivia.check("export-downloads")

    zipfile.ZipFile(archive).extractall(tmp_path / "unpacked")
    with olivia.expecting_complaints():
        page.goto((tmp_path / "unpacked" / "index.html").as_uri())
        expect(page.get_by_role("status")).to_have_text("9 of 9 items")
        assert not olivia.axe()
        expect(page).to_have_title("Bob Smith")
        page.get_by_label("Find").fill("dough")
        expect(page.get_by_role("status")).to_have_text("1 of 9 items")
        page.get_by_role("link", name="Dough, weekly").focus()
        link = page.get_by_role("link", name="Dough, weekly").get_attribute("href") or ""
        assert (tmp_path / "unpacked" / "Calendar" / "Calendar" / "Dough, weekly.ics").exists()
        assert link == "Calendar/Calendar/Dough%2C%20weekly.ics"

    olivia.open(reverse("recovery_downloads", args=[job.public_id]))
    page.get_by_role("button", name="End downloads…").click()
    page.get_by_role("button", name="End downloads", exact=True).click()
    expect(page.get_by_text("ended the downloads")).to_be_visible()
    assert not archive.exists()


def _choose_as(cast: Cast, point: Any) -> None:
    """What Olivia ticks herself: selections belong to one person."""
    with acting_as(actor_of(cast.owner.memberships.get())):
        selections_everything(point=point)
