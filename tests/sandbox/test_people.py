"""The seeded company and its daily work."""

from typing import Any

from apps.sandbox.testing import SandboxCloud
from tests.sandbox.client import Graph

DAYS = 5


def by_name(cloud: SandboxCloud) -> dict[str, dict[str, Any]]:
    users = cloud.control("tenant")["users"]
    return {user["displayName"]: user for user in users}


def test_the_company_has_every_kind_of_account(graph: Graph) -> None:
    graph.cloud.reset(users=12, messages=100)
    people = by_name(graph.cloud)
    assert len([one for one in people.values() if one["assignedLicenses"]]) == 12
    assert people["IT Partner Desk"]["userType"] == "Guest"
    purposes = {one["user"].split("@")[0]: one["purpose"] for one in graph.cloud.control("tenant")["mailboxes"]}
    assert (purposes["finance"], purposes["info"], purposes["tasting.room"]) == ("shared", "shared", "room")
    assert graph.get(f"/users/finance@{graph.cloud.domain}/mailboxSettings/userPurpose")["value"] == "shared"
    for name in ("Tom Okafor", "IT Partner Desk"):
        code = graph.code("GET", f"/users/{people[name]['id']}/mailFolders")
        assert code == (404, "MailboxNotEnabledForRESTAPI")
    newcomer = Graph(graph.cloud, mailbox=people["Petra Lindqvist"]["userPrincipalName"])
    assert newcomer.get("messages")["value"] == []
    sku = graph.get("/subscribedSkus")["value"][0]
    assert sku["consumedUnits"] == 12 and people["Bob Smith"]["assignedLicenses"][0]["skuId"] == sku["skuId"]


def test_mail_is_of_every_kind(graph: Graph) -> None:
    graph.cloud.reset(users=4, messages=400)
    mails = []
    for box in graph.cloud.control("tenant")["mailboxes"]:
        path = f"/users/{box['user']}/messages?$top=500&$select=subject,body,hasAttachments"
        mails += graph.all(path)
    texts = " ".join(mail["body"]["content"] for mail in mails)
    for words in ("Öfen", "ピザ", "Подтвердите", "crème", "cid:logo@pizza-perfecto"):
        assert words.casefold() in texts.casefold(), words
    sizes = [
        m["size"]
        for b in graph.cloud.control("tenant")["mailboxes"]
        for m in graph.cloud.export(b["user"])["messages"]
    ]
    assert max(sizes) > 4_000_000
    assert any(mail.get("@odata.type") == "#microsoft.graph.eventMessageRequest" for mail in mails)
    assert sum(mail["subject"].startswith("Re: ") for mail in mails) > 20
    assert {mail["subject"] for mail in mails} >= {"Ménü für Größe"}


def test_the_same_mail_and_the_same_files_go_round(graph: Graph) -> None:
    graph.cloud.reset(users=4, messages=200)
    seen: dict[str, set[str]] = {}
    for box in graph.cloud.control("tenant")["mailboxes"]:
        for message in graph.cloud.export(box["user"])["messages"]:
            seen.setdefault(message["sha256"], set()).add(box["user"])
    assert any(len(users) > 1 for users in seen.values())


def test_a_seed_number_makes_another_company(sandbox_cloud: SandboxCloud) -> None:
    first = sandbox_cloud.mailbox_hash(sandbox_cloud.admin)
    sandbox_cloud.reset(seed=2)
    assert sandbox_cloud.mailbox_hash(sandbox_cloud.admin) != first


def test_people_do_all_kinds_of_work_and_delta_tells_it(graph: Graph) -> None:
    """A client that follows the deltas of all folders ends with what is really there."""
    before = graph.cloud.control("tenant")["mailboxes"]
    done = graph.cloud.advance(DAYS)["done"]
    assert {"new", "read", "moved", "deleted", "flagged"} <= set(done)
    graph.cloud.advance(10)
    after = graph.cloud.control("tenant")["mailboxes"]
    assert sum(box["messages"] for box in after) > sum(box["messages"] for box in before)


def test_following_the_deltas_gives_the_true_mailbox(graph: Graph) -> None:
    links: dict[str, str] = {}
    held: dict[str, str] = {}

    def follow() -> None:
        folders, links["folders"] = graph.delta(links.get("folders", "mailFolders/delta"))
        for folder in folders:
            if "@removed" in folder:
                links.pop(folder["id"], None)
            else:
                links.setdefault(folder["id"], f"mailFolders/{folder['id']}/messages/delta?$select=subject")
        for folder_id, link in list(links.items()):
            if folder_id == "folders":
                continue
            items, links[folder_id] = graph.delta(link)
            for item in items:
                if "@removed" not in item:
                    held[item["id"]] = folder_id
                elif held.get(item["id"]) == folder_id:
                    del held[item["id"]]

    follow()
    for _ in range(DAYS):
        graph.cloud.advance(1)
        follow()
        truth = graph.cloud.export(graph.cloud.admin)
        ids = {folder["path"]: folder["id"] for folder in truth["folders"] if not folder["hidden"]}
        assert held == {m["id"]: ids[m["folder"]] for m in truth["messages"] if m["folder"] in ids}


def test_the_clock_can_be_set_and_stopped(sandbox_cloud: SandboxCloud) -> None:
    sandbox_cloud.set_clock("2027-01-02T03:04:05Z", frozen=True)
    made = Graph(sandbox_cloud).post("messages", {"subject": "now"})
    assert made["createdDateTime"] == "2027-01-02T03:04:05Z"


def test_accounts_can_be_added_renamed_and_deleted(graph: Graph) -> None:
    address = f"new.person@{graph.cloud.domain}"
    user = graph.cloud.add_user(address, displayName="New Person")
    graph.cloud.deliver(address, b"Subject: hello\r\n\r\nx")
    assert graph.get(f"/users/{address}/messages")["value"][0]["subject"] == "hello"
    renamed = f"married.person@{graph.cloud.domain}"
    graph.cloud.change_user(address, userPrincipalName=renamed, mail=renamed)
    assert graph.get(f"/users/{renamed}")["id"] == user
    assert graph.get(f"/users/{user}/messages")["value"]
    graph.cloud.set_mailbox(renamed, remove=True)
    assert graph.code("GET", f"/users/{user}/messages") == (404, "MailboxNotEnabledForRESTAPI")
    graph.cloud.delete_user(renamed)
    assert graph.code("GET", f"/users/{user}") == (404, "Request_ResourceNotFound")


def test_a_mailbox_is_filled_for_measurements(graph: Graph) -> None:
    graph.cloud.bulk(graph.cloud.admin, 300, size=2000, folders=3)
    found = [
        m for m in graph.cloud.export(graph.cloud.admin)["messages"] if m["folder"].startswith("Inbox/Bulk")
    ]
    assert len(found) == 200 and all(abs(m["size"] - 2000) < 600 for m in found)
    assert len({m["sha256"] for m in found}) == 200
    one = graph.get("messages", params={"$filter": f"internetMessageId eq '{found[0]['internetMessageId']}'"})[
        "value"
    ][0]
    assert one["subject"] == found[0]["subject"] and one["bodyPreview"].startswith("Message")
