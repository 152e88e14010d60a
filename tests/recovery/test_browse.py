"""A mailbox on any day: what its folders hold, page by page, and the life of an item."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.backups.enums import Verdict
from apps.backups.models import NodeVersion, Snapshot
from apps.backups.selectors import browse, days, tree
from apps.backups.selectors.browse import Sort
from apps.core.errors import InvalidRequest, NotFound
from apps.core.scope import account_scope
from tests.cast import Cast
from tests.recovery.factories import FIRST_DAY, Mailbox, make_entity

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def mailbox(cast: Cast) -> Iterator[Mailbox]:
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox", well_known="inbox")
        box.folder("orders", "Orders", parent="inbox")
        yield box


def names(snapshot: Snapshot, folder: str, **options: object) -> list[str]:
    page = browse.folder_page(browse.as_of(snapshot), folder, **options)  # type: ignore[arg-type]
    return [node.name for node in page.nodes]


def test_each_day_shows_what_was_there_that_day(mailbox: Mailbox) -> None:
    mailbox.item("a", "inbox", "A")
    first = mailbox.day()
    mailbox.item("b", "inbox", "B", time=FIRST_DAY + timedelta(hours=1))
    second = mailbox.day()
    mailbox.remove("a")
    third = mailbox.day()
    assert names(first, "inbox") == ["A"]
    assert names(second, "inbox") == ["B", "A"]
    assert names(third, "inbox") == ["B"]


def test_a_moved_message_is_in_its_new_folder_the_next_day(mailbox: Mailbox) -> None:
    mailbox.item("a", "inbox", "A")
    first = mailbox.day()
    mailbox.move("a", "orders")
    second = mailbox.day()
    assert (names(first, "inbox"), names(first, "orders")) == (["A"], [])
    assert (names(second, "inbox"), names(second, "orders")) == ([], ["A"])


def test_what_a_run_wrote_but_did_not_commit_is_invisible(mailbox: Mailbox) -> None:
    mailbox.item("a", "inbox", "A")
    day = mailbox.day()
    mailbox.item("b", "inbox", "B")
    mailbox.remove("a")
    assert names(day, "inbox") == ["A"]
    state = browse.as_of(day)
    assert browse.life_of(state, "a").gone_at is None
    with pytest.raises(NotFound):
        browse.life_of(state, "b")


@pytest.mark.parametrize("sort", list(Sort))
def test_every_order_pages_through_all_items_once(mailbox: Mailbox, sort: Sort) -> None:
    for number in range(23):
        mailbox.item(
            f"m{number}",
            "inbox",
            f"Subject {number % 5}",
            author=f"{'aB'[number % 2]}uthor {number % 3}",
            time=None if number % 4 == 0 else FIRST_DAY + timedelta(minutes=number % 7),
            size=number % 6,
        )
    state = browse.as_of(mailbox.day())
    seen: list[str] = []
    after = None
    while True:
        page = browse.folder_page(state, "inbox", sort=sort, after=after, limit=5)
        seen += [node.remote_id for node in page.nodes]
        after = page.next
        if after is None:
            break
    assert sorted(seen) == sorted(f"m{n}" for n in range(23))


def test_orders_mean_what_they_say(mailbox: Mailbox) -> None:
    mailbox.item("1", "inbox", "beta", author="Zoe", size=1, time=FIRST_DAY)
    mailbox.item("2", "inbox", "Alpha", author="adam", size=9, time=FIRST_DAY + timedelta(days=1))
    mailbox.item("3", "inbox", "gamma", author="Mia", size=5, time=None)
    day = mailbox.day()
    assert names(day, "inbox", sort=Sort.NEWEST) == ["Alpha", "beta", "gamma"]
    assert names(day, "inbox", sort=Sort.OLDEST) == ["beta", "Alpha", "gamma"]
    assert names(day, "inbox", sort=Sort.SENDER) == ["Alpha", "gamma", "beta"]
    assert names(day, "inbox", sort=Sort.SUBJECT_LAST) == ["gamma", "beta", "Alpha"]
    assert names(day, "inbox", sort=Sort.LARGEST) == ["Alpha", "gamma", "beta"]


def test_a_filter_looks_at_subject_and_sender_in_any_case(mailbox: Mailbox) -> None:
    mailbox.item("1", "inbox", "Übergabe", author="Zoe")
    mailbox.item("2", "inbox", "Rota", author="ÜMIT")
    mailbox.item("3", "inbox", "Rota", author="Mia")
    day = mailbox.day()
    assert sorted(names(day, "inbox", text="üm")) == ["Rota"]
    assert names(day, "inbox", text="ÜBER") == ["Übergabe"]
    assert names(day, "inbox", text="nothing") == []


def test_a_filter_goes_on_where_it_stopped(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "FIND_WINDOW", 4)
    monkeypatch.setattr(browse, "FIND_BUDGET", 8)
    for number in range(30):
        mailbox.item(
            f"m{number}",
            "inbox",
            "yes" if number % 9 == 0 else "no",
            time=FIRST_DAY + timedelta(minutes=number),
        )
    state = browse.as_of(mailbox.day())
    found, after, calls = [], None, 0
    while calls == 0 or after:
        page = browse.folder_page(state, "inbox", text="yes", after=after, limit=1)
        found += [node.remote_id for node in page.nodes]
        assert page.searched <= 8
        after, calls = page.next, calls + 1
    assert found == ["m27", "m18", "m9", "m0"]


@pytest.mark.parametrize(
    "after", ["x", "W10", "WyJhIiwgMV0", "WzEsICIyMDI2Il0", "WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAsIG51bGxd"]
)
def test_a_forged_place_in_the_list_is_refused(mailbox: Mailbox, after: str) -> None:
    with pytest.raises(InvalidRequest):
        browse.folder_page(browse.as_of(mailbox.day()), "inbox", after=after)


def test_a_node_of_another_mailbox_is_not_found_by_its_key(mailbox: Mailbox) -> None:
    other = Mailbox(make_entity("Eve", "eve@pizza-perfecto.example", task=mailbox.entity.task))
    other.folder("inbox", "Inbox")
    other.item("secret", "inbox")
    other.day()
    state = browse.as_of(mailbox.day())
    with pytest.raises(NotFound):
        browse.node_by_key(state, browse.node_key("secret"))
    foreign = NodeVersion.objects.get(remote_id="secret")
    assert browse.nodes_by_ids(state, [foreign.pk]) == []
    assert browse.contents(state, [foreign.pk]) == {}
    assert browse.nodes_by_keys(state, ["", "zz", "g" * 32]) == []


def test_the_life_of_an_item_says_when_it_went(mailbox: Mailbox) -> None:
    mailbox.item("a", "inbox", "A")
    mailbox.day()
    mailbox.item("a", "inbox", "A, read")
    second = mailbox.day()
    mailbox.remove("a")
    third = mailbox.day()
    life = browse.life_of(browse.as_of(second), "a")
    assert [v.name for v in life.versions] == ["A", "A, read"]
    assert (life.first, life.gone_at) == (1, 3)
    assert days.taken_at(second, {2, 3}) == {2: second.taken_at, 3: third.taken_at}


def test_what_is_no_longer_in_the_mailbox_is_marked_but_not_what_only_moved(mailbox: Mailbox) -> None:
    mailbox.item("moved", "inbox")
    mailbox.item("deleted", "inbox")
    mailbox.item("kept", "inbox")
    first = mailbox.day()
    mailbox.move("moved", "orders")
    mailbox.remove("deleted")
    mailbox.day()
    state = browse.as_of(first)
    page = browse.folder_page(state, "inbox")
    assert browse.no_longer_there(state, page.nodes) == {"deleted"}


def test_folders_stand_in_outlook_order_with_their_counts(mailbox: Mailbox) -> None:
    for remote_id, name, known in [
        ("sent", "Gesendete Elemente", "sentitems"),
        ("z", "Zebra", ""),
        ("e", "Éclair", ""),
        ("a", "apple", ""),
        ("del", "Gelöschte Elemente", "deleteditems"),
        ("r", "Restored 2026-09-02", ""),
    ]:
        mailbox.folder(remote_id, name, well_known=known)
    mailbox.item("1", "orders", size=7)
    found = tree.folder_tree(mailbox.day())
    assert [f.node.name for f in found.roots] == [
        "Inbox",
        "Gesendete Elemente",
        "Gelöschte Elemente",
        "apple",
        "Éclair",
        "Zebra",
        "Restored 2026-09-02",
    ]
    inbox = found.by_id["inbox"]
    assert (inbox.items, inbox.items_below, inbox.size_below) == (0, 1, 7)
    assert found.by_id["orders"].path == ("Inbox", "Orders")


def test_no_folder_is_hidden_by_a_missing_or_circular_parent(mailbox: Mailbox) -> None:
    mailbox.folder("lost", "Lost", parent="nowhere")
    mailbox.folder("x", "X", parent="y")
    mailbox.folder("y", "Y", parent="x")
    found = tree.folder_tree(mailbox.day())
    assert {f.node.name for f in found.walk()} == {"Inbox", "Orders", "Lost", "X", "Y"}


def test_the_root_of_the_mailbox_is_not_a_folder_of_the_tree(cast: Cast) -> None:
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity())
        box.folder("root", "Top of Information Store", well_known="msgfolderroot")
        box.folder("inbox", "Inbox", parent="root", well_known="inbox")
        found = tree.folder_tree(box.day())
    assert [f.node.name for f in found.roots] == ["Inbox"]


def test_the_calendar_knows_success_partial_failed_and_twice(mailbox: Mailbox) -> None:
    mailbox.day(at=FIRST_DAY)
    mailbox.day(at=FIRST_DAY + timedelta(days=1), verdict=Verdict.PARTIAL)
    mailbox.failed_day(FIRST_DAY + timedelta(days=2))
    mailbox.day(at=FIRST_DAY + timedelta(days=3))
    mailbox.day(at=FIRST_DAY + timedelta(days=3, hours=5))
    mailbox.day(at=FIRST_DAY + timedelta(days=40))
    found = days.days_of_month(mailbox.entity, FIRST_DAY.date())
    assert {day.day: (d.verdict, len(d.backups)) for day, d in found.items()} == {
        1: (Verdict.SUCCESS, 1),
        2: (Verdict.PARTIAL, 1),
        3: (Verdict.FAILED, 1),
        4: (Verdict.SUCCESS, 2),
    }
    assert days.span_of(mailbox.entity) == (FIRST_DAY.date(), (FIRST_DAY + timedelta(days=40)).date())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.sampled_from(["put", "move", "remove", "day"]), st.integers(0, 5)), max_size=30)
)
def test_any_history_reads_back_as_it_was(cast: Cast, steps: list[tuple[str, int]]) -> None:
    with account_scope(cast.account.pk):
        box = Mailbox(
            make_entity(address=f"{NodeVersion.objects.count()}-{Snapshot.objects.count()}@x.example")
        )
        for folder in ("inbox", "orders"):
            box.folder(folder, folder)
        where: dict[str, str] = {}
        history = [(box.day(), dict(where))]
        for action, number in steps:
            item = f"m{number}"
            if action == "put":
                where[item] = box.live[item].parent_id if item in box.live else "inbox"
                box.item(item, where[item])
            elif action == "move" and item in box.live:
                where[item] = "orders" if where[item] == "inbox" else "inbox"
                box.move(item, where[item])
            elif action == "remove" and item in box.live:
                box.remove(item)
                del where[item]
            elif action == "day":
                history.append((box.day(), dict(where)))
        for snapshot, expected in history:
            state = browse.as_of(snapshot)
            seen = {
                n.remote_id: f for f in ("inbox", "orders") for n in browse.items_of_folder(state, f, batch=2)
            }
            assert seen == expected


def test_a_page_is_decided_inside_one_index(mailbox: Mailbox) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("reads SQLite's query plan")
    state = browse.as_of(mailbox.day())
    expected = {
        Sort.NEWEST: "node_page",
        Sort.OLDEST: "node_page",
        Sort.SENDER: "node_by_author",
        Sort.SUBJECT_LAST: "node_by_name",
        Sort.LARGEST: "node_by_size",
    }
    for sort, index in expected.items():
        with CaptureQueriesContext(connection) as queries:
            browse.folder_page(state, "inbox", sort=sort)
        decided = [q["sql"] for q in queries if "LIMIT 51" in q["sql"]]
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {decided[0]}")
            plan = str(cursor.fetchall())
        assert index in plan and "TEMP B-TREE" not in plan, f"{sort}: {plan}"


def test_the_tree_is_read_without_looking_at_items(mailbox: Mailbox) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("reads SQLite's query plan")
    state = browse.as_of(mailbox.day())
    with CaptureQueriesContext(connection) as queries:
        browse.folders(state)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries[0]['sql']}")
        plan = str(cursor.fetchall())
    assert "node_folders" in plan
