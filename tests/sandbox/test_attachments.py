"""Attachments: read from MIME, added, removed, uploaded in pieces."""

from base64 import b64decode, b64encode

import httpx

from apps.sandbox.testing import SandboxCloud
from tests.sandbox.client import Graph

FILE = "#microsoft.graph.fileAttachment"


def with_attachments(graph: Graph) -> list[dict[str, object]]:
    return [m for m in graph.all("messages?$top=100") if m["hasAttachments"]]


def test_files_of_a_mime_message_are_listed_and_downloaded(graph: Graph) -> None:
    message = with_attachments(graph)[0]
    found = graph.get(f"messages/{message['id']}/attachments")["value"]
    files = [one for one in found if one["@odata.type"] == FILE]
    for one in files:
        path = f"messages/{message['id']}/attachments/{one['id']}"
        content = graph.call("GET", f"{path}/$value").content
        assert b64decode(one["contentBytes"]) == content and len(content) > 0
        assert graph.get(path)["name"] == one["name"]
    assert found


def test_inline_pictures_do_not_count_as_attachments(graph: Graph) -> None:
    html = [m for m in graph.all("messages?$top=100") if "cid:" in m["body"]["content"]]
    found = graph.get(f"messages/{html[0]['id']}/attachments")["value"]
    assert [one["isInline"] for one in found] == [True] and html[0]["hasAttachments"] is False
    assert found[0]["contentId"] == "logo@pizza-perfecto"


def test_a_mail_in_a_mail_can_be_expanded(graph: Graph) -> None:
    for message in with_attachments(graph):
        path = f"messages/{message['id']}/attachments?$expand=microsoft.graph.itemattachment/item"
        items = [one for one in graph.get(path)["value"] if "item" in one]
        if items:
            assert items[0]["item"]["subject"] == "Original order" and items[0]["contentType"] is None
            raw = graph.call("GET", f"messages/{message['id']}/attachments/{items[0]['id']}/$value").content
            assert b"Subject: Original order" in raw
            return
    raise AssertionError("the seed has a forwarded mail")


def test_added_attachments_are_in_the_composed_mime(graph: Graph) -> None:
    draft = graph.post("messages", {"subject": "s", "body": {"contentType": "html", "content": "<p>x</p>"}})
    path = f"messages/{draft['id']}"
    content = b64encode(b"\x00\x01binary").decode()
    graph.post(f"{path}/attachments", {"@odata.type": FILE, "name": "a.bin", "contentBytes": content})
    inline = {
        "@odata.type": FILE,
        "name": "i.png",
        "isInline": True,
        "contentId": "c1",
        "contentBytes": content,
    }
    second = graph.post(f"{path}/attachments", inline)["id"]
    raw = graph.call("GET", f"{path}/$value").content
    assert raw.count(content.encode()) == 2 and b"Content-ID: <c1>" in raw
    assert graph.get(path)["hasAttachments"] is True
    graph.delete(f"{path}/attachments/{second}")
    assert graph.call("GET", f"{path}/$value").content.count(content.encode()) == 1


def test_an_attachment_added_to_a_loaded_mail_keeps_the_old_ones(graph: Graph) -> None:
    message = with_attachments(graph)[0]
    path = f"messages/{message['id']}"
    before = graph.get(f"{path}/attachments")["value"]
    link = {"@odata.type": "#microsoft.graph.referenceAttachment", "name": "link"}
    added = graph.post(f"{path}/attachments", link)
    after = graph.get(f"{path}/attachments")["value"]
    assert [one["name"] for one in after] == [one["name"] for one in before] + ["link"]
    assert graph.call("GET", f"{path}/attachments/{added['id']}/$value").status_code == 405
    assert graph.get(path)["body"]["content"].strip() == message["body"]["content"].strip()  # type: ignore[index]


def test_large_attachments_are_uploaded_in_ranges(sandbox_cloud: SandboxCloud) -> None:
    graph = Graph(sandbox_cloud)
    draft = graph.post("messages", {"subject": "big"})["id"]
    data = bytes(range(256)) * 20_000
    item = {"attachmentType": "file", "name": "film.mp4", "size": len(data), "contentType": "video/mp4"}
    session = graph.post(f"messages/{draft}/attachments/createUploadSession", {"AttachmentItem": item})
    assert session["nextExpectedRanges"] == ["0-"]
    url, step = session["uploadUrl"], 3 * 1024 * 1024

    def put(first: int, chunk: bytes, **headers: str) -> httpx.Response:
        given = {"Content-Range": f"bytes {first}-{first + len(chunk) - 1}/{len(data)}", **headers}
        return httpx.put(url, content=chunk, headers=given)

    assert put(0, data[:step], Authorization="Bearer x").status_code == 401
    first = put(0, data[:step])
    assert first.status_code == 200 and first.json()["nextExpectedRanges"] == [str(step)]
    assert put(0, data[:step]).status_code == 416
    last = put(step, data[step:])
    assert last.status_code == 201 and last.content == b"" and "Attachments('" in last.headers["location"]
    found = graph.get(f"messages/{draft}/attachments")["value"][0]
    assert b64decode(found["contentBytes"]) == data
    assert put(0, data[:step]).status_code == 404


def test_sizes_decide_how_an_attachment_may_come(sandbox_cloud: SandboxCloud) -> None:
    graph = Graph(sandbox_cloud)
    path = f"messages/{graph.post('messages', {'subject': 's'})['id']}/attachments"
    small = {"AttachmentItem": {"attachmentType": "file", "name": "s", "size": 1000}}
    code = "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"
    assert graph.code("POST", f"{path}/createUploadSession", json=small) == (400, code)
    big = {"@odata.type": FILE, "name": "b", "contentBytes": b64encode(b"x" * 3_200_000).decode()}
    assert graph.call("POST", path, json=big).status_code == 413
