"""One person, two accounts: one at a time, and nothing of the other before it is chosen."""

from django.test import Client
from django.urls import reverse

from apps.accounts.models import Account, Membership
from apps.activity.models import SecurityEvent
from apps.core.scope import account_scope
from tests.cast import Cast
from tests.security.url_table import a_task


def switch(client: Client, account: Account) -> int:
    return client.post(reverse("account_switch"), {"account": str(account.public_id)}).status_code


def test_pages_of_the_other_account_are_missing_until_it_is_chosen(client: Client, cast: Cast) -> None:
    task = reverse("task", args=a_task(cast))
    client.force_login(cast.both)
    assert client.get(task).status_code == 200
    assert switch(client, cast.other_account) == 302
    answer = client.get(task)
    assert answer.status_code == 404 and "Pizza" not in answer.content.decode().split("<main")[1]
    assert client.get(reverse("users")).status_code == 200, "administrator there"
    switch(client, cast.account)
    assert client.get(task).status_code == 200 and client.get(reverse("users")).status_code == 403


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
