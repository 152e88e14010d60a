"""Contact folders, contacts and photos: kept as written, told by delta, found by their mark."""

from typing import Any

from tests.sandbox.client import Graph

KEY = "String {5d0a4f7e-6c1b-4d39-9e0f-2c7f1b8a6e43} Name Mark"
MARIE: dict[str, Any] = {
    "givenName": "Marie",
    "surname": "Curie",
    "emailAddresses": [{"name": "Marie", "address": "marie@science.example"}],
    "businessAddress": {"street": "Rue 1", "city": "Paris"},
    "categories": ["Suppliers"],
    "birthday": "1867-11-07T00:00:00Z",
}


def test_a_contact_keeps_its_fields_its_photo_and_its_mark(graph: Graph) -> None:
    made = graph.post("contacts", MARIE | {"singleValueExtendedProperties": [{"id": KEY, "value": "k-1"}]})
    path = f"contacts/{made['id']}"
    graph.call("PUT", f"{path}/photo/$value", content=b"jpeg", headers={"Content-Type": "image/jpeg"})
    graph.patch(path, {"jobTitle": "Physicist"})
    found = graph.get(f"{path}?$expand=singleValueExtendedProperties($filter=id eq '{KEY}')")
    assert found["displayName"] == "Marie Curie" and found["jobTitle"] == "Physicist"
    assert found["birthday"] == "1867-11-07T11:59:00Z" and found["businessAddress"]["city"] == "Paris"
    assert found["singleValueExtendedProperties"] == [{"id": KEY, "value": "k-1"}]
    assert graph.call("GET", f"{path}/photo/$value").content == b"jpeg"
    marked = f"singleValueExtendedProperties/Any(ep: ep/id eq '{KEY}' and ep/value eq 'k-1')"
    folder = graph.get("contactFolders/contacts")["id"]
    for place in ("contacts", f"contactFolders/{folder}/contacts"):
        assert [one["id"] for one in graph.all(f"{place}?$filter={marked}&$select=id")] == [made["id"]]
    by_mail = "emailAddresses/any(a:a/address eq 'marie@science.example')"
    assert [one["id"] for one in graph.all(f"contacts?$filter={by_mail}")] == [made["id"]]
    truth = graph.cloud.export(graph.cloud.admin)["contacts"]["items"]
    marie = next(one for one in truth if one["id"] == made["id"])
    assert marie["folder"] == "Contacts" and marie["files"][0]["role"] == "photo"
    assert graph.code("GET", f"contacts/{made['id'][:-4]}AAAA")[0] == 400


def test_folders_nest_and_the_default_one_is_not_in_their_list(graph: Graph) -> None:
    default = graph.get("contactFolders/contacts")
    outer = graph.post("contactFolders", {"displayName": "Suppliers abroad"})
    inner = graph.post(f"contactFolders/{outer['id']}/childFolders", {"displayName": "France"})
    assert outer["parentFolderId"] == default["id"] and inner["parentFolderId"] == outer["id"]
    names = [one["displayName"] for one in graph.all("contactFolders")]
    assert "Suppliers abroad" in names and "France" not in names and "Contacts" not in names
    again = {"displayName": "suppliers ABROAD"}
    assert graph.code("POST", "contactFolders", json=again) == (409, "ErrorFolderExists")
    told, link = graph.delta("contactFolders/delta")
    assert {"Contacts", "Suppliers abroad", "France"} <= {one["displayName"] for one in told}
    graph.delete(f"contactFolders/{outer['id']}")
    gone, _ = graph.delta(link)
    assert {one["id"] for one in gone if "@removed" in one} == {outer["id"], inner["id"]}
    assert graph.code("DELETE", f"contactFolders/{default['id']}")[0] == 400


def test_delta_tells_new_changed_and_deleted_contacts_once(graph: Graph) -> None:
    folder = graph.post("contactFolders", {"displayName": "Fresh"})["id"]
    ids = [graph.post(f"contactFolders/{folder}/contacts", {"displayName": f"N{n}"})["id"] for n in range(5)]
    first, link = graph.delta(f"contactFolders/{folder}/contacts/delta?$select=displayName,changeKey", page=2)
    assert [one["id"] for one in first] == ids and set(first[0]) >= {"displayName", "changeKey"}
    graph.patch(f"contacts/{ids[0]}", {"nickName": "Nought"})
    graph.delete(f"contactFolders/{folder}/contacts/{ids[4]}")
    changed, link = graph.delta(link)
    assert [one["id"] for one in changed if "@removed" not in one] == [ids[0]]
    assert [one["id"] for one in changed if "@removed" in one] == [ids[4]]
    assert graph.delta(link)[0] == []
    graph.cloud.set_mailbox(graph.cloud.admin, forget_sync_state=True)
    assert graph.code("GET", link) == (410, "SyncStateNotFound")
