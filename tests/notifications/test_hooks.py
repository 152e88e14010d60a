"""Letters to hooks, against a real HTTP server, and the settings page that puts recipients on the list."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership
from apps.accounts.selectors import actor_of
from apps.activity.models import SecurityEvent
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import Conflict, EverkeepError, PermissionMissing
from apps.core.permissions import Permission
from apps.core.scope import account_scope
from apps.notifications import digests, registry, sending
from apps.notifications.letters import Letter
from apps.notifications.models import Delivery, Recipient
from apps.notifications.recipients import Wanted, recipient_add, recipient_change, recipient_try, ticks_set
from apps.notifications.registry import Kind
from apps.notifications.selectors import last_failures
from apps.notifications.services import keep_mail, notify, notify_addresses
from tests.cast import Cast, prove_again
from tests.listener import Listener
from tests.notifications.conftest import letter, recipient
from tests.recovery.factories import make_entity

pytestmark = pytest.mark.database
NAME = "<!channel> *Bob* [x](http://evil.example)"


@pytest.fixture(autouse=True)
def _scope(cast: Cast) -> Iterator[None]:
    owner = actor_of(Membership.objects.get(user=cast.owner, account=cast.account))
    with patch("celery.app.task.Task.apply_async"), account_scope(cast.account.pk), acting_as(owner):
        yield


def hook(listener: Listener, way: str, name: str = "Channel") -> tuple[Recipient, str]:
    return recipient_add(Wanted(way, name, ["weather"], url=listener.url))


def test_a_webhook_gets_facts_signed_with_a_secret_that_is_shown_once(cast: Cast, listener: Listener) -> None:
    made, secret = hook(listener, "webhook")
    assert made.address == "127.0.0.1" and len(secret) == 64
    assert secret.encode() not in bytes(made.sealed_secret) and b"in?x=1" not in bytes(made.sealed_url)
    notify("weather", letter(facts={"gaps": 3}, link="/home/", link_words="Look"))
    sending.send_due()
    ((headers, body),) = listener.got
    parts = dict(part.split("=", 1) for part in headers["X-Everkeep-Signature"].split(","))
    wanted = hmac.new(secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(wanted, parts["v1"]) and headers["X-Everkeep-Event"] == "weather"
    said = json.loads(body)
    assert said["facts"] == {"gaps": 3} and said["link"].endswith("/home/")
    assert said["id"] == headers["X-Everkeep-Id"] == str(Delivery.objects.get().public_id)


def test_a_webhook_gets_the_facts_of_every_letter_of_a_burst_within_bounds(
    cast: Cast, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(listener, "webhook")
    registry.register_kind(Kind("weather", "Weather", "", page="alerts"))
    rows = []
    for number in range(4):
        notify("weather", letter(digest_key="storm", facts={"id": number, "severity": "critical"}))
        rows.append(str(Delivery.objects.latest("pk").public_id))
    monkeypatch.setattr(digests, "TOLD", 3)
    with clock.travel(clock.now() + timedelta(minutes=6)):
        sending.send_due()
    said = json.loads(listener.got[0][1])
    assert (said["facts"]["count"], said["facts"]["more"]) == (4, 1) and said["link"].endswith("/alerts/")
    assert [one["facts"] for one in said["facts"]["letters"]] == [
        {"id": number, "severity": "critical"} for number in range(3)
    ]
    assert [one["id"] for one in said["facts"]["letters"]] == rows[:3]
    monkeypatch.setattr(digests, "LARGEST", 10)
    for _ in range(2):
        notify("weather", letter(digest_key="storm", facts={"id": "x" * 20}))
    with clock.travel(clock.now() + timedelta(minutes=6)):
        sending.send_due()
    small = json.loads(listener.got[1][1])["facts"]
    assert (len(small["letters"]), small["more"]) == (1, 1), "the first one whatever its size"


@pytest.mark.parametrize("way", ["slack", "teams"])
def test_a_channel_gets_plain_words_in_which_no_name_is_a_link_or_a_call(
    cast: Cast, listener: Listener, way: str
) -> None:
    hook(listener, way)
    notify("weather", Letter("notification_test", {"who": NAME}))
    sending.send_due()
    said = json.loads(listener.got[0][1])
    if way == "slack":
        assert "<!" not in said["text"]
        assert {block["text"]["type"] for block in said["blocks"]} == {"plain_text"}
    else:
        card = said["attachments"][0]["content"]
        assert said["type"] == "message" and card["type"] == "AdaptiveCard"
        assert {part["type"] for part in card["body"]} == {"RichTextBlock"}
        assert NAME in card["body"][1]["inlines"][0]["text"]


def test_a_busy_hook_is_tried_again_a_revoked_one_is_given_up(cast: Cast, listener: Listener) -> None:
    hook(listener, "slack")
    listener.answers = [429, 503, 200, 404]
    notify("weather", letter())
    for minutes in (0, 2, 9):
        with clock.travel(clock.now() + timedelta(minutes=minutes)):
            sending.send_due()
    assert Delivery.objects.get().state == "delivered"
    notify("weather", letter())
    sending.send_due()
    lost = Delivery.objects.order_by("-pk")[0]
    assert (lost.state, lost.said, lost.tries) == ("failed", "Answered 404.", 1)


def test_private_addresses_are_refused_when_set_and_when_sent(
    cast: Cast, listener: Listener, settings: Any
) -> None:
    hook(listener, "webhook")
    settings.HOOK_PRIVATE_NETWORKS = []
    with pytest.raises(EverkeepError):
        hook(listener, "webhook")
    notify("weather", letter())
    sending.send_due()
    assert Delivery.objects.get().state == "failed" and listener.got == []


def test_a_test_is_not_repeated_and_not_sent_more_often_than_five_times_a_minute(
    cast: Cast, listener: Listener
) -> None:
    made, _ = hook(listener, "webhook")
    listener.answers = [500]
    for _ in range(5):
        recipient_try(made)
    with pytest.raises(Conflict):
        recipient_try(made)
    sending.send_due()
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["delivered"] * 4 + ["failed"]


def test_who_sees_less_can_neither_lead_away_nor_widen_what_an_outsider_gets(
    cast: Cast, listener: Listener
) -> None:
    made, _ = hook(listener, "webhook")
    assert made.limited and made.services is None
    Membership.objects.filter(user=cast.custom).update(
        extra_permissions=[Permission.NOTIFICATIONS.value, Permission.VIEW.value]
    )
    karim = actor_of(Membership.objects.get(user=cast.custom, account=cast.account))
    with acting_as(karim):
        with pytest.raises(PermissionMissing):
            recipient_change(made, Wanted("webhook", "Mine", ["weather"], url=listener.url))
        with pytest.raises(PermissionMissing):
            ticks_set({made.public_id: []})
        mine, _ = hook(listener, "webhook")
        assert (mine.services, mine.limited) == (["onedrive"], False)
    notify("weather", letter(service="exchange"))
    assert [row.recipient for row in Delivery.objects.all()] == [made]


def test_the_page_adds_ticks_changes_and_removes_and_says_it_in_the_audit(
    cast: Cast, client: Client, listener: Listener
) -> None:
    client.force_login(cast.owner)
    prove_again(client)
    add = {"address": "Desk@Partner.example", "name": "Night desk", "kinds": ["weather"]}
    assert client.post(reverse("notification_add", args=["mail"]), add).status_code == 302
    again = client.post(reverse("notification_add", args=["mail"]), add)
    assert again.status_code == 422 and "on the list already" in again.content.decode()
    desk = Recipient.objects.get()
    assert desk.address == "desk@partner.example" and desk.kinds == ["weather"]
    page = client.get(reverse("notifications")).content.decode()
    assert "Night desk" in page and "Weather" in page
    client.post(reverse("notification_ticks"), {"shown": [str(desk.public_id)]})
    desk.refresh_from_db()
    assert desk.kinds == []
    shown = client.post(
        reverse("notification_add", args=["webhook"]), {"url": listener.url, "name": "", "kinds": []}
    ).content.decode()
    assert "shown this once" in shown
    made = Recipient.objects.get(way="webhook")
    page = client.get(reverse("notification_recipient", args=[made.public_id])).content.decode()
    assert "shown this once" not in page and "in?x=1" not in page
    for one in (desk, made):
        client.post(reverse("notification_remove", args=[one.public_id]))
    assert not Recipient.objects.exists()
    codes = [
        row.code for row in SecurityEvent.objects.filter(code__startswith="recipient.").order_by("sequence")
    ]
    assert codes == ["recipient.added", "recipient.changed", "recipient.added", *["recipient.removed"] * 2]


def test_what_does_not_arrive_is_said_where_it_is_set_and_can_be_sent_again(cast: Cast, client: Client) -> None:
    recipient(cast)
    notify("weather", letter())
    Delivery.objects.update(state="failed", settled_at=clock.now(), said="550 No such user", tries=9)
    client.force_login(cast.owner)
    assert "550 No such user" in client.get(reverse("notifications")).content.decode()
    assert "Some mail does not arrive" in client.get(reverse("settings")).content.decode()
    found = client.get(reverse("notification_deliveries"), {"state": "failed", "kind": "weather"})
    assert "Send again" in found.content.decode()
    client.post(reverse("notification_retry", args=[Delivery.objects.get().public_id]))
    assert Delivery.objects.get().state == "waiting"
    assert "550 No such user" not in client.get(reverse("notifications")).content.decode()


def test_a_dead_hook_is_told_by_name_while_another_of_its_host_works_until_it_is_removed(
    cast: Cast, client: Client, listener: Listener
) -> None:
    hook(listener, "slack", "Night watch")
    hook(listener, "slack", "Day shift")
    hook(listener, "webhook", "Ticket desk")
    listener.answers = [404, 200, 410]
    notify("weather", letter())
    sending.send_due()
    client.force_login(cast.owner)
    page = client.get(reverse("notifications")).content.decode()
    assert "The last letter to Night watch (127.0.0.1) did not arrive" in page
    assert "The last letter to Ticket desk (127.0.0.1) did not arrive" in page
    assert "The last letter to Day shift" not in page
    assert "The last letter to 127.0.0.1" not in page
    assert [row.said for row in last_failures()] == ["Answered 410.", "Answered 404."]
    Recipient.objects.filter(name="Night watch").delete()
    assert [row.said for row in last_failures()] == ["Answered 410."]


def test_letters_about_backups_are_listed_to_who_may_view_them(cast: Cast, client: Client) -> None:
    with acting_as(SYSTEM):
        bob = make_entity("Bob")
        recipient(cast)
        notify("weather", letter(service="exchange", entity_id=bob.public_id))
    rights = [Permission.NOTIFICATIONS.value]
    client.force_login(cast.viewer)
    for more, sees in (([], False), ([Permission.VIEW.value], True)):
        Membership.objects.filter(user=cast.viewer).update(role="custom", extra_permissions=[*rights, *more])
        page = client.get(reverse("notification_deliveries")).content.decode()
        assert ("Nothing was sent yet" in page) == (not sees)


def test_letters_are_listed_to_who_may_see_what_they_name(cast: Cast, client: Client) -> None:
    with acting_as(SYSTEM):
        bob = make_entity("Bob", limited=True)
        recipient(cast, limited=True)
        notify("weather", letter(service="exchange", entity_id=bob.public_id))
        registry.register_kind(Kind("money", "Money", "", listed_for=Permission.BILLING))
        notify_addresses(["fred@pizza-perfecto.example"], letter(), kind="money")
        keep_mail(
            "rights_changed",
            "fred@pizza-perfecto.example",
            {"subject": "Fred", "body": "", "link": "", "link_words": ""},
        )
    Membership.objects.filter(user=cast.viewer).update(
        role="custom", extra_permissions=[Permission.NOTIFICATIONS.value, Permission.VIEW.value]
    )
    client.force_login(cast.viewer)
    assert "Nothing was sent yet" in client.get(reverse("notification_deliveries")).content.decode()
