"""Delta rounds: what changed is told once, to the right folder, and dead tokens are refused."""

import pytest

from tests.sandbox.client import IMMUTABLE, Graph

INBOX = "mailFolders/inbox/messages/delta?$select=subject,isRead,parentFolderId"
ARCHIVE = "mailFolders/archive/messages/delta?$select=subject"


def removed(items: list[dict[str, object]]) -> list[object]:
    return [item["id"] for item in items if "@removed" in item]


def present(items: list[dict[str, object]]) -> list[object]:
    return [item["id"] for item in items if "@removed" not in item]


@pytest.mark.parametrize("spelling", ["delta", "delta()", "microsoft.graph.delta()"])
def test_a_first_round_names_every_message_once(graph: Graph, spelling: str) -> None:
    items, link = graph.delta(f"mailFolders/inbox/messages/{spelling}", page=3)
    truth = [m["id"] for m in graph.cloud.export(graph.cloud.admin)["messages"] if m["folder"] == "Inbox"]
    assert sorted(present(items)) == sorted(truth) and len(items) == len(truth) > 3
    assert graph.delta(link)[0] == []


def test_a_moved_message_leaves_one_folder_and_enters_the_other(graph: Graph) -> None:
    items, inbox = graph.delta(INBOX)
    _, archive = graph.delta(ARCHIVE)
    moved = items[0]["id"]
    graph.post(f"messages/{moved}/move", {"destinationId": "archive"})
    left, _ = graph.delta(inbox)
    came, _ = graph.delta(archive)
    assert removed(left) == [moved] and present(left) == []
    assert present(came) == [moved] and removed(came) == []


def test_without_immutable_ids_a_move_gives_a_new_id(graph: Graph) -> None:
    items, inbox = graph.delta(INBOX, ids="")
    old = items[0]["id"]
    moved = graph.post(f"messages/{old}/move", {"destinationId": "archive"}, headers={"Prefer": ""})
    assert moved["id"] != old
    assert removed(graph.delta(inbox, ids="")[0]) == [old]
    assert graph.code("GET", f"messages/{old}") == (404, "ErrorItemNotFound")


def test_a_message_that_left_and_came_back_is_simply_there(graph: Graph) -> None:
    items, inbox = graph.delta(INBOX)
    path = f"messages/{items[0]['id']}/move"
    graph.post(path, {"destinationId": "archive"})
    graph.post(path, {"destinationId": "inbox"})
    after, _ = graph.delta(inbox)
    assert present(after) == [items[0]["id"]] and removed(after) == []


def test_a_deleted_message_is_removed_and_lies_in_deleted_items(graph: Graph) -> None:
    items, inbox = graph.delta(INBOX)
    gone = items[0]["id"]
    graph.delete(f"messages/{gone}")
    assert removed(graph.delta(inbox)[0]) == [gone]
    assert gone in [m["id"] for m in graph.all("mailFolders/deleteditems/messages")]
    graph.post(f"messages/{gone}/permanentDelete")
    assert graph.code("GET", f"messages/{gone}") == (404, "ErrorItemNotFound")


def test_a_read_flip_is_told_whole_or_as_a_partial_item(graph: Graph) -> None:
    items, inbox = graph.delta(INBOX)
    first = items[0]
    graph.patch(f"messages/{first['id']}", {"isRead": not first["isRead"]})
    whole, later = graph.delta(inbox)
    assert whole[0]["subject"] == first["subject"] and whole[0]["isRead"] is not first["isRead"]
    graph.cloud.switch(partial_read_changes=True)
    graph.patch(f"messages/{first['id']}", {"isRead": first["isRead"]})
    partial, _ = graph.delta(later)
    assert partial == [
        {"@odata.type": "#microsoft.graph.message", "id": first["id"], "isRead": first["isRead"]}
    ]


def test_what_changes_while_the_client_pages_comes_in_the_next_round(graph: Graph) -> None:
    pages = graph.pages(INBOX, headers={"Prefer": f"odata.maxpagesize=2, {IMMUTABLE}"})
    first = next(pages)["value"][0]["id"]
    graph.patch(f"messages/{first}", {"categories": ["Late"]})
    rest = list(pages)
    assert first not in [item["id"] for page in rest for item in page["value"]]
    assert present(graph.delta(rest[-1]["@odata.deltaLink"])[0]) == [first]


def test_replayed_tokens_give_the_same_changes_again(graph: Graph) -> None:
    _, inbox = graph.delta(INBOX)
    graph.post("messages", {"subject": "elsewhere"})
    made = graph.post("mailFolders/inbox/messages", {"subject": "new"})["id"]
    assert present(graph.delta(inbox)[0]) == [made]
    assert present(graph.delta(inbox)[0]) == [made]


def test_change_type_and_latest_narrow_the_round(graph: Graph) -> None:
    _, link = graph.delta(f"{INBOX}&changeType=created")
    _, now = graph.delta(f"{INBOX}&$deltatoken=latest")
    old = graph.all("mailFolders/inbox/messages?$top=5")[-1]["id"]
    graph.patch(f"messages/{old}", {"categories": ["x"]})
    made = graph.post("mailFolders/inbox/messages", {"subject": "new"})["id"]
    assert present(graph.delta(link)[0]) == [made]
    assert sorted(present(graph.delta(now)[0])) == sorted([old, made])


def test_a_round_may_be_ordered_and_filtered_by_time(graph: Graph) -> None:
    items, _ = graph.delta("mailFolders/inbox/messages/delta?$orderby=receivedDateTime desc", page=2)
    times = [item["receivedDateTime"] for item in items]
    assert times == sorted(times, reverse=True) and len(times) > 4
    newer, link = graph.delta(
        f"mailFolders/inbox/messages/delta?$filter=receivedDateTime ge {times[2]}", page=2
    )
    assert [item["receivedDateTime"] for item in newer] == times[:3]
    assert graph.delta(link)[0] == []


def test_folder_delta_tells_new_renamed_moved_and_deleted_folders(graph: Graph) -> None:
    items, link = graph.delta("mailFolders/delta", page=3)
    names = {item["displayName"] for item in items}
    assert "Inbox" in names and "ExternalContacts" not in names and "Deletions" not in names
    made = graph.post("mailFolders", {"displayName": "Fresh"})["id"]
    below = graph.post(f"mailFolders/{made}/childFolders", {"displayName": "Below"})["id"]
    changed, link = graph.delta(link)
    assert {item["displayName"] for item in changed} == {"Fresh", "Below"}
    graph.patch(f"mailFolders/{made}", {"displayName": "Renamed"})
    graph.post(f"mailFolders/{below}/move", {"destinationId": "inbox"})
    changed, link = graph.delta(link)
    assert {item["displayName"] for item in changed} == {"Renamed", "Below"}
    graph.post(f"mailFolders/{made}/permanentDelete")
    assert removed(graph.delta(link)[0]) == [made]


def test_tokens_die_with_the_sync_state(graph: Graph) -> None:
    _, link = graph.delta(INBOX)
    graph.cloud.set_mailbox(graph.cloud.admin, forget_sync_state=True)
    assert graph.code("GET", link) == (410, "SyncStateNotFound")
    items, _ = graph.delta(INBOX)
    assert items


def test_a_token_of_another_folder_or_made_up_is_invalid(graph: Graph) -> None:
    _, link = graph.delta(INBOX)
    other = link.replace("mailFolders/inbox", "mailFolders/archive")
    assert graph.code("GET", other) == (400, "SyncStateInvalid")
    assert graph.code("GET", "mailFolders/inbox/messages/delta?$deltatoken=abc") == (400, "SyncStateInvalid")


def test_a_mailbox_over_quota_lists_but_has_no_delta(graph: Graph) -> None:
    graph.cloud.set_mailbox(graph.cloud.admin, over_quota=True)
    assert graph.code("GET", INBOX) == (403, "ErrorQuotaExceeded")
    assert graph.get("mailFolders/inbox/messages")["value"]


def test_delta_can_repeat_items_and_send_empty_pages(graph: Graph) -> None:
    plain, _ = graph.delta(INBOX, page=2)
    graph.cloud.switch(repeat_in_delta=True, empty_delta_pages=True)
    pages = list(graph.pages(INBOX, headers={"Prefer": f"odata.maxpagesize=2, {IMMUTABLE}"}))
    items = [item["id"] for page in pages for item in page["value"]]
    assert len(items) > len(plain) and set(items) == {item["id"] for item in plain}
    assert any(page["value"] == [] and "@odata.nextLink" in page for page in pages)


def test_top_caps_the_whole_round(graph: Graph) -> None:
    items, _ = graph.delta("mailFolders/inbox/messages/delta?$top=3", page=2)
    assert len(items) == 3
