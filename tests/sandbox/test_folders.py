"""Mail folders behave as in Exchange."""

from apps.sandbox.testing import SandboxCloud
from tests.sandbox.client import Graph

AGATA = "agata.brown@pizza-perfecto.example"


def names(folders: list[dict[str, object]]) -> set[object]:
    return {folder["displayName"] for folder in folders}


def test_the_list_shows_the_first_level_and_hides_hidden_folders(graph: Graph) -> None:
    shown = graph.all("mailFolders")
    every = graph.all("mailFolders?includeHiddenFolders=true")
    assert "ExternalContacts" not in names(shown) and {"ExternalContacts", "Sync Issues"} <= names(every)
    top = graph.get("mailFolders/msgfolderroot")
    assert all(folder["parentFolderId"] == top["id"] for folder in shown)
    deep = [
        folder for folder in graph.cloud.export(graph.cloud.admin)["folders"] if folder["path"].count("/") == 2
    ]
    assert deep


def test_pages_are_ten_folders_long_by_default(graph: Graph) -> None:
    page = graph.get("mailFolders?includeHiddenFolders=true&$count=true")
    assert len(page["value"]) == 10 and page["@odata.count"] > 10 and "@odata.nextLink" in page


def test_well_known_names_work_whatever_the_language(graph: Graph) -> None:
    german = Graph(graph.cloud, mailbox=AGATA)
    assert german.get("mailFolders/inbox")["displayName"] == "Posteingang"
    assert german.get("mailFolders/SentItems")["displayName"] == "Gesendete Elemente"
    assert german.code("GET", "mailFolders/clutter") == (404, "ErrorItemNotFound")


def test_child_folders_are_reached_by_nested_paths(sandbox_cloud: SandboxCloud) -> None:
    graph = Graph(sandbox_cloud)
    first = graph.post("mailFolders/inbox/childFolders", {"displayName": "A"})["id"]
    second = graph.post(f"mailFolders/{first}/childFolders", {"displayName": "B"})["id"]
    assert names(graph.all(f"mailFolders/inbox/childFolders/{first}/childFolders")) == {"B"}
    path = f"mailFolders/inbox/childFolders/{first}/childFolders/{second}/messages"
    made = graph.post(path, {"subject": "deep"})["id"]
    assert graph.get(f"mailFolders/{second}/messages/{made}")["parentFolderId"] == second


def test_a_name_may_occur_once_among_siblings(graph: Graph) -> None:
    graph.post("mailFolders", {"displayName": "Twice"})
    assert graph.code("POST", "mailFolders", json={"displayName": "tWICE"}) == (409, "ErrorFolderExists")
    assert graph.post("mailFolders/inbox/childFolders", {"displayName": "Twice"})["displayName"] == "Twice"


def test_a_deleted_folder_moves_to_deleted_items_with_its_content(graph: Graph) -> None:
    folder = graph.post("mailFolders", {"displayName": "Old"})["id"]
    message = graph.post(f"mailFolders/{folder}/messages", {"subject": "kept"})["id"]
    graph.delete(f"mailFolders/{folder}")
    assert names(graph.all("mailFolders/deleteditems/childFolders")) == {"Old"}
    assert graph.get(f"messages/{message}")["parentFolderId"] == folder
    graph.delete(f"mailFolders/{folder}")
    assert graph.code("GET", f"mailFolders/{folder}") == (404, "ErrorItemNotFound")
    assert graph.code("GET", f"messages/{message}") == (404, "ErrorItemNotFound")


def test_well_known_folders_stay(graph: Graph) -> None:
    assert graph.code("DELETE", "mailFolders/inbox") == (400, "ErrorDeleteDistinguishedFolder")
    assert graph.code("POST", "mailFolders/inbox/move", json={"DestinationId": "archive"})[0] == 400
    assert graph.code("PATCH", "mailFolders/inbox", json={"displayName": "Mine"})[0] == 400


def test_a_folder_cannot_go_below_itself(graph: Graph) -> None:
    upper = graph.post("mailFolders", {"displayName": "Upper"})["id"]
    lower = graph.post(f"mailFolders/{upper}/childFolders", {"displayName": "Lower"})["id"]
    assert graph.code("POST", f"mailFolders/{upper}/move", json={"destinationId": lower})[0] == 400


def test_counts_follow_every_change(graph: Graph) -> None:
    folder = graph.post("mailFolders", {"displayName": "Counted"})["id"]
    unread = {"subject": "u", "singleValueExtendedProperties": [{"id": "Integer 0x0E07", "value": "4"}]}
    first = graph.post(f"mailFolders/{folder}/messages", unread)["id"]
    graph.post(f"mailFolders/{folder}/messages", unread)

    def counts() -> tuple[int, int]:
        found = graph.get(f"mailFolders/{folder}")
        return found["totalItemCount"], found["unreadItemCount"]

    assert counts() == (2, 2)
    graph.patch(f"messages/{first}", {"isRead": True})
    assert counts() == (2, 1)
    graph.post(f"messages/{first}/move", {"destinationId": "inbox"})
    assert counts() == (1, 1)
