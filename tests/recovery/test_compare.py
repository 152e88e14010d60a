"""Two days side by side, and the life of one item."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.backups.models import Run, Snapshot
from apps.backups.selectors import compare
from apps.backups.selectors.browse import node_key
from apps.backups.selectors.compare import Change, Difference, Pair, compare_page, count_differences
from apps.core.errors import InvalidRequest
from apps.core.scope import account_scope
from apps.recovery.models import Selection
from tests.cast import Cast
from tests.recovery import big_mailbox
from tests.recovery.every_kind import every_kind, point_day
from tests.recovery.factories import FIRST_DAY, Mailbox, make_entity

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def box(cast: Cast) -> Iterator[Mailbox]:
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox", well_known="inbox")
        box.folder("orders", "Orders")
        yield box


def pair(box: Mailbox, older: int, newer: int) -> Pair:
    return Pair(box.entity.account_id, box.entity.pk, box.sub_service, older, newer)


def said(row: Difference) -> tuple[str, str]:
    return row.change.value, row.node.name


def everything(pairs: list[Pair], limit: int = 50, **narrowed: object) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    after: str | None = None
    while True:
        page = compare_page(pairs, after=after, limit=limit, **narrowed)  # type: ignore[arg-type]
        rows += [said(row) for row in page.rows]
        after = page.next
        if after is None:
            return rows


def a_week(box: Mailbox) -> None:
    """Day 1 holds a to d; by day 4 b has moved, c has gone, d went and came back, e is new, f came and went."""
    for name in "abcd":
        box.item(name, "inbox", name.upper(), author="")
    box.day()
    box.move("b", "orders")
    box.item("f", "inbox", "F", author="")
    box.remove("d")
    box.day()
    box.item("e", "inbox", "E", author="")
    box.item("d", "inbox", "D", author="")
    box.remove("f")
    box.day()
    box.remove("c")
    box.day()


def test_what_was_added_changed_and_deleted_over_several_days(box: Mailbox) -> None:
    a_week(box)
    found = sorted(everything([pair(box, 1, 4)]))
    assert found == [("added", "E"), ("changed", "B"), ("changed", "D"), ("deleted", "C")]
    counts = count_differences(pair(box, 1, 4))
    assert (counts.added, counts.changed, counts.deleted, counts.more) == (1, 2, 1, False)
    assert sorted(everything([pair(box, 2, 3)])) == [("added", "D"), ("added", "E"), ("deleted", "F")]
    assert everything([pair(box, 4, 4)]) == []
    assert len(everything([pair(box, 0, 1)])) == 4


@pytest.mark.parametrize(("limit", "window"), [(1, 1), (2, 400), (3, 2)])
def test_pages_show_each_difference_once_whatever_their_size(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch, limit: int, window: int
) -> None:
    monkeypatch.setattr(compare, "WINDOW", window)
    a_week(box)
    pairs = [pair(box, 1, 4), pair(box, 2, 3)]
    assert sorted(everything(pairs, limit)) == sorted(everything([pairs[0]]) + everything([pairs[1]]))
    assert everything(pairs, limit, changes=[Change.DELETED]) == [("deleted", "C"), ("deleted", "F")]
    assert everything(pairs, limit, text="b") == [("changed", "B")]


def test_a_filter_that_finds_nothing_stops_after_its_budget_and_can_go_on(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "WINDOW", 2)
    monkeypatch.setattr(compare, "BUDGET", 2)
    a_week(box)
    page = compare_page([pair(box, 1, 4)], text="nobody has this name")
    assert (page.rows, page.searched) == ([], 2) and page.next
    assert everything([pair(box, 1, 4)], text="nobody has this name") == []


@pytest.mark.parametrize(
    "after", ["x", "WzBd", "WzksMCwwLDBd", "bnVsbA", "WzAsMCwiYSIsMF0", "W3RydWUsMCwxZTk5LDFd"]
)
def test_a_forged_place_is_refused(box: Mailbox, after: str) -> None:
    with pytest.raises(InvalidRequest):
        compare_page([pair(box, 0, 1)], after=after)


def test_a_page_reads_as_many_rows_for_a_large_mailbox_as_for_a_small_one(box: Mailbox) -> None:
    for number in range(300):
        box.item(f"m{number}", "inbox", f"M{number}")
    box.day()
    box.item("new", "inbox", "New")
    box.remove("m7")
    box.day()
    with CaptureQueriesContext(connection) as queries:
        assert sorted(everything([pair(box, 1, 2)])) == [("added", "New"), ("deleted", "M7")]
    assert len(queries) == 4
    if connection.vendor == "sqlite":
        began, ended = plan_of(queries[0]["sql"]), plan_of(queries[2]["sql"])
        assert "node_first" in began and "node_gone" in ended and "SCAN" not in began + ended


@pytest.mark.slow
def test_two_days_of_a_hundred_thousand_messages_are_compared_by_pages_out_of_the_index(box: Mailbox) -> None:
    """Whatever is asked of them: neighbouring days, the whole history, one kind of change, the next page."""
    big_mailbox.fill(box.entity, items=100_000, snapshots=30)
    pages = [
        (pair(box, 15, 16), None), (pair(box, 1, 30), None), (pair(box, 29, 30), [Change.DELETED]),
        (pair(box, 1, 30), [Change.CHANGED]),
    ]  # fmt: skip
    for asked, changes in pages:
        with CaptureQueriesContext(connection) as queries:
            page = compare_page([asked], changes=changes or tuple(Change))
        assert len(page.rows) <= 50 and len(queries) <= 12, (asked, len(queries))
        for query in queries if connection.vendor == "sqlite" else ():
            assert "SCAN" not in plan_of(query["sql"]), query["sql"]
        if page.next:
            following = compare_page([asked], changes=changes or tuple(Change), after=page.next)
            assert not {row.node.key for row in page.rows} & {row.node.key for row in following.rows}
    assert count_differences(pair(box, 1, 30)).more, "counting stops, however many there are"


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return str(cursor.fetchall())


@pytest.fixture
def runs(cast: Cast, client: Client) -> Iterator[list[Run]]:
    """Three days of every kind; on the second Giulia is renamed and Order 1 deleted. Rita is signed in."""
    client.force_login(cast.restorer)
    with account_scope(cast.account.pk):
        boxes = every_kind(make_entity())
        found = [point_day(boxes, FIRST_DAY)]
        content = bytes(boxes["contacts"].live["giulia"].content)
        boxes["contacts"].item("giulia", "people", "Giulia Rossi", content=content, size=700)
        boxes["mail"].remove("m1")
        found.append(point_day(boxes, FIRST_DAY + timedelta(days=1)))
        boxes["notes"].item("new", "notes", "Sauce", author="")
        found.append(point_day(boxes, FIRST_DAY + timedelta(days=2)))
        yield found


def reverse_compare(runs: list[Run]) -> str:
    return reverse("recovery_compare", args=[runs[0].entity.public_id])


def compared(client: Client, runs: list[Run], **query: str) -> str:
    return str(client.get(reverse_compare(runs), query).content.decode())


def test_the_page_compares_the_last_two_backups_or_those_that_are_asked_for(
    client: Client, runs: list[Run]
) -> None:
    page = compared(client, runs)
    assert "Sauce" in page and "Giulia" not in page
    both = {"from": str(runs[2].public_id), "to": str(runs[0].public_id)}
    page = compared(client, runs, **both)
    assert "Renamed" in page and "Order 1" in page and "Sauce" in page, "the older day comes first by itself"
    assert "Order 1" not in compared(client, runs, **both, kind="contacts")
    assert "Giulia" not in compared(client, runs, **both, change="deleted")
    assert "Sauce" not in compared(client, runs, **both, q="giulia")
    by_day = compared(client, runs, **{"from": "2026-11-01", "to": "2026-11-02"})
    assert "Giulia" in by_day and "Sauce" not in by_day
    assert "no two backups" in compared(client, runs, to=str(runs[0].public_id))
    assert "Sauce" in compared(client, runs, **{"from": "x", "to": "0001-01-01", "kind": "x", "change": "x"})


def test_each_item_is_selected_on_its_own_day(client: Client, runs: list[Run]) -> None:
    change = reverse("recovery_compare_select", args=[runs[0].entity.public_id])
    deleted, added = f"older:mail:{node_key('m1')}", f"newer:notes:{node_key('new')}"
    form = {
        "from": str(runs[0].public_id),
        "to": str(runs[2].public_id),
        "shown": f"{deleted} {added} x:y older:mail:z",
    }
    bars = client.post(
        change, form | {"item": [deleted, added]}, headers={"HX-Request": "true"}
    ).content.decode()
    assert "As it was on 1 Nov" in bars and "1 message</b>" in bars
    assert "As it was on 3 Nov" in bars and "1 note</b>" in bars
    chosen = {(s.snapshot.run_id, s.snapshot.sub_service) for s in Selection.objects.select_related("snapshot")}
    assert chosen == {(runs[0].pk, "mail"), (runs[2].pk, "notes")}
    clear = client.post(
        reverse("recovery_select", args=[runs[2].public_id]), {"clear": "1", "back": reverse_compare(runs)}
    )
    assert clear["Location"] == reverse_compare(runs)
    client.post(change, form | {"item": [added]})
    assert not Selection.objects.get(snapshot__sub_service="mail").items


def test_the_life_of_an_item_names_its_versions_and_brings_one_back(client: Client, runs: list[Run]) -> None:
    contacts = Snapshot.objects.get(run=runs[2], sub_service="contacts")
    page = client.get(reverse("recovery_life", args=[contacts.public_id, node_key("giulia")])).content.decode()
    assert "2 versions" in page and "Renamed" in page and "Giulia Conti" in page and "1 Nov 2026, 0" in page
    mail = Snapshot.objects.get(run=runs[0], sub_service="mail")
    page = client.get(reverse("recovery_life", args=[mail.public_id, node_key("m1")])).content.decode()
    assert "deleted between 1 Nov 2026" in page and "gone in the backup of 2 Nov 2026" in page
    take = reverse("recovery_take", args=[runs[0].public_id])
    client.post(reverse("recovery_select", args=[runs[0].public_id]), {"kind": "mail", "item": node_key("m2")})
    answer = client.post(take, {"kind": "contacts", "item": node_key("giulia"), "then": "restore"})
    assert answer["Location"] == reverse("recovery_restore", args=[runs[0].public_id])
    only = Selection.objects.get()
    assert (only.snapshot.sub_service, only.items) == ("contacts", [node_key("giulia")])


def test_a_stranger_compares_nothing_and_selects_nothing(cast: Cast, client: Client, runs: list[Run]) -> None:
    client.force_login(cast.stranger)
    assert client.get(reverse_compare(runs)).status_code == 404
    assert (
        client.post(reverse("recovery_take", args=[runs[0].public_id]), {"item": "0" * 32}).status_code == 404
    )
    assert not Selection.objects.exists()
