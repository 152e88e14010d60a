"""Settings → Recovery key: apps/vault/views/recovery_key.py and the banner."""

import html
import logging
import re
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.models import Membership
from apps.core.scope import account_scope
from apps.vault.models import RecoveryKey as Row
from apps.vault.recovery import recovery_state
from apps.vault.services import open_vault
from apps.vault.store.recovery_key import RecoveryKey
from tests.cast import PASSWORD, Cast, prove_again

pytestmark = [pytest.mark.django_db(transaction=True)]
KEY = re.compile(r"EVK1(?:-[0-9A-Z]{4}){9}")


@pytest.fixture
def olivia(client: Client, cast: Cast, vault_folder: Path) -> Client:
    cache.clear()
    open_vault(account_id=cast.account.pk)
    client.force_login(cast.owner)
    return client


def shown(client: Client) -> RecoveryKey:
    prove_again(client)
    answer = client.post(reverse("recovery_key"))
    assert answer.status_code == 200
    (text,) = set(KEY.findall(answer.content.decode()))
    assert answer["Cache-Control"] == "private, no-store"
    return RecoveryKey.parse(text)


def said(client: Client, address: str) -> str:
    return html.unescape(client.get(address).content.decode())


def test_the_key_is_shown_once_and_never_logged(
    olivia: Client, cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        key = shown(olivia)
    assert key.text not in caplog.text and PASSWORD not in caplog.text
    for name in ("recovery_key", "recovery_key_confirm", "home", "activity_list"):
        assert key.text not in said(olivia, reverse(name))
    assert key.text not in str(dict(olivia.session))
    assert olivia.get(reverse("recovery_key"))["Cache-Control"] == "private, no-store"


def test_without_a_fresh_proof_nothing_is_made(olivia: Client, cast: Cast) -> None:
    answer = olivia.post(reverse("recovery_key"), HTTP_REFERER="http://testserver" + reverse("recovery_key"))
    assert answer["Location"] == f"{reverse('sudo')}?next=%2Fsettings%2Frecovery-key%2F"
    with account_scope(cast.account.pk):
        assert not Row.objects.exists()


def test_the_banner_nags_the_owner_on_every_page_until_the_key_is_confirmed(olivia: Client, cast: Cast) -> None:
    assert "Get your recovery key." in said(olivia, "/")
    key = shown(olivia)
    assert "Confirm your recovery key." in said(olivia, reverse("job_list"))
    confirm = reverse("recovery_key_confirm")
    assert "Confirm your recovery key." not in said(olivia, reverse("recovery_key"))
    asked = recovery_state(cast.account.pk).asked
    wrong = {f"group_{number}": "0000" for number in asked}
    assert "not the groups" in html.unescape(olivia.post(confirm, wrong).content.decode())
    right = {f"group_{number}": key.groups[number - 1].lower() for number in asked}
    assert olivia.post(confirm, right)["Location"] == reverse("recovery_key")
    assert "recovery key." not in said(olivia, "/").replace("Your recovery key is confirmed.", "")
    assert olivia.get(confirm)["Location"] == reverse("recovery_key"), "nothing waits any more"


def test_other_members_see_neither_banner_nor_page(olivia: Client, cast: Cast, client: Client) -> None:
    client.force_login(cast.operator)
    assert "recovery key" not in said(client, "/").lower()
    assert client.post(reverse("recovery_key")).status_code == 403
    with account_scope(cast.account.pk):
        assert not Row.objects.exists()


def test_another_administrator_is_not_the_owner(olivia: Client, cast: Cast, client: Client) -> None:
    Membership.objects.filter(user=cast.operator).update(role=Role.ADMINISTRATOR)
    client.force_login(cast.operator)
    assert "recovery key." not in said(client, "/")
    for name in ("recovery_key", "recovery_key_confirm"):
        answer = client.get(reverse(name))
        assert answer.status_code == 403 and "Only the owner" in answer.content.decode()


def test_who_has_no_backups_yet_is_not_bothered(client: Client, cast: Cast) -> None:
    client.force_login(cast.stranger)
    assert "recovery key" not in said(client, "/").lower()
