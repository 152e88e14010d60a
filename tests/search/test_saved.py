"""Saved searches are a person's own; the advanced form ends in the search field."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.activity.models import SecurityEvent
from apps.core.actor import Actor, acting_as
from apps.core.scope import account_scope
from apps.search.models import SavedSearch
from tests.cast import Cast


def saved_of(cast: Cast, user: User) -> list[SavedSearch]:
    with account_scope(cast.account.pk), acting_as(Actor(kind="user", user_id=user.pk)):
        return list(SavedSearch.objects.all())


def save(client: Client, name: str, **asked: object) -> None:
    client.post(reverse("search_save"), {"name": name, **asked})


@pytest.mark.database
def test_a_search_is_kept_opened_renamed_and_deleted_by_its_person_alone(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    save(client, "Bills", q="invoice deleted:yes", kind=["mail", "tasks"], sort="newest", unknown="x")
    (kept,) = saved_of(cast, cast.owner)
    assert (kept.text, kept.filters) == (
        "invoice deleted:yes",
        [["kind", "mail"], ["kind", "tasks"], ["sort", "newest"]],
    )

    page = client.get(reverse("search_saved")).content.decode()
    assert "/search/?q=invoice+deleted%3Ayes&amp;kind=mail&amp;kind=tasks&amp;sort=newest" in page
    with account_scope(cast.account.pk):
        assert not SecurityEvent.objects.filter(code__startswith="search.").exists()

    client.force_login(cast.restorer)
    assert "Bills" not in client.get(reverse("search_saved")).content.decode()
    place = reverse("search_saved_change", args=[kept.public_id])
    assert client.post(place, {"action": "delete"}).status_code == 404
    save(client, "bills", q="lunch")
    assert [each.name for each in saved_of(cast, cast.restorer)] == ["bills"]

    client.force_login(cast.owner)
    client.post(place, {"name": "All bills"})
    assert [each.name for each in saved_of(cast, cast.owner)] == ["All bills"]
    client.post(place, {"action": "delete"})
    assert saved_of(cast, cast.owner) == []
    assert len(saved_of(cast, cast.restorer)) == 1


def test_what_cannot_be_kept_is_said_and_not_lost(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    save(client, "Bills", q="invoice")
    for name, text, said in (
        ("BILLS", "bill", "called BILLS already"),
        (" ", "bill", "needs a name"),
        ("n" * 81, "bill", "letters at most"),
        ("Nothing", "", "nothing to save"),
    ):
        answer = client.post(reverse("search_save"), {"name": name, "q": text}, follow=True)
        page = answer.content.decode()
        assert said in page
        assert not text or f"<code>{text}</code>" in page
    assert [each.text for each in saved_of(cast, cast.owner)] == ["invoice"]


def test_the_advanced_form_is_typed_into_the_search_field(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    address = reverse("search_advanced")

    answer = client.get(address, {"find": "yes", "kind": "mail", "from": "Ann", "until": "2025-03-31"})
    assert parse_qs(urlsplit(answer["Location"]).query) == {"q": ["kind:mail from:Ann until:2025-03-31"]}

    wrong = client.get(address, {"find": "yes", "kind": "calendar", "words": "(lunch"}).content.decode()
    assert "A bracket is never closed." in wrong and 'value="(lunch"' in wrong
    assert 'name="text"' in wrong and 'name="subject"' not in wrong

    begun = client.get(address, {"kind": "contacts", "q": "ann*"}).content.decode()
    assert 'value="ann*"' in begun


def test_what_was_found_can_be_saved_from_there(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    offered = client.get(reverse("search_saved"), {"q": "invoice", "kind": "mail"}).content.decode()

    assert '<input type="hidden" name="kind" value="mail">' in offered and "<code>invoice</code>" in offered
