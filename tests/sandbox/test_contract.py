"""Requests and answers conform to Microsoft's official description of Graph."""

from base64 import b64encode

import pytest

from tests.fixtures.sandbox import CONTRACT
from tests.sandbox.client import Graph

pytestmark = pytest.mark.skipif(
    not CONTRACT.exists(), reason="the official description (../shared/graph) is not at hand"
)
SIZE = "singleValueExtendedProperties($filter=id eq 'Integer 0x0E08' or id eq 'Integer 0x0E07')"


def checked(graph: Graph) -> int:
    return int(graph.cloud.control("contract")["checked"])


def test_directory_answers_conform(graph: Graph) -> None:
    eventual = {"ConsistencyLevel": "eventual"}
    graph.get("/organization")
    graph.get("/subscribedSkus")
    graph.all(
        "/users?$top=2&$select=id,displayName,mail,userType,assignedLicenses,accountEnabled,proxyAddresses"
    )
    graph.get("/users?$filter=userType ne 'Guest'&$count=true&$orderby=displayName", headers=eventual)
    graph.get('/users?$search="displayName:bob"&$count=true', headers=eventual)
    graph.get(f"/users/{graph.cloud.admin}?$select=id,mail")
    graph.get(f"/users/{graph.cloud.admin}/licenseDetails")
    graph.get(f"/users/{graph.cloud.admin}/memberOf")
    graph.get(f"/users/{graph.cloud.admin}/mailboxSettings")
    group = graph.get("/groups")["value"][0]
    graph.get(f"/groups/{group['id']}")
    graph.get(f"/groups/{group['id']}/members?$select=id,displayName")
    assert checked(graph) >= 11


def test_mail_answers_conform(graph: Graph) -> None:
    graph.cloud.reset(users=3, messages=150)
    folders = graph.all("mailFolders?includeHiddenFolders=true&$top=4&$expand=childFolders")
    assert len(folders) > 8
    graph.all("mailFolders/delta")
    graph.all("mailFolders/delta()?$select=displayName")
    graph.delta("mailFolders/inbox/messages/delta?$select=subject,from,isRead,receivedDateTime,body")
    graph.delta("mailFolders/inbox/messages/delta()")
    messages = graph.all("messages?$top=50")
    for message in messages:
        path = f"messages/{message['id']}"
        graph.get(f"{path}?$select=subject,internetMessageHeaders,uniqueBody&$expand=attachments,{SIZE}")
        graph.get(f"{path}/attachments?$expand=microsoft.graph.itemattachment/item")
        assert graph.call("GET", f"{path}/$value").content
    assert any(message.get("@odata.type") == "#microsoft.graph.eventMessageRequest" for message in messages)


def test_writing_conforms(graph: Graph) -> None:
    folder = graph.post("mailFolders", {"displayName": "Restored"})["id"]
    child = graph.post(f"mailFolders/{folder}/childFolders", {"displayName": "Deep", "isHidden": False})["id"]
    made = graph.post(
        f"mailFolders/{child}/messages",
        {
            "subject": "Grüße",
            "body": {"contentType": "html", "content": "<p>Ciao</p>"},
            "toRecipients": [{"emailAddress": {"name": "Bob", "address": "bob@customer.example"}}],
            "internetMessageHeaders": [{"name": "x-kept", "value": "yes"}],
            "singleValueExtendedProperties": [{"id": "Integer 0x0E07", "value": "5"}],
            "attachments": [
                {
                    "@odata.type": "#microsoft.graph.fileAttachment",
                    "name": "a.txt",
                    "contentBytes": b64encode(b"hello").decode(),
                }
            ],
        },
    )
    path = f"messages/{made['id']}"
    inner = {"subject": "inner", "body": {"contentType": "text", "content": "x"}}
    item = {
        "@odata.type": "#microsoft.graph.itemAttachment",
        "name": "inner",
        "item": {"@odata.type": "#microsoft.graph.message", **inner},
    }
    graph.post(f"{path}/attachments", item)
    graph.patch(
        path, {"isRead": False, "flag": {"flagStatus": "flagged"}, "categories": ["Red"], "importance": "high"}
    )
    graph.post(f"{path}/copy", {"destinationId": "inbox"})
    graph.post(f"{path}/move", {"destinationId": folder})
    mime = b64encode(b"From: a@b.example\r\nSubject: MIME\r\n\r\nText\r\n")
    answer = graph.call("POST", "messages", content=mime, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 201
    session = {"AttachmentItem": {"attachmentType": "file", "name": "film.mp4", "size": 4_000_000}}
    graph.post(f"messages/{answer.json()['id']}/attachments/createUploadSession", session)
    graph.patch(f"mailFolders/{child}", {"displayName": "Deeper"})
    graph.post(f"mailFolders/{child}/move", {"destinationId": "archive"})
    graph.post(f"mailFolders/{folder}/copy", {"destinationId": "archive"})
    graph.delete(f"mailFolders/{folder}")
    graph.delete(path)
    parts = [
        {"id": "1", "method": "GET", "url": f"{graph.base}mailFolders/inbox"},
        {"id": "2", "method": "GET", "url": f"{graph.base}messages?$top=3"},
    ]
    answers = graph.post("/$batch", {"requests": parts})["responses"]
    assert [answer["status"] for answer in answers] == [200, 200]


def test_errors_conform(graph: Graph) -> None:
    assert graph.code("GET", "mailFolders/drafts/messages/nonsense")[0] == 400
    assert graph.code("GET", "/users/tom.okafor@pizza-perfecto.example/messages") == (
        404,
        "MailboxNotEnabledForRESTAPI",
    )
    assert graph.code("POST", "mailFolders", json={"displayName": "Inbox"}) == (409, "ErrorFolderExists")
    graph.cloud.expire_tokens()
    assert graph.code("GET", "mailFolders") == (401, "InvalidAuthenticationToken")
