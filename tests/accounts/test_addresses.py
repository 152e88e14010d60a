"""Allowed addresses (features SEC-05…08): what the list holds, who is kept out, who is told."""

from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.accounts.address_ranges import parsed_ranges
from apps.accounts.enums import Role
from apps.accounts.models import AllowedAddress, Membership
from apps.activity.models import SecurityEvent
from apps.core.errors import InvalidRequest
from apps.core.scope import account_scope
from tests.cast import Cast, prove_again

OFFICE = "203.0.113.24"
HOME = "198.51.100.7"


def at(address: str, user: Any) -> Client:
    client = Client(REMOTE_ADDR=address)
    client.force_login(user)
    return client


def owner_at(address: str, cast: Cast) -> Client:
    client = at(address, cast.owner)
    prove_again(client)
    return client


def add(client: Client, text: str, description: str = "") -> Any:
    return client.post(reverse("address_add"), {"addresses": text, "description": description})


def switch(client: Client, on: str) -> Any:
    return client.post(reverse("address_switch"), {"on": on})


def entries(cast: Cast) -> list[AllowedAddress]:
    with account_scope(cast.account.pk):
        return list(AllowedAddress.objects.order_by("id"))


def is_on(cast: Cast) -> bool:
    cast.account.refresh_from_db()
    return cast.account.only_allowed_addresses


def events(cast: Cast) -> list[SecurityEvent]:
    with account_scope(cast.account.pk):
        return list(SecurityEvent.objects.order_by("id"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("198.51.100.7", ["198.51.100.7"]),
        ("198.51.100.7, 198.51.100.9,", ["198.51.100.7", "198.51.100.9"]),
        ("203.0.113.5/28", ["203.0.113.0/28"]),
        ("192.0.2.10 - 192.0.2.20", ["192.0.2.10 - 192.0.2.20"]),
        ("192.0.2.0\u2013192.0.2.255", ["192.0.2.0/24"]),
        ("2001:DB8:51::/48", ["2001:db8:51::/48"]),
        ("::ffff:198.51.100.7", ["198.51.100.7"]),
        ("::ffff:198.51.100.0/120", ["198.51.100.0/24"]),
    ],
)
def test_an_entry_is_written_as_people_write_it(text: str, shown: list[str]) -> None:
    assert [str(each) for each in parsed_ranges(text)] == shown


@pytest.mark.parametrize(
    "text", ["", ",", "office", "010.0.0.1", "1.2.3.4/33", "1.2.3.4 - ", "2.0.0.0 - 1.0.0.0", "1.2.3.4 - ::1",
             "0.0.0.0/0", "::/0", "1.2.3.4 - 2.3.4.5 - 3.4.5.6"]
)  # fmt: skip
def test_what_is_no_address_or_all_addresses_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parsed_ranges(text)


def test_a_range_holds_its_ends_and_mapped_addresses_and_no_other_kind() -> None:
    (found,) = parsed_ranges("192.0.2.10 - 192.0.2.20")
    inside = ["192.0.2.10", "192.0.2.20", "::ffff:192.0.2.15"]
    outside = ["192.0.2.9", "192.0.2.21", "::c000:20a", "", "elsewhere"]
    assert [found.holds(each) for each in inside + outside] == [True] * 3 + [False] * 5


def test_the_first_entry_with_my_own_address_switches_the_list_on(cast: Cast) -> None:
    add(owner_at(OFFICE, cast), "203.0.113.0/28, 203.0.113.16/28", "Office")
    assert is_on(cast)
    assert [str(each) for each in entries(cast)] == ["203.0.113.0/28", "203.0.113.16/28"]
    assert [each.code for each in events(cast)] == ["addresses.added", "addresses.switched_on"]


def test_without_my_own_address_it_stays_off_and_cannot_be_switched_on(cast: Cast) -> None:
    owner = owner_at(OFFICE, cast)
    add(owner, HOME)
    assert not is_on(cast)
    assert switch(owner, "yes").status_code == 409
    assert not is_on(cast)
    add(owner, OFFICE)
    assert not is_on(cast), "only the very first entry switches it on"
    switch(owner, "yes")
    assert is_on(cast)


def test_what_holds_my_own_address_cannot_be_taken_away_while_it_counts(cast: Cast) -> None:
    owner = owner_at(OFFICE, cast)
    add(owner, f"{OFFICE}, {HOME}")
    mine, other = entries(cast)
    assert owner.post(reverse("address_remove", args=[mine.public_id])).status_code == 409
    changed = owner.post(reverse("address_edit", args=[mine.public_id]), {"addresses": "192.0.2.1"})
    assert "which would be kept out" in changed.content.decode()
    assert [str(each) for each in entries(cast)] == [OFFICE, HOME]
    owner.post(reverse("address_remove", args=[other.public_id]))
    owner.post(
        reverse("address_edit", args=[mine.public_id]), {"addresses": "203.0.113.0/24", "description": "Shop"}
    )
    assert [(str(each), each.description) for each in entries(cast)] == [("203.0.113.0/24", "Shop")]
    switch(owner, "no")
    owner.post(reverse("address_remove", args=[mine.public_id]))
    assert entries(cast) == []


def test_the_same_range_stands_on_the_list_once(cast: Cast) -> None:
    owner = owner_at(OFFICE, cast)
    add(owner, OFFICE)
    assert "on the list already" in add(owner, f"{OFFICE}/32").content.decode()
    assert len(entries(cast)) == 1


def test_who_comes_from_elsewhere_sees_nothing_but_the_way_out(cast: Cast) -> None:
    add(owner_at(OFFICE, cast), OFFICE)
    outside = at(HOME, cast.viewer)
    for name in ("home", "my_security", "job_list", "activity_export"):
        answer = outside.get(reverse(name))
        assert answer.status_code == 403, name
        assert "Access denied" in answer.content.decode()
        assert HOME in answer.content.decode()
    part = outside.get(reverse("home"), headers={"HX-Request": "true"})
    assert (part.status_code, part["HX-Refresh"]) == (403, "true")
    assert outside.post(reverse("account_logout")).status_code == 302
    assert at(OFFICE, cast.viewer).get(reverse("home")).status_code == 200


def test_a_forged_header_does_not_open_the_door(cast: Cast, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    inside = {"headers": {"X-Forwarded-For": OFFICE}}
    owner = owner_at("10.0.0.1", cast)
    owner.post(reverse("address_add"), {"addresses": OFFICE}, **inside)
    assert is_on(cast)
    assert owner.get(reverse("home"), **inside).status_code == 200
    assert owner.get(reverse("home"), headers={"X-Forwarded-For": f"{OFFICE}, {HOME}"}).status_code == 403


def test_a_person_of_two_accounts_is_kept_out_of_the_restricted_one_only(cast: Cast) -> None:
    Membership.objects.create(account=cast.other_account, user=cast.viewer, role=Role.AUDITOR)
    add(owner_at(OFFICE, cast), OFFICE)
    outside = at(HOME, cast.viewer)
    assert outside.get(reverse("home")).status_code == 403
    session = outside.session
    session["account"] = str(cast.other_account.public_id)
    session.save()
    assert outside.get(reverse("home")).status_code == 200


def test_a_denied_try_is_in_the_audit_once_an_hour_and_cannot_flood_it(cast: Cast) -> None:
    add(owner_at(OFFICE, cast), OFFICE)
    outside = at(HOME, cast.viewer)
    for _ in range(3):
        outside.get(reverse("home"))
    for number in range(40):
        outside.get(reverse("home"), REMOTE_ADDR=f"2001:db8::{number:x}")
    denied = [each for each in events(cast) if each.code == "address.denied"]
    assert [each.address for each in denied[:2]] == [HOME, "2001:db8::"]
    assert len(denied) == 20
    assert (denied[0].actor_id, denied[0].details["path"]) == (cast.viewer.pk, "/")


def test_every_change_is_mailed_to_administrators_and_to_nobody_else(
    cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        add(owner_at(OFFICE, cast), OFFICE, "Office")
    assert {to for each in mail.outbox for to in each.to} == {cast.owner.email}
    added, switched = [str(each.body) for each in mail.outbox]
    assert f"Added {OFFICE}" in added and f"By Olivia Romano, from {OFFICE}" in added
    assert "Only the allowed addresses get in" in switched and f"- {OFFICE} (Office)" in switched


def test_the_operator_lets_people_in_again(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    add(owner_at(OFFICE, cast), OFFICE)
    said = StringIO()
    with django_capture_on_commit_callbacks(execute=True):
        call_command("accounts", "unlock-addresses", cast.owner.email, stdout=said)
    assert "every address gets in now" in said.getvalue()
    assert at(HOME, cast.viewer).get(reverse("home")).status_code == 200
    assert "addresses.switched_off" in [each.code for each in events(cast)]
    assert "Everkeep's operator" in str(mail.outbox[-1].body)
    call_command("accounts", "unlock-addresses", str(cast.account.public_id), stdout=said)
    assert "was not restricted" in said.getvalue()


def test_the_page_shows_my_address_and_the_list(cast: Cast) -> None:
    owner = owner_at(OFFICE, cast)
    assert "so every address gets in" in owner.get(reverse("security")).content.decode()
    add(owner, OFFICE, "Office")
    page = owner.get(reverse("security")).content.decode()
    assert "which is in the list" in page and "Office" in page and "Switch off" in page
