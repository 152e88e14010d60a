"""Settings and Settings → Storage: sound in both widths and themes, and a person's way through them."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from apps.core.scope import account_scope
from apps.vault.models import Shelf, Store
from tests.browser.rig import Visit
from tests.cast import Cast, prove_again
from tests.vault.own_stores import make_own_store
from tests.vault.shelves import back_up


@pytest.fixture
def vault_folder(tmp_path: Path, settings: pytest.FixtureRequest) -> Path:
    settings.VAULT_URL = (tmp_path / "vault").as_uri()  # type: ignore[attr-defined]
    return tmp_path / "vault"


@pytest.fixture
def olivia(cast: Cast, transactional_db: None, visit: Visit, vault_folder: Path) -> Visit:
    client = Client()
    client.force_login(cast.owner)
    prove_again(client)
    visit.sign_in_as(client)
    return visit


@pytest.fixture
def own(cast: Cast, olivia: Visit) -> Store:
    """Olivia's bucket, which failed its last test, as the second store of all backups."""
    back_up(cast.account.pk)
    store = make_own_store(cast.account.pk)
    steps = [["write", "Write an object", "failed", "The bucket refuses.", "Check it."]]
    Store.objects.filter(pk=store.pk).update(state="failing", state_reason="The bucket refuses.", test=steps)
    with account_scope(cast.account.pk):
        Shelf.objects.update(replica=store, trouble="The bucket refuses.")
    return store


def test_the_settings_are_sound(olivia: Visit) -> None:
    olivia.open(reverse("settings"))
    expect(olivia.page.get_by_role("main").get_by_role("link", name="Storage")).to_be_visible()
    olivia.check("settings")


def test_storage_is_sound(olivia: Visit, own: Store) -> None:
    olivia.open(reverse("storage"))
    expect(olivia.page.get_by_text("3 packs", exact=False).first).to_be_visible()
    olivia.check("storage")


def test_the_page_of_a_store_is_sound(olivia: Visit, own: Store) -> None:
    olivia.open(reverse("storage_store", args=[own.public_id]))
    olivia.check("storage-store")


def test_adding_a_store_by_keyboard_and_what_an_address_inside_is_told(olivia: Visit) -> None:
    olivia.open(reverse("storage"))
    olivia.page.get_by_role("link", name="Add a store").press("Enter")
    olivia.page.wait_for_url("**/add/")
    olivia.check("storage-kinds")
    olivia.page.get_by_role("link", name="S3-compatible").press("Enter")
    for label, text in {
        "Name": "Inside", "Bucket": "papers", "Endpoint": "http://127.0.0.1:9",
        "Access key ID": "AKIA", "Secret access key": "hush",
    }.items():  # fmt: skip
        olivia.page.get_by_role("textbox", name=label, exact=False).first.fill(text)
    olivia.page.get_by_role("button", name="Test and add").press("Enter")
    expect(olivia.page.get_by_text("is not an address of the public internet", exact=False)).to_be_visible()
    olivia.check("storage-add")


def test_a_store_that_nothing_uses_is_removed(olivia: Visit, cast: Cast) -> None:
    own = make_own_store(cast.account.pk)
    olivia.open(reverse("storage_store", args=[own.public_id]))
    olivia.page.get_by_role("button", name="Remove this store…").click()
    olivia.page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(olivia.page.get_by_text("is out of the list", exact=False)).to_be_visible()
    assert not Store.objects.filter(pk=own.pk).exists()
