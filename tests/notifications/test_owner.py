"""Who owns an account is told from the start, and can end it by one click."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.members.services import ownership_transfer
from apps.accounts.models import Membership, User
from apps.accounts.selectors import person_now
from apps.accounts.services import account_open, account_take_over
from apps.backups.models import Report, ReportSettings
from apps.backups.reports import making
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope
from apps.notifications import sending
from apps.notifications.models import Delivery, Recipient
from apps.notifications.registry import offered_kinds
from apps.notifications.services import notify
from apps.notifications.unsubscribing import unsubscribe_address
from tests.cast import PASSWORD, Cast, member
from tests.notifications.conftest import letter

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def _worker() -> Iterator[None]:
    with patch("celery.app.task.Task.apply_async"), acting_as(SYSTEM):
        yield


def opened(*, proved: bool = True) -> User:
    return account_open(
        account_name="Nadia's Noodles", location="de", name="Nadia", email="nadia@noodles.example",
        password=PASSWORD, email_verified=proved,
    )  # fmt: skip


def account_of(user: User) -> int:
    return user.memberships.get().account_id


def owner_on_list(account_id: int) -> Recipient:
    with account_scope(account_id):
        return Recipient.objects.select_related("user").get()


def test_the_owner_of_a_new_account_is_told_from_the_start_and_sees_it_on_the_page(
    db: None, client: Client
) -> None:
    nadia = opened()
    row = owner_on_list(account_of(nadia))
    begins = [kind.key for kind in offered_kinds() if kind.begins]
    assert (row.user, row.kinds, row.name) == (nadia, begins, "Nadia")
    assert {"summary", "recovery", "exceptions", "alerts"} <= set(begins)
    client.force_login(nadia)
    assert "nadia@noodles.example" in client.get(reverse("notifications")).content.decode()


def test_what_the_owner_ended_by_one_click_stays_ended_also_when_they_own_it_again(db: None) -> None:
    nadia = opened()
    with account_scope(account_of(nadia)):
        assert notify("exceptions", letter()) == 1
        link = unsubscribe_address(Delivery.objects.get()).partition("8000")[2]
        assert Client().post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
        assert notify("exceptions", letter()) == 0 and notify("recovery", letter()) == 1
        Recipient.objects.all().delete()
        adam = member(Membership.objects.get(user=nadia).account, "adam@noodles.example", Role.ADMINISTRATOR)
        of = {row.user_id: row for row in Membership.objects.filter(account__memberships__user=nadia)}
        for before, after in ((nadia, adam), (adam, nadia)):
            with acting_as(person_now(before.pk) or SYSTEM):
                ownership_transfer(owner=of[before.pk], to=of[after.pk])
            of = {row.user_id: row for row in Membership.objects.filter(account__memberships__user=nadia)}
        assert {row.user for row in Recipient.objects.select_related("user")} == {adam, nadia}
        assert notify("exceptions", letter()) == 1, "to Adam alone"


def test_nobody_is_written_to_whose_address_nobody_confirmed(db: None) -> None:
    nadia = opened(proved=False)
    with account_scope(account_of(nadia)):
        assert notify("exceptions", letter()) == 0
        EmailAddress.objects.filter(user=nadia).update(verified=True)
        assert notify("exceptions", letter()) == 1


def test_a_new_account_has_its_summary_every_monday_until_somebody_ends_it(db: None) -> None:
    nadia = opened()
    with account_scope(account_of(nadia)):
        settings = ReportSettings.objects.get()
        assert (settings.is_on, settings.every, settings.zone) == (True, "weekly", "UTC")
        assert settings.next_at.weekday() == 0
        with clock.travel(settings.next_at):
            assert making.work() == 1
            sending.send_due()
        assert Report.objects.get().state == "sent"
        assert "nothing is backed up" in Delivery.objects.get(kind="summary").subject


def test_so_is_who_takes_an_account_over_from_its_vault_or_from_a_partner(cast: Cast) -> None:
    account, olga = account_take_over(public_id=None, name="Olga's", location="DE", email="olga@example.org")
    assert owner_on_list(account.pk).user == olga
    assert owner_on_list(account.pk).added_by == "Everkeep"


def test_an_owner_who_is_on_the_list_stays_there_as_they_are(cast: Cast) -> None:
    adam = member(cast.account, "adam@pizza-perfecto.example", Role.ADMINISTRATOR)
    rows: dict[str, Any] = {"account": cast.account, "address": adam.email, "kinds": ["alerts"]}
    with account_scope(cast.account.pk):
        Recipient.objects.create(**rows)
        owner, to = (Membership.objects.get(user=user, account=cast.account) for user in (cast.owner, adam))
        with acting_as(person_now(cast.owner.pk) or SYSTEM):
            ownership_transfer(owner=owner, to=to)
        assert Recipient.objects.get().kinds == ["alerts"]
