"""Messages: bytes in are bytes out, restored mail looks received, changes stick."""

import email
import hashlib
from base64 import b64encode

from apps.sandbox.testing import SandboxCloud
from tests.sandbox.client import Graph

KEY = "String {00020329-0000-0000-c000-000000000046} Name EverkeepKey"
RECEIVED = [
    {"id": "Integer 0x0E07", "value": "5"},
    {"id": "SystemTime 0x0E06", "value": "2024-01-31T10:00:00Z"},
    {"id": "SystemTime 0x0039", "value": "2024-01-31T09:59:00Z"},
]


def test_mime_is_served_as_it_was_loaded(graph: Graph) -> None:
    raw = b"Subject: =?x-unknown?Q?caf=E9?=\nFrom: \xe4@b.example\nTo:\n\nbare\rline \x00 ends\n.\n\n"
    made = graph.cloud.deliver(graph.cloud.admin, raw)
    assert graph.call("GET", f"messages/{made}/$value").content == raw


def test_mail_without_a_message_id_is_given_one(graph: Graph) -> None:
    made = graph.cloud.deliver(graph.cloud.admin, b"Subject: bare\r\n\r\nx")
    given = graph.get(f"messages/{made}")["internetMessageId"]
    assert given.startswith("<") and given.endswith("@sandbox.prod.outlook.example>")
    assert b"Message-ID" not in graph.call("GET", f"messages/{made}/$value").content


def test_every_seeded_message_is_served_as_the_export_says(graph: Graph) -> None:
    graph.cloud.reset(users=3, messages=150)
    for message in graph.cloud.export(graph.cloud.admin)["messages"]:
        data = graph.call("GET", f"messages/{message['id']}/$value").content
        assert hashlib.sha256(data).hexdigest() == message["sha256"]


def test_a_message_made_of_mime_is_a_draft_with_the_same_bytes(graph: Graph) -> None:
    raw = b"From: Ann <ann@b.example>\r\nTo: c@d.example\r\nSubject: Hi\r\nMessage-ID: <1@b>\r\n\r\nText\r\n"
    answer = graph.call(
        "POST", "mailFolders/inbox/messages", content=b64encode(raw), headers={"Content-Type": "text/plain"}
    )
    made = answer.json()
    assert answer.status_code == 201 and made["isDraft"] is True and made["internetMessageId"] == "<1@b>"
    assert made["from"]["emailAddress"] == {"name": "Ann", "address": "ann@b.example"}
    assert graph.call("GET", f"messages/{made['id']}/$value").content == raw


def test_a_message_made_of_fields_can_be_received_mail(graph: Graph) -> None:
    body = {"contentType": "html", "content": "<p>Grüße</p>"}
    made = graph.post(
        "mailFolders/inbox/messages",
        {
            "subject": "Menü", "body": body, "internetMessageId": "<x@y>", "categories": ["Red"],
            "from": {"emailAddress": {"name": "Bo", "address": "bo@b.example"}},
            "receivedDateTime": "2001-01-01T00:00:00Z",
            "singleValueExtendedProperties": [*RECEIVED, {"id": KEY, "value": "restore-1"}],
        },
    )  # fmt: skip
    assert made["isDraft"] is False and made["isRead"] is True and made["body"] == body
    assert (made["receivedDateTime"], made["sentDateTime"]) == ("2024-01-31T10:00:00Z", "2024-01-31T09:59:00Z")
    path = f"messages/{made['id']}/$value"
    raw = graph.call("GET", path).content
    parsed = email.message_from_bytes(raw)
    assert parsed["Message-ID"] == "<x@y>" and parsed.get_payload(decode=True).decode() == "<p>Grüße</p>"
    assert graph.call("GET", path).content == raw


def test_transport_headers_given_at_creation_come_back(graph: Graph) -> None:
    headers = "Received: from a by b; Wed, 31 Jan 2024 10:00:00 +0000\r\nX-Spam: no\r\n"
    headers += "Content-Type: text/x-old\r\nSubject: s\r\n"
    properties = [*RECEIVED, {"id": "String 0x007D", "value": headers}]
    made = graph.post(
        "mailFolders/inbox/messages", {"subject": "s", "singleValueExtendedProperties": properties}
    )
    shown = graph.get(f"messages/{made['id']}?$select=internetMessageHeaders")["internetMessageHeaders"]
    assert {"name": "X-Spam", "value": "no"} in shown
    raw = graph.call("GET", f"messages/{made['id']}/$value").content
    assert b"X-Spam: no" in raw and b"text/x-old" not in raw


def test_without_the_flags_property_a_new_message_is_a_draft_of_today(graph: Graph) -> None:
    made = graph.post(
        "mailFolders/inbox/messages", {"subject": "s", "receivedDateTime": "2001-01-01T00:00:00Z"}
    )
    assert made["isDraft"] is True and made["receivedDateTime"] > "2026"


def test_a_message_is_found_by_an_extended_property_and_by_its_internet_id(graph: Graph) -> None:
    made = graph.post(
        "mailFolders/inbox/messages",
        {
            "subject": "s",
            "internetMessageId": "<find'me@x>",
            "singleValueExtendedProperties": [{"id": KEY, "value": "k"}],
        },
    )
    condition = f"singleValueExtendedProperties/any(p:p/id eq '{KEY}' and p/value eq 'k')"
    expand = f"singleValueExtendedProperties($filter=id eq '{KEY}')"
    found = graph.get("messages", params={"$filter": condition, "$expand": expand})["value"]
    assert [one["id"] for one in found] == [made["id"]]
    assert found[0]["singleValueExtendedProperties"] == [{"id": KEY, "value": "k"}]
    by_id = graph.get("messages", params={"$filter": "internetMessageId eq '<find''me@x>'"})["value"]
    assert [one["id"] for one in by_id] == [made["id"]]


def test_lists_filter_sort_and_page(graph: Graph) -> None:
    every = graph.all("messages?$top=3&$select=receivedDateTime,isRead")
    times = [one["receivedDateTime"] for one in every]
    assert times == sorted(times, reverse=True) and len({one["id"] for one in every}) == len(every) > 6
    unread = graph.all("messages?$filter=isRead eq false and receivedDateTime ge 2020-01-01T00:00:00Z")
    assert len(unread) == sum(not one["isRead"] for one in every)
    by_subject = [one["subject"] or "" for one in graph.all("messages?$orderby=subject&$top=50")]
    assert by_subject == sorted(by_subject)
    narrow = graph.get("messages?$select=subject&$top=1")["value"][0]
    assert set(narrow) - {"@odata.type"} == {"@odata.etag", "id", "subject"}


def test_changes_stick_and_change_the_etag(graph: Graph) -> None:
    message = graph.all("messages?$top=1")[0]
    when = {"dateTime": "2026-04-01T00:00:00.0000000", "timeZone": "UTC"}
    change = {
        "isRead": not message["isRead"], "categories": ["Blue"], "importance": "low",
        "flag": {"flagStatus": "flagged", "dueDateTime": when, "startDateTime": when},
    }  # fmt: skip
    graph.patch(f"messages/{message['id']}", change)
    after = graph.get(f"messages/{message['id']}")
    assert {name: after[name] for name in change} == change
    assert after["changeKey"] != message["changeKey"]


def test_the_content_of_received_mail_cannot_be_changed(graph: Graph) -> None:
    sent = graph.get("mailFolders/inbox/messages")["value"][0]
    assert graph.code("PATCH", f"messages/{sent['id']}", json={"subject": "other"}) == (
        400,
        "ErrorInvalidPropertySet",
    )
    draft = graph.post("messages", {"subject": "draft"})
    assert graph.patch(f"messages/{draft['id']}", {"subject": "better"})["subject"] == "better"


def test_ids_of_other_mailboxes_and_nonsense_are_told_apart(sandbox_cloud: SandboxCloud) -> None:
    graph = Graph(sandbox_cloud)
    other = Graph(sandbox_cloud, mailbox="bob.smith@pizza-perfecto.example")
    theirs = other.get("messages")["value"][0]["id"]
    assert graph.code("GET", f"messages/{theirs}") == (404, "ErrorInvalidMailboxItemId")
    mine = graph.get("messages")["value"][0]["id"]
    assert graph.code("GET", f"messages/{mine[:-3]}ab=") == (400, "ErrorInvalidIdMalformed")
    assert graph.code("GET", "/users/nobody@nowhere.example/messages") == (404, "ErrorInvalidUser")


def test_immutable_and_mutable_ids_name_the_same_message(graph: Graph) -> None:
    immutable = graph.get("messages?$top=1")["value"][0]["id"]
    mutable = graph.get("messages?$top=1", headers={"Prefer": ""})["value"][0]["id"]
    assert immutable != mutable
    assert graph.get(f"messages/{mutable}")["id"] == immutable


def test_a_large_mime_post_vanishes_as_in_the_real_service(sandbox_cloud: SandboxCloud) -> None:
    graph = Graph(sandbox_cloud)
    raw = b64encode(b"Subject: big\r\n\r\n" + b"x" * 2_300_000)
    answer = graph.call("POST", "messages", content=raw, headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.content) == (200, b"")
    answer = graph.call("POST", "messages", content=raw * 2, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 413


def test_invalid_reply_addresses_are_refused(sandbox_cloud: SandboxCloud) -> None:
    wrong = {"subject": "s", "replyTo": [{"emailAddress": {"address": "not an address"}}]}
    assert Graph(sandbox_cloud).code("POST", "messages", json=wrong) == (400, "ErrorInvalidRecipients")
