"""One person, two accounts: one at a time, and nothing of the other before it is chosen."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import AccountState, Role
from apps.accounts.models import Account, Membership
from apps.activity.models import SecurityEvent
from apps.backups.models import Entity
from apps.core.scope import account_scope
from tests.cast import Cast
from tests.security.url_objects import a_task, an_entity


def switch(client: Client, account: Account) -> int:
    return client.post(reverse("account_switch"), {"account": str(account.public_id)}).status_code


def test_pages_of_the_other_account_are_missing_until_it_is_chosen(client: Client, cast: Cast) -> None:
    task = reverse("task", args=a_task(cast))
    client.force_login(cast.both)
    assert client.get(task).status_code == 200
    assert switch(client, cast.other_account) == 302
    answer = client.get(task)
    assert answer.status_code == 404 and "Mail of" not in answer.content.decode()
    assert client.get(reverse("users")).status_code == 200, "administrator there"
    switch(client, cast.account)
    assert client.get(task).status_code == 200 and client.get(reverse("users")).status_code == 403


def test_a_link_into_ones_other_account_offers_the_way_there_and_leads_on(client: Client, cast: Cast) -> None:
    task = reverse("task", args=a_task(cast))
    client.force_login(cast.both)
    switch(client, cast.other_account)
    assert "Go to Pizza Perfecto" in client.get(task).content.decode()
    turned = client.post(reverse("account_switch"), {"account": str(cast.account.public_id), "next": task})
    assert turned["Location"] == task and client.get(task).status_code == 200
    evil = {"account": str(cast.account.public_id), "next": "//evil.example/"}
    assert client.post(reverse("account_switch"), evil)["Location"] == reverse("home")


def test_it_is_offered_to_nobody_who_would_not_see_it_there(client: Client, cast: Cast) -> None:
    entity = an_entity(cast)
    task, mailbox = reverse("task", args=a_task(cast)), reverse("entity", args=entity)
    client.force_login(cast.stranger)
    assert "Go to" not in client.get(task).content.decode().replace("Go to Home", "")
    client.force_login(cast.both)
    switch(client, cast.other_account)
    offered = "Go to Pizza Perfecto"
    assert offered in client.get(mailbox).content.decode()
    Entity._base_manager.filter(public_id=entity[0]).update(limited=True)
    assert offered not in client.get(mailbox).content.decode(), "its limited mailboxes are not theirs to see"
    Membership.objects.filter(user=cast.both, account=cast.account).update(services=["onedrive"])
    assert offered not in client.get(task).content.decode()
    Membership.objects.filter(user=cast.both, account=cast.account).update(services=None, is_active=False)
    assert offered not in client.get(task).content.decode()


def test_the_session_and_the_token_of_forms_are_new_and_the_entry_is_audited(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.both)
    client.get(reverse("home"))
    token, session = client.cookies["csrftoken"].value, client.session.session_key
    answer = client.post(
        reverse("account_switch"), {"account": str(cast.other_account.public_id)}, HTTP_X_CSRFTOKEN=token
    )
    assert answer.status_code == 302
    assert client.session.session_key != session and client.cookies["csrftoken"].value != token
    with account_scope(cast.other_account.pk):
        assert SecurityEvent.objects.get(code="user.entered").actor_label == "Bo Both"


def test_the_menu_is_there_for_who_has_a_choice_only(client: Client, cast: Cast) -> None:
    for person, offered in ((cast.both, True), (cast.viewer, False)):
        client.force_login(person)
        assert (reverse("account_switch") in client.get(reverse("home")).content.decode()) == offered


def test_nobody_turns_to_an_account_that_is_not_theirs_or_is_switched_off(client: Client, cast: Cast) -> None:
    client.force_login(cast.viewer)
    assert switch(client, cast.other_account) == 404
    Membership.objects.filter(user=cast.both, account=cast.other_account).update(is_active=False)
    client.force_login(cast.both)
    assert switch(client, cast.other_account) == 404
    assert client.get(reverse("home")).wsgi_request.account == cast.account  # type: ignore[attr-defined]


@pytest.mark.parametrize("chosen", [True, False])
def test_a_form_of_an_account_that_was_taken_away_does_not_act_in_another(chosen: bool, cast: Cast) -> None:
    client, first = Client(enforce_csrf_checks=True), cast.account
    Membership.objects.filter(user=cast.both).update(role=Role.ADMINISTRATOR)
    client.force_login(cast.both)
    client.get(reverse("home"))
    gone, left = (first, cast.other_account) if not chosen else (cast.other_account, first)
    if chosen:
        switch_token = client.cookies["csrftoken"].value
        data = {"account": str(gone.public_id), "csrfmiddlewaretoken": switch_token}
        assert client.post(reverse("account_switch"), data).status_code == 302
        client.get(reverse("home"))
    token = client.cookies["csrftoken"].value
    Membership.objects.filter(user=cast.both, account=gone).delete()
    data = {"name": "Meant for the other", "csrfmiddlewaretoken": token}
    assert client.post(reverse("account_settings"), data)["Location"] == reverse("home")
    assert client.post(reverse("account_settings"), data).status_code == 403, "the old form is worth nothing"
    assert not Account.objects.filter(name="Meant for the other").exists()
    assert client.get(reverse("home")).wsgi_request.account == left  # type: ignore[attr-defined]


@pytest.mark.parametrize("state", [AccountState.CLOSING, AccountState.ENDING])
def test_an_account_that_ends_keeps_nobody_from_their_other_one(
    state: AccountState, client: Client, cast: Cast
) -> None:
    Account.objects.filter(pk=cast.account.pk).update(state=state)
    client.force_login(cast.both)
    assert client.get(reverse("invitation", args=["no-such-token"])).status_code == 404
    assert switch(client, cast.other_account) == 302
    assert client.get(reverse("home")).wsgi_request.account == cast.other_account  # type: ignore[attr-defined]
