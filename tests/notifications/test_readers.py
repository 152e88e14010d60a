"""An address is who it was when somebody wrote it down: nobody's address sees nothing."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from django.core import mail

from apps.accounts.life.address import _put
from apps.accounts.members.services import member_remove
from apps.accounts.models import Membership
from apps.accounts.selectors import person_now
from apps.activity.models import SecurityEvent
from apps.core.actor import SYSTEM, Actor, acting_as
from apps.core.errors import Conflict, PermissionMissing
from apps.core.permissions import Permission
from apps.core.scope import account_scope
from apps.notifications import recipients, sending
from apps.notifications.models import Delivery, Recipient, Refusal
from apps.notifications.recipients import (
    TO_ONE_A_DAY,
    Wanted,
    delivery_retry,
    recipient_add,
    recipient_change,
    recipient_remove,
    recipient_try,
)
from apps.notifications.services import notify, notify_addresses, readers_of
from tests.cast import Cast
from tests.notifications.conftest import letter, recipient

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def _scope(cast: Cast) -> Iterator[None]:
    with patch("celery.app.task.Task.apply_async"), account_scope(cast.account.pk), acting_as(SYSTEM):
        yield


def person(user: Any) -> Actor:
    found = person_now(user.pk)
    assert found is not None
    return found


def test_an_address_that_is_nobodys_is_told_nothing_of_backups(cast: Cast) -> None:
    assert notify_addresses(["who@partner.example"], letter(), kind="weather") == 0
    readers = readers_of(["who@partner.example"], {})
    assert notify_addresses(["who@partner.example"], letter(), kind="weather", readers=readers) == 1


def test_letters_follow_who_changes_their_address_and_end_when_they_leave(cast: Cast) -> None:
    old = cast.custom.email
    readers = readers_of([old], {})
    recipient(cast, cast.viewer.email)  # put there before they came into the account
    was = cast.viewer.email
    notify("weather", letter())
    for user in (cast.custom, cast.viewer):
        _put(user, f"new-{user.email}", keep="")
    notify_addresses([old], letter(service="exchange"), kind="weather", readers=readers)
    assert not Delivery.objects.filter(address__in=[old, was]).exists(), "without Exchange, and the other moved"
    notify_addresses([old], letter(), kind="weather", readers=readers_of([old], readers))
    assert Delivery.objects.filter(address=f"new-{old}", user=cast.custom).count() == 1
    with acting_as(person(cast.owner)):
        for user in (cast.custom, cast.viewer):
            member_remove(member=Membership.objects.get(user=user, account=cast.account))
    assert notify("weather", letter(), extra=[old, was, f"new-{old}"]) == 0
    assert notify_addresses([old], letter(), kind="weather", readers=readers) == 0
    assert not Recipient.objects.exists()
    sending.send_due()
    assert not Delivery.objects.exclude(state="stopped").exists() and mail.outbox == []


def test_what_somebody_ended_stays_ended_at_their_new_address(cast: Cast) -> None:
    old = cast.viewer.email
    readers = readers_of([old], {})
    Refusal.objects.create(account=cast.account, address=old, kind="weather")
    assert notify_addresses([old], letter(), kind="weather", readers=readers) == 0
    _put(cast.viewer, f"new-{old}", keep="")
    assert notify_addresses([old], letter(), kind="weather", readers=readers) == 0
    _put(cast.viewer, f"newer-{old}", keep="")
    assert notify_addresses([old], letter(), kind="weather", readers=readers) == 0


def test_who_was_outside_first_reads_as_the_member_that_they_are_now(cast: Cast) -> None:
    recipient(cast, cast.custom.email, limited=True)
    assert notify("weather", letter(service="exchange")) == 0


def test_what_failed_to_reach_a_removed_recipient_is_not_sent_again(cast: Cast) -> None:
    desk = recipient(cast)
    notify("weather", letter())
    Delivery.objects.update(state="failed", next_try_at=None)
    with acting_as(person(cast.owner)):
        recipient_remove(desk)
        with pytest.raises(Conflict):
            delivery_retry(Delivery.objects.get())


def test_who_may_not_view_backups_lets_nobody_else_view_them(cast: Cast) -> None:
    owner = person(cast.owner)
    blind = replace(owner, permissions=owner.permissions - {Permission.VIEW.value})
    desk = recipient(cast)
    with acting_as(blind):
        recipient_add(Wanted("mail", "", ["weather"], address="mine@partner.example"))
        with pytest.raises(PermissionMissing):
            recipient_change(desk, Wanted("mail", "", ["weather"]))
        readers = readers_of(["third@partner.example"], {})
    assert notify("weather", letter()) == 1 and Delivery.objects.get().recipient == desk
    assert notify_addresses(["third@partner.example"], letter(), kind="weather", readers=readers) == 0


def test_administrators_know_of_each_recipient_outside(
    cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    with acting_as(person(cast.owner)), django_capture_on_commit_callbacks(execute=True):
        recipient_add(Wanted("mail", "", ["weather"], address=cast.viewer.email))
        recipient_add(Wanted("mail", "", ["weather"], address="desk@partner.example"))
    said = [one for one in mail.outbox if cast.owner.email in one.to]
    assert len(said) == 1 and "desk@partner.example" in str(said[0].body)


def test_administrators_know_of_each_hook_that_leads_elsewhere(
    cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    hook = recipient(cast, "hooks.slack.com", way="slack", name="Night desk")
    with acting_as(person(cast.owner)), django_capture_on_commit_callbacks(execute=True):
        with patch("apps.notifications.recipients.check_address"):
            recipient_change(hook, Wanted("slack", "Night desk", [], url="https://chat.elsewhere.example/x/y"))
        recipient_change(hook, Wanted("slack", "Day desk", ["weather"]))
    (said,) = mail.outbox
    assert said.to == [cast.owner.email] and "changed: Slack, chat.elsewhere.example" in str(said.body)
    assert "x/y" not in str(said.body), "the rest of the address is a secret"


def test_a_subject_made_for_one_reader_is_not_listed_to_who_sees_less(cast: Cast) -> None:
    full = person(cast.owner)
    recipient(cast, cast.owner.email, user=cast.owner)
    notify("weather", letter)
    row = Delivery.objects.get()
    assert row.made_for == {"services": None, "limited": True, "contents": True}
    less = [
        replace(full, services=frozenset({"exchange"})),
        replace(full, permissions=full.permissions - {Permission.LIMITED_ACCESS.value}),
        replace(full, permissions=full.permissions - {"preview", "restore", "export"}),
    ]
    for actor in less:
        with acting_as(actor):
            assert not Delivery.objects.exists()
    with acting_as(full):
        assert Delivery.objects.exists()
    Delivery.objects.update(made_for={"services": ["exchange"], "limited": False, "contents": False})
    for actor in less:
        with acting_as(actor):
            assert Delivery.objects.exists()
    sending.send_due()
    assert row.subject not in SecurityEvent.objects.get(code="notice.sent").description


def test_who_lost_the_right_to_contents_is_not_sent_a_letter_made_with_it(cast: Cast) -> None:
    members = Membership.objects.filter(user=cast.viewer)
    members.update(extra_permissions=["preview"])
    recipient(cast, cast.viewer.email, user=cast.viewer)
    notify("weather", letter)
    assert Delivery.objects.get().made_for["contents"]
    members.update(extra_permissions=[])
    sending.send_due()
    assert Delivery.objects.get().state == "stopped"


def test_tests_to_addresses_outside_carry_no_web_address_and_are_few(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "TRIES_A_MINUTE", 100)
    desk = recipient(cast, name="http://evil.example/x")
    with acting_as(replace(person(cast.owner), label="Pay at www.evil.example")):
        for _ in range(TO_ONE_A_DAY):
            recipient_try(desk)
        with pytest.raises(Conflict):
            recipient_try(desk)
        recipient_try(recipient(cast, "other@partner.example"))
        monkeypatch.setattr(recipients, "OUTSIDE_A_DAY", TO_ONE_A_DAY + 1)
        with pytest.raises(Conflict):
            recipient_try(recipient(cast, "third@partner.example"))
    sending.send_due()
    assert "evil.example" not in str(mail.outbox[0].message())
