"""What the pages of search show to whom: results, counts, months, excerpts, files, selections."""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote
from uuid import UUID

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership, User
from apps.activity.models import SecurityEvent
from apps.backups.models import Entity, NodeVersion, Snapshot
from apps.backups.selectors.browse import node_key
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope
from apps.recovery.models import Selection
from apps.search import selectors
from apps.search.index.engine import Cursor, Order
from apps.search.language.tree import Column, Ids, Query
from tests.cast import Cast
from tests.recovery.factories import FIRST_DAY, Mailbox, mail, make_entity, make_task, store
from tests.search.conftest import index

OPEN, SECRET = "Bob Smith", "Carla Confidential"
FORMULA = "=HYPERLINK(1) severance"


@dataclass
class World:
    cast: Cast
    open: Entity
    secret: Entity
    days: dict[str, Snapshot] = field(default_factory=dict)

    def value(self, day: str, item: str) -> str:
        return f"{self.days[day].public_id}:{node_key(item)}"


@pytest.fixture
def world(cast: Cast, search_folder: Path) -> Iterator[World]:
    cache.clear()
    with account_scope(cast.account.pk), acting_as(SYSTEM):
        task = make_task()
        bob = make_entity(OPEN, "bob@pizza-perfecto.example", task=task)
        carla = make_entity(SECRET, "carla@pizza-perfecto.example", task=task, limited=True)
        world = World(cast, bob, carla)
        for entity, tag in ((bob, "bob"), (carla, "carla")):
            box = Mailbox(entity)
            box.folder("inbox", "Inbox", well_known="inbox")
            letter = mail("Severance", "The severance of <b>Anna</b> is agreed & signed.")
            box.item(f"{tag}1", "inbox", "Severance plan", content=store(letter), size=len(letter))
            box.item(f"{tag}2", "inbox", FORMULA, time=FIRST_DAY - timedelta(days=40), has_attachments=True)
            world.days[f"{tag} 1"] = box.day()
            box.remove(f"{tag}2")
            world.days[f"{tag} 2"] = box.day()
        index(box)
    with patch("celery.app.task.Task.apply_async"):
        yield world


@pytest.fixture
def scopes() -> Iterator[list[Query]]:
    """What every question to the index was narrowed to."""
    found: list[Query] = []

    def listening(ask: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*args: Any, scope: Query, **options: Any) -> Any:
            found.append(scope)
            return ask(*args, scope=scope, **options)

        return asked

    names = ("search", "count", "facets")
    with patch.multiple(selectors, **{name: listening(getattr(selectors, name)) for name in names}):
        yield found


def asks(user: User, name: str = "search", status: int = 200, **query: str) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse(name), query)
    assert answer.status_code == status, answer.content.decode()[:300]
    content = answer.streaming_content if answer.streaming else [answer.content]  # type: ignore[attr-defined]
    return b"".join(content).decode()


def only(user: User, permissions: list[str], services: list[str] | None = None) -> None:
    Membership.objects.filter(user=user).update(role="custom", extra_permissions=permissions, services=services)


@pytest.mark.parametrize(("person", "sees"), [("owner", 4), ("restorer", 2), ("custom", 0), ("stranger", 0)])
def test_each_finds_what_they_may_see_and_nothing_tells_of_the_rest(
    world: World, person: str, sees: int
) -> None:
    user = getattr(world.cast, person)
    page = asks(user, q="severance")
    assert f"<b>{sees} item{'' if sees == 1 else 's'}</b>" in page
    assert (SECRET in page) == (person == "owner") and (OPEN in page) == (sees > 0)
    assert page.count('class="ek-hit"') == sees
    assert page.count('name="mailbox"') == {4: 2, 2: 1, 0: 0}[sees]
    lines = asks(user, "search_csv", q="severance").splitlines()
    assert len(lines) == sees + 1 and any(SECRET in line for line in lines) == (person == "owner")
    narrowed = asks(user, q="severance", mailbox=str(world.secret.public_id))
    assert ("<b>2 items</b>" in narrowed) == (person == "owner"), "another's mailbox is one that is not there"
    for wanted in (f"mailbox:{SECRET.split(maxsplit=1)[0]}", "in:inbox", "tag:boss"):
        shown = asks(user, q=wanted)
        assert (SECRET in shown.replace(f"mailbox:{SECRET.split(maxsplit=1)[0]}", "")) == (
            person == "owner" and not wanted.startswith("tag")
        ), wanted


@pytest.mark.parametrize("person", ["viewer", "operator", "finance", "both"])
def test_who_may_not_name_contents_searches_nothing(world: World, scopes: list[Query], person: str) -> None:
    for name in ("search", "search_csv", "search_excerpts"):
        asks(getattr(world.cast, person), name, 403, q="severance")
    assert scopes == []


def excerpts_of(user: User, **query: str) -> str:
    """Where a page of results reads its excerpts from; "" when it reads none."""
    found = re.search(r'hx-get="(/search/excerpts/[^"]+)"', asks(user, **query))
    return html.unescape(found[1]) if found else ""


def opens(user: User, address: str) -> str:
    client = Client()
    client.force_login(user)
    return client.get(address).content.decode()


def test_excerpts_are_of_what_one_sees_and_escape_what_strangers_wrote(world: World) -> None:
    shown = opens(world.cast.owner, excerpts_of(world.cast.owner, q="severance"))
    assert shown.count("<mark>severance</mark>") == 2
    assert "&lt;b&gt;Anna" in shown or ("Anna" in shown and "<b>" not in shown)
    address = excerpts_of(world.cast.restorer, q="severance")
    assert opens(world.cast.restorer, address).count("<mark>") == 1
    with account_scope(world.cast.account.pk):
        Entity.objects.filter(pk=world.open.pk).update(limited=True)
    assert opens(world.cast.restorer, address).strip() == "", "what is hidden meanwhile is hidden here, too"


def test_excerpts_are_only_of_a_page_of_results_that_the_audit_names(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever chose the words and the items would read mailboxes word by word, and no entry would tell."""
    places = f"{world.value('bob 2', 'bob1')} {world.value('carla 2', 'carla1')}"
    assert asks(world.cast.owner, "search_excerpts", q="severance", at=places).strip() == ""
    address = excerpts_of(world.cast.owner, q="severance")
    assert opens(world.cast.owner, f"{address}&q=agreed&at={places}") == opens(world.cast.owner, address)
    assert opens(world.cast.restorer, address).strip() == "", "another person's page"
    assert opens(world.cast.owner, address[:-2]).strip() == ""
    assert opens(world.cast.owner, "/search/excerpts/?page=%00:x:y").strip() == ""
    later = clock.now() + timedelta(minutes=11)
    with monkeypatch.context() as patched:
        patched.setattr("django.core.signing.time.time", later.timestamp)
        assert opens(world.cast.owner, address).strip() == "", "by then it is another look"


def test_who_may_not_look_inside_does_not_learn_what_stands_there(world: World) -> None:
    """Asking whether a word is in a text would be reading it."""
    only(world.cast.restorer, ["view", "restore"])
    page = asks(world.cast.restorer, q="severance")
    assert "<b>2 items</b>" in page and "names, people and places are searched" in page
    opened = reverse("recovery_item", args=[world.days["bob 2"].public_id, node_key("bob1")])
    assert reverse("search_excerpts") not in page and f'{opened}"' not in page
    for text in ("anna", "text:anna", "attachment:anna", "ann*", '"of anna"'):
        assert "<b>0 items</b>" in asks(world.cast.restorer, q=text), text
    assert "<b>2 items</b>" in asks(world.cast.restorer, q="-text:anna"), "nor by what it leaves out"
    asks(world.cast.restorer, "search_excerpts", 403, q="severance", at=world.value("bob 2", "bob1"))


def test_the_scope_goes_with_every_question(world: World, scopes: list[Query]) -> None:
    asks(world.cast.restorer, q="severance", kind="mail", life="deleted", year="2026", attached="yes")
    asks(world.cast.restorer, "search_csv", q="severance")
    assert scopes and set(scopes) == {Ids(Column.ENTITY, frozenset({world.open.pk}))}


def test_what_is_gone_from_the_catalog_is_not_shown(world: World) -> None:
    with account_scope(world.cast.account.pk):
        NodeVersion.objects.filter(remote_id="bob1").delete()
    page = asks(world.cast.restorer, q="severance")
    assert page.count('class="ek-hit"') == 1 and "Severance plan" not in page


def test_a_hit_says_its_life_and_leads_to_the_last_backup_that_held_it(world: World) -> None:
    page = asks(world.cast.restorer, q="severance", life="deleted")
    assert "Deleted between 1 Nov 2026 and 2 Nov 2026." in page
    assert world.value("bob 1", "bob2") in page and "<b>1 item</b>" in page
    assert reverse("recovery_item", args=[world.days["bob 1"].public_id, node_key("bob2")]) in page
    there = asks(world.cast.restorer, q="severance", life="there")
    assert "Still there on 2 Nov 2026." in there and world.value("bob 2", "bob1") in there
    assert "<b>2 items</b>" in asks(world.cast.restorer, q="severance", day="2026-11-01")
    assert "<b>1 item</b>" in asks(world.cast.restorer, q="severance", day="2026-11-02")
    assert "Results per month from Sep 2026 to Nov 2026: 2 in all." in asks(world.cast.restorer, q="severance")


def test_a_mistake_is_said_calmly(world: World) -> None:
    page = asks(world.cast.owner, q='"never closed')
    assert "A quotation mark is never closed." in page and "ek-hit" not in page
    assert "One search over every mailbox" in asks(world.cast.owner)
    assert "Nothing found" in asks(world.cast.owner, q="xylophone")
    asks(world.cast.owner, "search_csv", 400, q='"never closed')


def test_no_cell_of_the_file_computes(world: World) -> None:
    assert f"'{FORMULA}" in asks(world.cast.restorer, "search_csv", q="severance")


def test_searches_are_audited_once_with_words_and_count(world: World) -> None:
    for _ in range(2):
        asks(world.cast.restorer, q="severance", kind="mail")
    asks(world.cast.restorer, "search_csv", q="severance", kind="mail")
    asks(world.cast.owner, q="severance")
    with account_scope(world.cast.account.pk):
        rows = list(SecurityEvent.objects.filter(code__startswith="search.").order_by("sequence"))
    assert [(row.code, row.actor_label, row.description) for row in rows] == [
        ("search.done", "Rita", "2 items found"),
        ("search.exported", "Rita", "2 items found"),
        ("search.done", "Olivia Romano", "4 items found"),
    ]
    assert rows[0].details == {"content": "severance kind=mail", "found": 2}
    assert [row.entity_id for row in rows] == [None, None, world.secret.public_id], (
        "a count of hidden ones is hidden"
    )


def audited(world: World) -> list[SecurityEvent]:
    with account_scope(world.cast.account.pk):
        return list(SecurityEvent.objects.filter(code__startswith="search.").order_by("sequence"))


def test_no_further_page_and_no_selection_of_all_is_a_search_without_an_entry(world: World) -> None:
    """Where the next page begins is a place that anybody can write, also the first one."""
    client = Client()
    client.force_login(world.cast.restorer)
    first = {"q": "severance", "after": Cursor(Order.RELEVANCE, 0, 0).encode()}
    for _ in range(2):
        page = client.get(reverse("search"), first, headers={"HX-Request": "true"}).content.decode()
    assert page.count('class="ek-hit"') == 2
    assert posts(world.cast.restorer, q="anna", then="all-restore")[0] == 302
    assert [(row.description, row.details["content"]) for row in audited(world)] == [
        ("2 items found", "severance"),
        ("1 item found", "anna"),
    ]


def test_the_audit_keeps_all_words_and_takes_no_two_searches_for_one(world: World) -> None:
    beginning = " OR ".join(f"word{number:03}" for number in range(60))
    for word in ("severance", "agreed"):
        asks(world.cast.restorer, q=f"{beginning} OR {word}")
    many = [str(UUID(int=number)) for number in range(1, 101)]
    client = Client()
    client.force_login(world.cast.restorer)
    for mailboxes in (many, [*many, str(world.open.public_id)], many):
        client.get(reverse("search"), {"q": "anna", "mailbox": mailboxes})
    asks(world.cast.restorer, q="anna day=2026-11-02")
    asks(world.cast.restorer, q="anna", day="2026-11-02")
    kept = [row.details["content"] for row in audited(world)]
    assert kept[:2] == [f"{beginning} OR severance", f"{beginning} OR agreed"]
    assert len(kept) == 6
    assert kept[2].startswith("anna mailbox=") and kept[2].endswith("… (4,504 letters in all)")
    assert len({row.subject_id for row in audited(world)}) == 6


def posts(user: User, **data: object) -> tuple[int, str, str]:
    client = Client()
    client.force_login(user)
    answer = client.post(reverse("recovery_found"), data)
    return answer.status_code, answer.get("Location", ""), answer.content.decode()


def selected(cast: Cast) -> dict[UUID, list[str]]:
    with account_scope(cast.account.pk):
        return {row.snapshot.public_id: row.items for row in Selection.objects.select_related("snapshot")}


def test_one_backup_leads_straight_to_the_restore_and_several_are_listed(world: World) -> None:
    run = world.days["bob 2"].run.public_id
    status, address, _ = posts(world.cast.owner, pick=[world.value("bob 2", "bob1")], then="restore")
    assert (status, address) == (302, reverse("recovery_restore", args=[run]))
    picks = [world.value("bob 2", "bob1"), world.value("bob 1", "bob2"), world.value("carla 2", "carla1")]
    status, _, page = posts(world.cast.owner, pick=picks, then="export")
    assert status == 200 and "3 items of 2 mailboxes, out of 3 backups." in page
    assert {len(keys) for keys in selected(world.cast).values()} == {1}
    assert set(selected(world.cast)) == {world.days[day].public_id for day in ("bob 1", "bob 2", "carla 2")}


def test_all_that_was_found_is_one_selection_of_what_one_sees(world: World) -> None:
    status, _, page = posts(world.cast.restorer, q="severance", then="all-restore")
    assert status == 200 and "2 items of 1 mailbox, out of 2 backups." in page
    assert set(selected(world.cast)) == {world.days["bob 1"].public_id, world.days["bob 2"].public_id}
    with patch("apps.search.pages.ALL_LIMIT", 1):
        status, _, page = posts(world.cast.restorer, q="severance", then="all-restore")
    assert status == 400 and "2 items were found" in page


def test_nobody_selects_what_they_do_not_see_or_may_not_take(world: World) -> None:
    assert posts(world.cast.restorer, pick=[world.value("carla 2", "carla1")], then="restore")[0] == 400
    assert posts(world.cast.stranger, pick=[world.value("bob 2", "bob1")], then="restore")[0] == 400
    assert posts(world.cast.viewer, pick=[world.value("bob 2", "bob1")], then="restore")[0] == 403
    only(world.cast.restorer, ["view", "export"])
    assert posts(world.cast.restorer, pick=[world.value("bob 2", "bob1")], then="restore")[0] == 403
    assert selected(world.cast) == {}


def test_results_come_page_by_page(world: World) -> None:
    with patch("apps.search.pages.PAGE", 1):
        first = asks(world.cast.restorer, q="severance")
        assert first.count('class="ek-hit"') == 1 and "after=" in first
        after = re.search(r"after=([\w%-]+)", first)
        client = Client()
        client.force_login(world.cast.restorer)
        query = {"q": "severance", "after": unquote(after[1]) if after else ""}
        more = client.get(reverse("search"), query, headers={"HX-Request": "true"})
    assert more.content.decode().count('class="ek-hit"') == 1 and "<html" not in more.content.decode()
