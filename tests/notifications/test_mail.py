"""Letters by mail, against a real SMTP server process: each arrives once, is tried again, or is given up."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client

from apps.accounts.members.services import member_remove
from apps.accounts.models import Membership
from apps.accounts.selectors import actor_of
from apps.activity.models import SecurityEvent
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.mails import mail_after_commit
from apps.core.scope import account_scope, every_account
from apps.core.sight import serves
from apps.notifications import sending
from apps.notifications.letters import Attachment, opened
from apps.notifications.models import Delivery, Refusal
from apps.notifications.recipients import delivery_retry
from apps.notifications.services import notify, notify_addresses
from tests.cast import Cast
from tests.notifications.conftest import Post, letter, recipient
from tests.recovery.factories import make_entity
from tests.servers import free_port

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def _scope(cast: Cast) -> Iterator[None]:
    with (
        patch("celery.app.task.Task.apply_async"),
        account_scope(cast.account.pk),
        acting_as(SYSTEM),
    ):
        yield


def later(**time: float) -> Any:
    return clock.travel(clock.now() + timedelta(**time))


def states() -> list[tuple[str, str]]:
    return [(row.address.partition("@")[0], row.state) for row in Delivery.objects.order_by("pk")]


def test_a_letter_reaches_who_has_ticked_its_kind_and_nobody_else(cast: Cast, post: Post) -> None:
    recipient(cast, name="Jürgen Groß")
    recipient(cast, "other@partner.example", kinds=["summary"])
    csv = Attachment("gaps.csv", "text/csv", b"a,b\r\n1,2\r\n")
    assert notify("weather", letter(link="/home/", link_words="Look", attachments=[csv])) == 1
    sealed = bytes(Delivery.objects.get().sealed_body)
    assert b"Olivia" not in sealed and b"1,2\r\n" not in sealed
    assert sending.send_due() == 1
    (mail,) = post.mails()
    assert str(mail["To"]) == "Jürgen Groß <desk@partner.example>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (
        str(mail["List-Unsubscribe"]).strip().startswith("<http") and mail["Auto-Submitted"] == "auto-generated"
    )
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text and html
    assert text.get_content().startswith("Hello Jürgen Groß,") and "/home/" in text.get_content()
    page = html.get_content()
    assert "Hello Jürgen Groß," in page and 'name="viewport"' in page and 'content="light dark"' in page
    assert "@media (prefers-color-scheme: dark)" in page
    assert [part.get_content() for part in mail.iter_attachments()] == ["a,b\r\n1,2\r\n"]
    assert SecurityEvent.objects.get(code="notice.sent").description.endswith("desk@partner.example")


def test_nothing_is_sent_of_what_is_rolled_back(cast: Cast, post: Post) -> None:
    recipient(cast)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        notify("weather", letter())
        1 / 0  # noqa: B018
    assert sending.send_due() == 0 and post.mails() == []


def test_refused_for_now_is_tried_again_refused_for_good_is_given_up(cast: Cast, post: Post) -> None:
    for name in ("once", "grey", "gone", "full", "broken"):
        recipient(cast, f"{name}@partner.example")
    notify("weather", letter())
    sending.send_due()
    assert states() == [
        ("once", "waiting"), ("grey", "waiting"), ("gone", "failed"), ("full", "failed"), ("broken", "waiting"),
    ]  # fmt: skip
    assert "550 5.1.1 No such user" in Delivery.objects.get(address__startswith="gone").said
    assert sending.send_due() == 0, "the pause is kept"
    with later(minutes=2):
        sending.send_due()
        assert dict(states())["once"] == "delivered" and dict(states())["grey"] == "waiting"
        with later(minutes=7):
            sending.send_due()
    assert dict(states())["grey"] == "delivered"
    assert [str(mail["To"]).partition("@")[0] for mail in post.mails()] == ["once", "grey"]


def test_a_server_that_does_not_let_us_in_is_asked_again_and_one_that_wants_less_is_not(
    cast: Cast, post: Post, settings: Any
) -> None:
    recipient(cast)
    settings.DEFAULT_FROM_EMAIL = "locked@everkeep.example"
    notify("weather", letter())
    sending.send_due()
    assert states() == [("desk", "waiting")], "the operator mends it, and nothing is lost"
    assert "530 5.7.0 Authentication required" in Delivery.objects.get().said
    settings.DEFAULT_FROM_EMAIL = "large@everkeep.example"
    with later(minutes=2):
        sending.send_due()
    assert states() == [("desk", "failed")] and "552 5.3.4" in Delivery.objects.get().said


def test_a_server_that_stays_away_is_given_up_visibly_and_retried_by_hand(
    cast: Cast, post: Post, settings: Any
) -> None:
    recipient(cast)
    settings.EMAIL_PORT = free_port()
    notify("weather", letter())
    for days in range(0, 20, 2):
        with later(days=days):
            sending.send_due()
    lost = Delivery.objects.get()
    assert (lost.state, lost.tries) == ("failed", 9) and "could not be reached" in lost.said
    assert SecurityEvent.objects.filter(code="notice.sent", status="failed").exists()
    settings.EMAIL_PORT = post.port
    with acting_as(actor_of(Membership.objects.get(user=cast.owner, account=cast.account))):
        delivery_retry(lost)
    sending.send_due()
    assert states() == [("desk", "delivered")] and len(post.mails()) == 1


def test_a_burst_is_one_mail(cast: Cast, post: Post) -> None:
    recipient(cast)
    with transaction.atomic():
        for number in range(200):
            notify("weather", letter(digest_key="storm", link=f"/{number}/"))
    assert sending.send_due() == 0, "it waits for more"
    with later(minutes=6):
        assert sending.send_due() == 1
    (mail,) = post.mails()
    text = mail.get_body(("plain",))
    assert "200" in str(mail["Subject"]) and text and "and 150 more" in text.get_content()
    assert Delivery.objects.filter(state="delivered").count() == 200


def test_a_digest_that_is_refused_for_now_goes_out_whole_later(cast: Cast, post: Post) -> None:
    recipient(cast, "once-digest@partner.example")
    for _ in range(3):
        notify("weather", letter(digest_key="storm"))
    with later(minutes=6):
        sending.send_due()
        notify("weather", letter(digest_key="storm"))
    with later(hours=1):
        sending.send_due()
    assert {state for _, state in states()} == {"delivered"}
    assert len(post.mails()) == 1, "who came meanwhile goes along"


def test_more_than_a_day_takes_wait_for_the_next_and_become_one(cast: Cast, post: Post, settings: Any) -> None:
    settings.LETTERS_A_DAY = 2
    recipient(cast)
    for _ in range(5):
        notify("weather", letter())
    sending.send_due()
    assert len(post.mails()) == 2
    with later(days=1, minutes=1):
        sending.send_due()
    assert len(post.mails()) == 3 and "3 notifications" in str(post.mails()[-1]["Subject"])
    assert {state for _, state in states()} == {"delivered"}


def test_a_member_is_told_what_their_rights_let_them_see_today(cast: Cast, post: Post) -> None:
    limited = make_entity("Bob", limited=True)
    with acting_as(SYSTEM):
        for user in (cast.owner, cast.viewer, cast.custom, cast.finance):
            recipient(cast, user.email, user=user)
    recipient(cast, "inside@partner.example", limited=True)
    recipient(cast, "outside@partner.example")
    about_bob = letter(service="exchange", entity_id=limited.public_id)
    notify("weather", about_bob, extra=["outside@partner.example"])
    told = {row.address for row in Delivery.objects.all()}
    assert told == {cast.owner.email, "inside@partner.example"}, "who sees limited mailboxes"
    Delivery.objects.all().delete()
    notify("weather", letter(service="exchange"), extra=[cast.custom.email, "nobody@partner.example"])
    told = {row.address for row in Delivery.objects.all()}
    assert told == {
        cast.owner.email, cast.viewer.email, "inside@partner.example", "outside@partner.example",
    }, "not the one without Exchange, nor finance, nor an address for which nobody stands"  # fmt: skip


def test_a_letter_is_made_in_the_sight_of_each_reader(cast: Cast, post: Post) -> None:
    recipient(cast, cast.owner.email, user=cast.owner)
    recipient(cast, cast.custom.email, user=cast.custom)
    recipient(cast, "blind@partner.example", services=[])
    notify("weather", lambda: letter(facts={"exchange": True}) if serves("exchange") else None)
    assert [opened(row).facts for row in Delivery.objects.all()] == [{"exchange": True}]


def test_who_sees_less_since_it_was_made_is_not_sent_what_they_saw_before(cast: Cast, post: Post) -> None:
    members = Membership.objects.filter(user=cast.viewer)
    members.update(extra_permissions=["limited_access"])
    recipient(cast, cast.viewer.email, user=cast.viewer)
    for _ in range(2):
        notify("weather", letter)
    assert sending.send_due() == 2
    notify("weather", letter)
    members.update(extra_permissions=[])
    sending.send_due()
    assert [state for _, state in states()] == ["delivered", "delivered", "stopped"]


def test_who_leaves_the_account_gets_nothing_any_more_also_what_was_written_before(
    cast: Cast, post: Post
) -> None:
    recipient(cast, cast.viewer.email, user=cast.viewer)
    notify("weather", letter())
    notify_addresses([cast.operator.email], letter(), kind="weather")
    owner = actor_of(Membership.objects.get(user=cast.owner, account=cast.account))
    with acting_as(owner):
        for user in (cast.viewer, cast.operator):
            member_remove(member=Membership.objects.get(user=user, account=cast.account))
    sending.send_due()
    assert notify("weather", letter(), extra=[cast.viewer.email, cast.operator.email]) == 0
    assert {state for _, state in states()} == {"stopped"}
    assert post.mails() == []


def test_two_workers_send_a_letter_once(cast: Cast, post: Post) -> None:
    recipient(cast)
    notify("weather", letter())
    first = sending._claim()
    assert first is not None and sending._claim() is None, "the lease holds"
    with later(minutes=6):
        second = sending._claim()
        assert second is not None, "a worker that died gives it free"
        sending._settle(first, "failed", "too late")  # type: ignore[arg-type]
        assert Delivery.objects.get().state == "waiting", "whose lease is over writes nothing"


def test_one_click_ends_letters_of_a_kind_without_a_session(cast: Cast, post: Post, client: Client) -> None:
    desk = recipient(cast, kinds=["weather", "summary"])
    notify("weather", letter())
    sending.send_due()
    link = str(post.mails()[0]["List-Unsubscribe"]).strip(" <>").partition("localhost:8000")[2]
    strict = Client(enforce_csrf_checks=True)
    page = strict.get(link).content.decode()
    assert "Weather" in page and "Pizza" not in page
    desk.refresh_from_db()
    assert "weather" in desk.kinds, "mail filters follow links: looking changes nothing"
    answer = strict.post(link, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200 and strict.post(link).status_code == 200
    desk.refresh_from_db()
    assert desk.kinds == ["summary"] and Refusal.objects.get().kind == "weather"
    assert notify("weather", letter(), extra=["desk@partner.example"]) == 0
    assert SecurityEvent.objects.filter(code="recipient.unsubscribed").count() == 1
    assert strict.get(link[:-6] + "x/").status_code == 404, "a link that we did not make"


def test_words_are_forgotten_after_a_month_and_rows_after_a_year(cast: Cast, post: Post) -> None:
    recipient(cast)
    notify("weather", letter())
    sending.send_due()
    with later(days=31):
        sending.forget_old()
        assert bytes(Delivery.objects.get().sealed_body) == b""
    with later(days=366):
        assert sending.forget_old() == 1


def test_a_mail_in_the_accounts_name_is_kept_when_the_server_was_away_but_no_secret(
    cast: Cast, post: Post, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.EMAIL_PORT = free_port()
    sent: list[bool] = []
    words, bob = {"what": "W", "more": "M", "person": "P", "address": "A"}, uuid4()
    about: dict[str, Any] = {"service": "exchange", "entity_id": bob, "link": "/me/"}
    with django_capture_on_commit_callbacks(execute=True):
        mail_after_commit("security_notice", ["olivia@pizza-perfecto.example"], **about, **words)
        mail_after_commit("security_notice", ["olivia@pizza-perfecto.example"], secret=True, **words)
        mail_after_commit("security_notice", ["o@x.example"], sent=lambda: sent.append(True), **words)
    (kept,) = Delivery.objects.all()
    assert (kept.kind, kept.letter) == ("notice", "security_notice") and sent == []
    assert (kept.service, kept.entity_id) == ("exchange", bob)
    settings.EMAIL_PORT = post.port
    with later(minutes=2):
        sending.send_due()
    (mail,) = post.mails()
    assert str(mail["To"]) == "olivia@pizza-perfecto.example" and mail["List-Unsubscribe"] is None
    done = SecurityEvent.objects.filter(code="notice.sent", status="done")
    assert list(done.values_list("entity_id", flat=True)) == [bob], "read by who may see what it names"


def test_a_line_break_in_a_name_keeps_nobody_from_being_told(
    cast: Cast, post: Post, django_capture_on_commit_callbacks: Any
) -> None:
    account = "Pizza\rBcc: eve@x.example"
    said = {"what": "Retention was shortened", "account": account, "who": "Eve\r\nEvil", "words": "W"}
    with django_capture_on_commit_callbacks(execute=True):
        mail_after_commit("less_protected", ["olivia@pizza-perfecto.example", "bob@x.example"], **said)
    first, second = post.mails()
    assert [str(each["To"]) for each in (first, second)] == ["olivia@pizza-perfecto.example", "bob@x.example"]
    assert first["Bcc"] is None and first["Subject"] == second["Subject"]
    assert "Less is protected in Pizza Bcc: eve@x.example" in str(first["Subject"])


def test_the_accounts_that_have_letters_are_found_without_reading_all(cast: Cast) -> None:
    recipient(cast)
    notify("weather", letter())
    with every_account("the test looks as the beat does"):
        assert sending.accounts_due() == [cast.account.pk]
