"""A trial ends with warnings and dates, and deletes nothing that was not announced."""

from datetime import datetime, timedelta
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse

from apps.accounts import tasks
from apps.accounts.enums import AccountState, ClosingCause
from apps.accounts.life import trial
from apps.accounts.life.closing import account_close
from apps.accounts.life.trial import days_left, trials_look_after
from apps.accounts.models import Account
from apps.accounts.selectors import stopped_accounts
from apps.accounts.services import account_activate_plan, account_open
from apps.core import clock
from tests.cast import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def ends(cast: Cast, settings: Any) -> datetime:
    settings.BILLING = True
    ends = clock.now() + timedelta(days=14)
    Account.objects.update(state=AccountState.ACTIVE)
    Account.objects.filter(pk=cast.account.pk).update(state=AccountState.TRIAL, trial_ends_at=ends)
    return ends


def live_through(begin: datetime, length: timedelta) -> None:
    """Let the hourly task run for so long, every three hours."""
    for hours in range(0, int(length.total_seconds() // 3600) + 1, 3):
        with clock.travel(begin + timedelta(hours=hours)):
            trials_look_after()


def test_mails_go_out_at_seven_three_and_one_days_and_at_the_end(ends: datetime, cast: Cast) -> None:
    live_through(clock.now(), timedelta(days=15))
    assert [sent.subject for sent in mail.outbox] == [
        "Your trial ends in 7 days",
        "Your trial ends in 3 days",
        "Your trial ends in 1 day",
        "Your trial is over",
    ]
    assert Account.objects.get(pk=cast.account.pk).state == AccountState.TRIAL


def test_the_banner_counts_down_and_the_end_is_read_only(ends: datetime, cast: Cast, client: Client) -> None:
    client.force_login(cast.owner)
    assert "14 days of your trial left." in client.get(reverse("home")).content.decode()
    Account.objects.update(trial_told=1)
    with clock.travel(ends + timedelta(minutes=1)):
        assert list(stopped_accounts()) == [cast.account]
        client.force_login(cast.owner)
        assert client.get(reverse("home"))["Location"] == reverse("account_state")
        assert "The trial is over" in client.get(reverse("account_state")).content.decode()
        assert client.post(reverse("health_check"), {"tier": "structure"}).status_code == 403
        assert client.get(reverse("recovery")).status_code == 200


def test_two_weeks_after_the_end_it_is_closed_with_the_grace_of_every_closing(
    ends: datetime, cast: Cast
) -> None:
    live_through(ends - timedelta(days=1), timedelta(days=15, hours=6))
    account = Account.objects.get(pk=cast.account.pk)
    assert (account.state, account.closing_cause) == (AccountState.CLOSING, "trial")
    assert mail.outbox[-1].subject == "The account Pizza Perfecto is being closed"


def test_a_clock_that_jumps_closes_nothing_and_the_true_end_is_told_again(ends: datetime, cast: Cast) -> None:
    live_through(clock.now(), timedelta(days=8))
    for ahead in (ends + timedelta(days=400), ends + timedelta(hours=1)):
        with clock.travel(ahead):
            trials_look_after()
            trials_look_after()
        assert Account.objects.get(pk=cast.account.pk).state == AccountState.TRIAL
        mail.outbox.clear()
    live_through(ends - timedelta(days=6), timedelta(days=7))
    assert len(mail.outbox) == 4


def test_a_plan_ends_the_trial_and_brings_back_what_was_closed_for_want_of_it(
    ends: datetime, cast: Cast
) -> None:
    live_through(ends - timedelta(days=1), timedelta(days=15, hours=6))
    account = account_activate_plan(account_id=cast.account.pk)
    assert (account.state, account.trial_ends_at, account.closes_at) == (AccountState.ACTIVE, None, None)


def test_what_a_trial_closed_is_not_reactivated_without_a_plan(
    ends: datetime, cast: Cast, client: Client, settings: Any
) -> None:
    account_close(account_id=cast.account.pk, cause=ClosingCause.TRIAL)
    client.force_login(cast.owner)
    refused = client.post(reverse("account_reactivate"))
    assert refused.status_code == 409 and "Choose a plan" in refused.content.decode()
    assert Account.objects.get(pk=cast.account.pk).state == AccountState.CLOSING
    settings.BILLING = False
    assert client.post(reverse("account_reactivate")).status_code == 302, "without billing no plan is needed"
    assert Account.objects.get(pk=cast.account.pk).state == AccountState.TRIAL


def test_without_billing_no_trial_ends(ends: datetime, cast: Cast, settings: Any) -> None:
    settings.BILLING = False
    with clock.travel(ends + timedelta(days=400)):
        assert trials_look_after() == 0
        assert days_left(Account.objects.get(pk=cast.account.pk)) is None
        assert not stopped_accounts().exists()


def test_switching_billing_on_stops_nothing_and_gives_a_whole_trial_with_its_mails(
    cast: Cast, settings: Any
) -> None:
    settings.BILLING = False
    now = clock.now()
    Account.objects.update(trial_ends_at=now - timedelta(days=300), trial_told=0)
    Account.objects.filter(pk=cast.other_account.pk).update(trial_ends_at=None, trial_told=None)
    trials_look_after()
    settings.BILLING = True
    assert not stopped_accounts().exists(), "nor before the hourly task comes by"
    trials_look_after()
    assert {days_left(account) for account in Account.objects.all()} == {14}
    assert mail.outbox == [] and not stopped_accounts().exists()
    live_through(now, timedelta(days=15))
    assert len([sent for sent in mail.outbox if sent.to == [cast.owner.email]]) == 4


def test_an_account_that_is_opened_without_billing_has_no_end(settings: Any, db: None) -> None:
    settings.BILLING = False
    user = account_open(
        account_name="Later", location="de", name="Lara", email="lara@later.example", password=None
    )
    assert user.memberships.get().account.trial_ends_at is None


def test_a_mail_that_did_not_go_out_is_tried_again_and_nothing_is_closed_before(
    ends: datetime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    Account.objects.filter(pk=cast.account.pk).update(trial_told=1)
    with monkeypatch.context() as patched:
        patched.setattr(EmailMultiAlternatives, "send", no_mail)
        for days in (0, 7, 15, 20):
            live_through(ends + timedelta(days=days), timedelta(0))
    account = Account.objects.get(pk=cast.account.pk)
    assert (account.state, account.trial_told, mail.outbox) == (AccountState.TRIAL, 1, [])
    live_through(ends + timedelta(days=21), timedelta(hours=3))
    assert [sent.subject for sent in mail.outbox] == ["Your trial is over"]
    assert Account.objects.get(pk=cast.account.pk).state == AccountState.TRIAL, "14 days from the mail on"


def test_one_accounts_error_does_not_stop_the_look_after_the_others(
    ends: datetime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(account_id: int) -> list[str]:
        if account_id == cast.account.pk:
            raise RuntimeError("a row of this account is odd")
        return ["other@neighbour.example"]

    monkeypatch.setattr(trial, "administrators", broken)
    monkeypatch.setattr(tasks, "remind", lambda: 1 / 0)
    begun = []
    monkeypatch.setattr(tasks, "deletions_begin", lambda: begun.append(True))
    Account.objects.filter(pk__in=[cast.account.pk, cast.other_account.pk]).update(
        state=AccountState.TRIAL, trial_ends_at=clock.now() + timedelta(days=2)
    )
    tasks.look_after_accounts()
    assert [sent.to for sent in mail.outbox] == [["other@neighbour.example"]] and begun


def no_mail(*_: Any, **__: Any) -> None:
    raise SMTPServerDisconnected
