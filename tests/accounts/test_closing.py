"""Cancelling an account: who may, what stops, what still works, and that it can be taken back."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import AccountState, Role
from apps.accounts.life.closing import account_close, remind
from apps.accounts.models import Account, Membership
from apps.backups.tick import dispatch_due
from apps.core import clock
from apps.core.scope import account_scope, every_account
from tests.backups.makers import make_connection, make_mailbox, make_task
from tests.cast import Cast, prove_again

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def state_of(cast: Cast) -> str:
    return Account.objects.get(pk=cast.account.pk).state


def test_the_owner_cancels_after_a_proof_consent_and_a_question(client: Client, cast: Cast) -> None:
    Membership.objects.filter(user=cast.viewer).update(role=Role.ADMINISTRATOR)
    client.force_login(cast.owner)
    remove = reverse("account_remove")
    assert client.post(remove, {"consent": "on", "sure": "on"})["Location"].startswith(reverse("sudo"))
    prove_again(client)
    assert "nothing is removed" in client.post(remove, {"sure": "on"}).content.decode()
    assert "Are you sure?" in client.post(remove, {"consent": "on"}).content.decode()
    assert state_of(cast) == AccountState.TRIAL
    assert client.post(remove, {"consent": "on", "sure": "on"})["Location"] == reverse("account_state")
    account = Account.objects.get(pk=cast.account.pk)
    assert account.state == AccountState.CLOSING and account.closes_at and account.closing_since
    assert account.closes_at - account.closing_since == timedelta(days=7)
    assert sorted(sent.to[0] for sent in mail.outbox) == sorted([cast.owner.email, cast.viewer.email])


def test_while_closing_one_reads_restores_and_exports_and_changes_nothing(client: Client, cast: Cast) -> None:
    account_close(account_id=cast.account.pk)
    client.force_login(cast.owner)
    assert client.get(reverse("home"))["Location"] == reverse("account_state")
    page = client.get(reverse("account_state")).content.decode()
    assert "Nothing is deleted yet" in page and "Reactivate" in page
    for name in ("recovery", "activity_list", "settings", "job_list", "my_security"):
        assert client.get(reverse(name)).status_code == 200
    refused = client.post(reverse("health_check"), {"tier": "structure"})
    assert refused.status_code == 403 and "is being closed" in refused.content.decode()
    assert client.get(reverse("connection_authenticate")).status_code == 403
    assert client.post(reverse("account_logout")).status_code == 302


def test_nothing_is_backed_up_while_closing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda *args, **kwargs: None)
    with account_scope(cast.account.pk):
        box = make_mailbox(make_task(make_connection(cast.account)), "Bob Smith")
    type(box)._base_manager.filter(pk=box.pk).update(state="active", next_run_at=clock.now())
    account_close(account_id=cast.account.pk)
    with every_account("as the tick does"):
        assert dispatch_due() == 0
        Account.objects.filter(pk=cast.account.pk).update(state=AccountState.ACTIVE)
        assert dispatch_due() == 1


def test_an_administrator_reactivates_and_others_cannot(client: Client, cast: Cast) -> None:
    Account.objects.filter(pk=cast.account.pk).update(state=AccountState.ACTIVE)
    account_close(account_id=cast.account.pk)
    for person in (cast.operator, cast.viewer, cast.finance):
        client.force_login(person)
        assert client.post(reverse("account_reactivate")).status_code == 403
    Membership.objects.filter(user=cast.viewer).update(role=Role.ADMINISTRATOR)
    client.force_login(cast.viewer)
    assert client.post(reverse("account_reactivate")).status_code == 302
    assert state_of(cast) == AccountState.ACTIVE, "what it was before"
    assert mail.outbox[-1].subject == "The account Pizza Perfecto stays"


def test_a_last_mail_goes_out_on_the_last_day_and_only_once(cast: Cast) -> None:
    account_close(account_id=cast.account.pk)
    mail.outbox.clear()
    assert remind() == 0
    with clock.travel(clock.now() + timedelta(days=6, hours=1)):
        assert remind() == 0, "so much time was not seen: the clock has jumped"
        Account.objects.filter(pk=cast.account.pk).update(counted_seconds=6 * 86400)
        assert (remind(), remind()) == (1, 0)
    assert mail.outbox[0].subject == "Last day: Pizza Perfecto is deleted tomorrow"


def test_the_name_is_changed_by_who_may_and_stands_in_the_log(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    assert client.post(reverse("account_settings"), {"name": "Pizza Perfetto"}).status_code == 302
    page = client.get(reverse("account_settings")).content.decode()
    assert "Pizza Perfetto" in page and "Germany" in page and cast.owner.email in page
    assert 'href="/settings/account/" aria-current="page"' in page, "the side bar lists the sections"
