"""To Do: lists, tasks and what is on them, files in ranges, the extension that marks a task."""

import httpx

from tests.sandbox.client import Graph

MARK = "com.example.mark"


def test_a_task_keeps_its_checklist_links_rule_and_mark(graph: Graph) -> None:
    lists = graph.all("todo/lists")
    assert [one["wellknownListName"] for one in lists[:2]] == ["defaultList", "flaggedEmails"]
    base = f"todo/lists/{graph.post('todo/lists', {'displayName': 'Opening'})['id']}/tasks"
    made = graph.post(
        base,
        {
            "title": "Order flour",
            "dueDateTime": {"dateTime": "2026-03-09T15:30:00", "timeZone": "UTC"},
            "recurrence": {
                "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"]},
                "range": {"type": "noEnd", "startDate": "2026-03-09"},
            },
            "linkedResources": [{"webUrl": "https://mill.example", "displayName": "The mill"}],
            "extensions": [
                {"@odata.type": "microsoft.graph.openTypeExtension", "extensionName": MARK, "key": "k-1"}
            ],
        },
    )
    path = f"{base}/{made['id']}"
    graph.post(f"{path}/checklistItems", {"displayName": "Call", "isChecked": True})
    second = graph.post(f"{path}/checklistItems", {"displayName": "Pay"})
    graph.patch(f"{path}/checklistItems/{second['id']}", {"isChecked": True})
    graph.patch(path, {"status": "completed"})
    found = graph.get(f"{path}?$expand=checklistItems,linkedResources,extensions")
    assert [one["isChecked"] for one in found["checklistItems"]] == [True, True]
    assert found["linkedResources"][0]["webUrl"] == "https://mill.example"
    assert found["completedDateTime"]["timeZone"] == "UTC" and found["dueDateTime"]["dateTime"][11:13] == "00"
    full = f"microsoft.graph.openTypeExtension.{MARK}"
    query = f"$filter=extensions/any(f:f/id eq '{full}')&$expand=extensions($filter=id eq '{full}')"
    (marked,) = graph.all(f"{base}?{query}")
    assert marked["id"] == made["id"] and marked["extensions"][0]["key"] == "k-1"
    assert graph.code("GET", f"todo/lists/{lists[0]['id']}/tasks/{made['id']}")[0] == 404
    bare = {"title": "No due date", "recurrence": {"pattern": {"type": "daily", "interval": 1}}}
    assert graph.code("POST", base, json=bare)[0] == 400


def test_lists_and_tasks_have_deltas(graph: Graph) -> None:
    _, lists = graph.delta("todo/lists/delta")
    made = graph.post("todo/lists", {"displayName": "Fresh"})["id"]
    told, lists = graph.delta(lists)
    assert [one["displayName"] for one in told] == ["Fresh"]
    ids = [graph.post(f"todo/lists/{made}/tasks", {"title": f"T{n}"})["id"] for n in range(3)]
    first, link = graph.delta(f"todo/lists/{made}/tasks/delta", page=2)
    assert [one["id"] for one in first] == ids
    graph.post(f"todo/lists/{made}/tasks/{ids[0]}/checklistItems", {"displayName": "step"})
    graph.delete(f"todo/lists/{made}/tasks/{ids[2]}")
    changed, _ = graph.delta(link)
    assert [(one["id"], "@removed" in one) for one in changed] == [(ids[0], False), (ids[2], True)]
    graph.delete(f"todo/lists/{made}")
    assert "@removed" in graph.delta(lists)[0][-1]


def test_files_come_directly_or_in_ranges_that_ask_for_the_token(graph: Graph) -> None:
    base = f"todo/lists/{graph.all('todo/lists')[0]['id']}/tasks"
    path = f"{base}/{graph.post(base, {'title': 'With files'})['id']}"
    graph.post(f"{path}/attachments", {"@odata.type": "#microsoft.graph.taskFileAttachment", "name": "a.txt",
                                       "contentType": "text/plain", "contentBytes": "aGVsbG8="})  # fmt: skip
    info = {"attachmentType": "file", "name": "b.bin", "size": 4_000_000}
    url = graph.post(f"{path}/attachments/createUploadSession", {"attachmentInfo": info})["uploadUrl"]
    data = bytes(4_000_000)
    for start, end in ((0, 2_999_999), (3_000_000, 3_999_999)):
        headers = {"Content-Range": f"bytes {start}-{end}/4000000", "Content-Type": "application/octet-stream"}
        answer = graph.call("PUT", f"{url}/content", content=data[start : end + 1], headers=headers)
    assert answer.status_code == 201 and "/attachments/" in answer.headers["location"]
    assert httpx.put(f"{url}/content", content=b"x", verify=False).status_code == 401
    files = graph.all(f"{path}/attachments")
    assert [(one["name"], one["size"]) for one in files] == [("a.txt", 5), ("b.bin", 4_000_000)]
    assert graph.call("GET", f"{path}/attachments/{files[0]['id']}/$value").content == b"hello"
    assert graph.get(f"{path}/attachments/{files[0]['id']}")["contentBytes"] == "aGVsbG8="
    assert graph.get(path)["hasAttachments"] is True
