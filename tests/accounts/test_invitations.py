"""From the invitation that is sent to the person who belongs, and back out again."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.members.invitations import SENT
from apps.accounts.models import Invitation, Membership, User
from apps.activity.models import SecurityEvent
from apps.core import clock
from apps.core.scope import account_scope
from tests.cast import PASSWORD, Cast, prove_again

NEW = "nina.new@pizza-perfecto.example"
AUDITOR = {"role": "auditor", "reach": "all"}


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    cache.clear()
    client.force_login(cast.owner)
    prove_again(client)
    return client


@pytest.fixture
def invite(olivia: Client, django_capture_on_commit_callbacks: Any) -> Any:
    def _invite(email: str = NEW, **data: Any) -> str:
        """Send it; returns the path of the link in the mail."""
        with django_capture_on_commit_callbacks(execute=True):
            answer = olivia.post(reverse("user_new"), {**AUDITOR, "email": email, **data})
        assert answer.status_code == 302, answer.content.decode()
        return link_of(mail.outbox[-1])

    return _invite


def link_of(message: Any) -> str:
    found = re.search(r"https?://[^/]+(/invitation/\S+/)", message.body)
    assert found, message.body
    return found[1]


def test_somebody_new_chooses_name_and_password_and_signs_in(invite: Any, cast: Cast) -> None:
    link, person = invite(), Client()
    page = person.get(link)
    assert page.status_code == 200 and "Olivia Romano" in page.content.decode()
    assert not User.objects.filter(email=NEW).exists(), "a mail filter that follows the link changes nothing"
    assert person.post(link, {"name": "Nina New", "password": "short"}).status_code == 200
    assert person.post(link, {"name": "Nina New", "password": PASSWORD})["Location"] == reverse("account_login")
    person.post(reverse("account_login"), {"login": NEW, "password": PASSWORD})
    assert person.get(reverse("home")).wsgi_request.account == cast.account  # type: ignore[attr-defined]
    assert Membership.objects.get(user__email=NEW).role == "auditor"
    with account_scope(cast.account.pk):
        assert SecurityEvent.objects.get(code="user.joined").actor_label == "Nina New"
    assert Client().get(link).status_code == 404, "it works once"


def test_somebody_who_has_a_login_signs_in_and_accepts(invite: Any, cast: Cast) -> None:
    Invitation.objects.all().delete()
    link, person = invite(cast.invited.email), Client()
    assert "Sign in, then accept" in person.get(link).content.decode()
    answer = person.post(link, {"name": "Somebody", "password": PASSWORD})
    assert answer.status_code == 200 and not Membership.objects.filter(user=cast.invited).exists()
    person.force_login(cast.stranger)
    assert "signed in as sam@" in person.get(link).content.decode() and person.post(link).status_code == 400
    person.force_login(cast.invited)
    before = person.session.session_key
    assert person.post(link)["Location"] == reverse("home")
    assert person.session.session_key != before
    assert person.get(reverse("home")).wsgi_request.account == cast.account  # type: ignore[attr-defined]
    assert not cast.invited.by_invitation


def test_known_and_unknown_addresses_are_one_to_the_inviter(
    olivia: Client, cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    Invitation.objects.all().delete()
    answers, mails, queries = [], [], []
    for address in ("first@nowhere.example", NEW, cast.invited.email):
        with django_capture_on_commit_callbacks(execute=True), CaptureQueriesContext(connection) as counted:
            answer = olivia.post(reverse("user_new"), {**AUDITOR, "email": address})
        answers.append((answer.status_code, answer["Location"]))
        mails.append(re.sub(r"/invitation/\S+", "", mail.outbox[-1].body))
        queries.append(re.sub(r"'[^']*'", "?", str([query["sql"][:40] for query in counted])))
        page = olivia.get(reverse("users")).content.decode()
        assert address in page
    assert answers[1] == answers[2] and mails[1] == mails[2] and queries[1] == queries[2]


def test_only_a_hash_of_the_link_is_kept(invite: Any) -> None:
    token = invite().split("/")[2]
    row = Invitation.objects.filter(email=NEW).values().get()
    assert token not in str(row) and len(token) >= 43


def test_a_link_ends_after_24_hours_and_a_new_one_ends_the_old(
    invite: Any, olivia: Client, cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    old = invite()
    row = Invitation.objects.get(email=NEW)
    assert timedelta(hours=23) < row.expires_at - clock.now() <= timedelta(hours=24)
    Invitation.objects.filter(pk=row.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    assert Client().get(old).status_code == 404
    assert "Invitation has ended" in olivia.get(reverse("users")).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        olivia.post(reverse("user_invitation", args=[row.public_id]), {"action": "resend"})
    new = link_of(mail.outbox[-1])
    assert new != old and Client().get(old).status_code == 404 and Client().get(new).status_code == 200


def test_what_is_taken_back_or_given_by_somebody_who_lost_it_opens_nothing(
    invite: Any, olivia: Client, cast: Cast
) -> None:
    link = invite()
    Membership.objects.filter(user=cast.owner).update(is_active=False)
    assert Client().get(link).status_code == 404, "the inviter may give nothing any more"
    Membership.objects.filter(user=cast.owner).update(is_active=True)
    assert Client().get(link).status_code == 200
    row = Invitation.objects.get(email=NEW)
    olivia.post(reverse("user_invitation", args=[row.public_id]), {"action": "withdraw"})
    assert Client().get(link).status_code == 404 and not Invitation.objects.filter(email=NEW).exists()


def test_who_may_invite_nobody_any_more_lets_nobody_in_by_an_earlier_link(invite: Any, cast: Cast) -> None:
    """Also who holds more today than the invitation gives."""
    link = invite()
    Membership.objects.filter(user=cast.owner).update(role="restore_operator", is_owner=False)
    assert Client().get(link).status_code == 404


def test_the_mail_carries_no_address_of_the_inviters_choice(invite: Any, cast: Cast) -> None:
    type(cast.account).objects.filter(pk=cast.account.pk).update(name="Win at http://evil.example/now")
    invite()
    text = mail.outbox[-1].body
    assert "evil.example" not in text and "http://evil" not in mail.outbox[-1].subject


def test_members_and_invited_people_are_not_invited_twice(olivia: Client, cast: Cast) -> None:
    for address in (cast.viewer.email.upper(), cast.invited.email):
        answer = olivia.post(reverse("user_new"), {**AUDITOR, "email": address})
        assert answer.status_code == 200 and "address" in answer.content.decode()
    assert Invitation.objects.count() == 1


def test_an_account_cannot_mail_the_world(olivia: Client, cast: Cast) -> None:
    answers = [
        olivia.post(reverse("user_new"), {**AUDITOR, "email": f"x{n}@nowhere.example"}).status_code
        for n in range(SENT.burst + 1)
    ]
    assert answers == [302] * SENT.burst + [200]
    assert Invitation.objects.count() == 1 + SENT.burst
