"""Whoever stands behind an address is judged by what they are in the account when a letter is sent."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.core import mail

from apps.accounts.enums import Role
from apps.accounts.guests import entering
from apps.accounts.guests.partners import relation_end
from apps.accounts.guests.support import staff_set, support_end, support_grant
from apps.accounts.life.address import _put
from apps.accounts.members.services import member_remove, member_switch
from apps.accounts.models import Membership, PartnerCustomer, User
from apps.accounts.selectors import person_now
from apps.core.actor import SYSTEM, acting_as
from apps.core.permissions import Permission
from apps.core.scope import account_scope
from apps.notifications import sending
from apps.notifications.models import Delivery, Recipient
from apps.notifications.services import notify, notify_addresses, readers_of
from tests.backups.makers import make_connection, make_mailbox, make_task
from tests.cast import Cast, with_factor
from tests.notifications.conftest import letter, recipient

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def _scope(cast: Cast) -> Iterator[None]:
    with patch("celery.app.task.Task.apply_async"), account_scope(cast.account.pk), acting_as(SYSTEM):
        yield


@pytest.fixture
def helper(cast: Cast, client: Any) -> User:
    """One of the staff, written down by the customer before anybody let them in."""
    with_factor(client, cast.staff)
    recipient(cast, cast.staff.email, limited=True)
    return cast.staff


def told(address: str, **fields: Any) -> int:
    """How many letters reach an address, as a recipient and as one that stands with a task."""
    readers = {address: {"services": None, "limited": True, "view": True}}
    listed = notify("weather", letter(**fields))
    return listed + notify_addresses([address], letter(**fields), kind="weather", readers=readers)


def test_a_helper_is_told_while_a_grant_lasts_and_neither_before_nor_after(cast: Cast, helper: User) -> None:
    assert told(helper.email) == 0
    grant = support_grant(hours=4, role=Role.AUDITOR, reason="Look")
    assert told(helper.email) == 2
    support_end(public_id=grant.public_id)
    assert told(helper.email) == 0, "the list of the account still has the address"
    sending.send_due()
    assert {row.state for row in Delivery.objects.all()} == {"stopped"} and not mail.outbox


def test_a_helper_who_changes_their_address_or_is_none_any_more_is_no_outsider(
    cast: Cast, helper: User
) -> None:
    support_end(public_id=support_grant(hours=4, role=Role.AUDITOR, reason="Look").public_id)
    old = helper.email
    _put(helper, "new@everkeep.example", keep="")
    assert told(old) == told("new@everkeep.example") == 0
    staff_set(email="new@everkeep.example", on=False)
    assert told(old) == told("new@everkeep.example") == 0
    assert not Recipient.objects.exists()


def test_a_partners_person_is_no_outsider_after_a_change_of_address_and_after_the_relation(
    cast: Cast,
) -> None:
    recipient(cast, cast.partner.email, limited=True)
    old = cast.partner.email
    assert told(old) == 2
    _put(cast.partner, "new@msp.example", keep="")
    assert told("new@msp.example") == 2
    assert notify_addresses([old], letter(), kind="weather", readers={old: _all()}) == 0
    relation_end(relation=PartnerCustomer.objects.get(account=cast.account))
    assert told(old) == told("new@msp.example") == 0


def test_a_guest_is_told_nothing_of_what_guests_may_not_see(cast: Cast, helper: User) -> None:
    task = make_task(connection=make_connection(cast.account), name="Mail")
    box = make_mailbox(task, "Carla Confidential", limited=True)
    support_grant(hours=4, role=Role.ADMINISTRATOR, reason="Look")
    recipient(cast, cast.partner.email, limited=True)
    assert notify("weather", letter(service="exchange")) == 2
    assert notify("weather", letter(service="exchange", entity_id=box.public_id)) == 0
    assert notify("weather", letter) == 2
    assert not any(row.made_for["limited"] for row in Delivery.objects.exclude(made_for={}))


def test_what_guests_may_see_is_asked_again_when_a_letter_is_sent(
    cast: Cast, helper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    support_grant(hours=4, role=Role.AUDITOR, reason="Look")
    assert notify("weather", letter()) == 1
    withheld = {**entering.WITHHELD, "support": entering.WITHHELD["support"] | {Permission.VIEW.value}}
    monkeypatch.setattr(entering, "WITHHELD", withheld)
    sending.send_due()
    assert Delivery.objects.get().state == "stopped" and not mail.outbox


def test_who_was_switched_off_when_their_address_changed_is_no_outsider_when_they_leave(cast: Cast) -> None:
    old = cast.viewer.email
    readers = {old: _all()}  # written down before they came into the account
    row = Membership.objects.get(user=cast.viewer, account=cast.account)
    owner = person_now(cast.owner.pk)
    assert owner is not None
    with acting_as(owner):
        member_switch(member=row, on=False)
        _put(cast.viewer, "new@elsewhere.example", keep=old)
        member_remove(member=row)
    for address in (old, "new@elsewhere.example"):
        assert notify_addresses([address], letter(), kind="weather", readers=readers) == 0


def test_a_recipient_sees_nothing_of_backups_unless_somebody_said_so(cast: Cast) -> None:
    Recipient.objects.create(account=cast.account, address="desk@partner.example", kinds=["weather"])
    assert notify("weather", letter()) == 0


def test_a_person_has_one_row_under_their_new_address(cast: Cast) -> None:
    recipient(cast, cast.viewer.email, user=cast.viewer)
    recipient(cast, "new@elsewhere.example", kinds=["summary"])
    _put(cast.viewer, "new@elsewhere.example", keep="")
    row = Recipient.objects.get()
    assert (row.user, row.address, row.kinds) == (cast.viewer, "new@elsewhere.example", ["weather", "summary"])


def test_channels_of_one_host_have_a_day_each(cast: Cast, settings: Any) -> None:
    settings.LETTERS_A_DAY = 1
    for name in ("Night desk", "Day desk"):
        recipient(cast, "hooks.slack.com", way="slack", name=name)
    notify("weather", letter())
    with patch("apps.notifications.sending.send_by"):
        sending.send_due()
    assert [row.state for row in Delivery.objects.all()] == ["delivered", "delivered"]


def _all() -> dict[str, Any]:
    return {"services": None, "limited": True, "view": True}


def test_who_was_written_down_as_a_person_stays_one(cast: Cast, helper: User) -> None:
    assert readers_of([helper.email], {}) == {helper.email: {"user": helper.pk}}
