"""Whatever a client sends, the sandbox answers as Graph would: never with a crash."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.sandbox.cloud import Cloud
from apps.sandbox.graph.request import Request
from apps.sandbox.graph.service import GraphService
from apps.sandbox.graph.shape import MESSAGE_MEMBERS
from apps.sandbox.mail.parse import header_list, parse_mime
from apps.sandbox.people import seed
from tests.sandbox.client import Graph

MAILBOX = "/users/olivia.romano@pizza-perfecto.example"
Call = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def call() -> Call:
    """Handles a request in this process, where a crash is an exception."""
    cloud = Cloud.open(None)
    seed.seed(cloud, users=2, messages=30, number=1)
    service = GraphService(cloud)
    token = cloud.tokens.issue("test", 3600, roles=["Mail.ReadWrite", "User.Read.All"])

    def run(method: str, path: str, query: str = "", body: Any = None) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        raw = b"" if body is None else orjson.dumps(body)
        request = Request(cloud, method, path, query, headers, raw, "http://sandbox")
        answer = service.handle(request, service.steps_of(request), "id")
        answer.body()
        return answer.status, answer.payload

    return run


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.text(max_size=20)
    | st.sampled_from(
        [
            "html",
            "2024-01-31T10:00:00Z",
            "Integer 0x0E07",
            "SystemTime 0x0E06",
            "a@b.example",
            "flagged",
            "inbox",
        ]
    )
)
keys = st.sampled_from(
    [
        *MESSAGE_MEMBERS,
        "emailAddress",
        "address",
        "name",
        "content",
        "contentType",
        "value",
        "flagStatus",
        "dateTime",
    ]
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=8
)
bodies = st.dictionaries(keys | st.text(max_size=8), anything, max_size=5)


@given(body=bodies)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_json_makes_a_message_or_is_refused(call: Call, body: dict[str, Any]) -> None:
    status, answer = call("POST", f"{MAILBOX}/messages", body=body)
    assert status in (201, 400, 413)
    if status == 201:
        path = f"{MAILBOX}/messages/{answer['id']}"
        assert call("GET", f"{path}/$value")[0] == 200
        assert call("PATCH", path, body=body)[0] in (200, 400)


@given(body=bodies | st.fixed_dictionaries({"displayName": scalars, "destinationId": scalars}))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_any_json_for_folders_and_attachments_is_made_or_refused(call: Call, body: dict[str, Any]) -> None:
    assert call("POST", f"{MAILBOX}/mailFolders", body=body)[0] in (201, 400, 409)
    assert call("POST", f"{MAILBOX}/mailFolders/inbox/copy", body=body)[0] in (201, 400, 404, 409)
    draft = call("POST", f"{MAILBOX}/messages", body={})[1]["id"]
    for kind in ("file", "item", "reference", "odd"):
        given_ = body | {"@odata.type": f"#microsoft.graph.{kind}Attachment"}
        assert call("POST", f"{MAILBOX}/messages/{draft}/attachments", body=given_)[0] in (201, 400, 413)
    status = call(
        "POST", f"{MAILBOX}/messages/{draft}/attachments/createUploadSession", body={"AttachmentItem": body}
    )[0]
    assert status in (201, 400)


words = st.sampled_from(
    [
        "subject",
        "eq",
        "'x'",
        "and",
        "not",
        "(",
        ")",
        "receivedDateTime",
        "ge",
        "2024-01-01T00:00:00Z",
        "isRead",
        "true",
        "any",
        "startswith",
        ",",
        "in",
        "null",
        "5",
        "categories/any(c:c",
        "userType",
        "ne",
        "from/emailAddress/address",
    ]
)


@given(
    clause=st.lists(words | st.text(max_size=5), max_size=8).map(" ".join),
    name=st.sampled_from(
        ["$filter", "$orderby", "$select", "$expand", "$top", "$skip", "$search", "$skiptoken", "$deltatoken"]
    ),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_query_is_answered_or_refused(call: Call, clause: str, name: str) -> None:
    query = urlencode({name: clause})
    for path in ("/messages", "/mailFolders", "/mailFolders/inbox/messages/delta"):
        assert call("GET", MAILBOX + path, query)[0] in (200, 400)
    assert call("GET", "/users", query)[0] in (200, 400)


@given(
    path=st.lists(
        st.sampled_from(
            [
                "users",
                "olivia.romano@pizza-perfecto.example",
                "mailFolders",
                "inbox",
                "messages",
                "delta",
                "$value",
                "childFolders",
                "attachments",
                "$batch",
                "x",
                "",
                "AAMk",
                "#",
                "{}",
            ]
        ),
        max_size=8,
    ).map("/".join),
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD"]),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_address_is_answered_or_refused(call: Call, path: str, method: str) -> None:
    assert call(method, f"/{path}", body={})[0] < 500


@given(
    raw=st.binary(max_size=400)
    | st.lists(
        st.sampled_from(
            [
                b"Subject: ",
                b"From: ",
                b"=?utf-8?b?",
                b"?=",
                b"\r\n",
                b"\n",
                b"Content-Type: multipart/mixed; boundary=x",
                b"--x",
                b"Content-Type: message/rfc822",
                b"Content-Type: text/html; charset=",
                b"utf-7",
                b"\xff",
                b"Date: ",
                b"Received: ;",
                b"Content-Transfer-Encoding: base64",
                b"quoted-printable",
                b"\x00",
                b"a@b, ",
                b"<",
                b">",
                b'"',
                b"filename*=",
                b"Content-Disposition: attachment; ",
                b"Message-ID: <1>",
                b"idna",
            ]
        ),
        max_size=25,
    ).map(b"".join)
)
@settings(max_examples=500, deadline=None, derandomize=True)
def test_any_bytes_can_be_read_as_mail(raw: bytes) -> None:
    letter = parse_mime(raw)
    facts = [letter.subject, letter.internet_id, letter.sender, letter.body, letter.props, header_list(raw)]
    assert orjson.loads(orjson.dumps(facts))[0] == letter.subject
    names = [[one.name, one.content_type, one.content_id] for one in letter.attachments]
    assert orjson.loads(orjson.dumps(names)) == names


def test_unknown_and_ill_typed_properties_are_named(graph: Graph) -> None:
    for body, words_ in (
        ({"colour": "red"}, "'colour' does not exist"),
        ({"subject": 5}, "'subject'"),
        ({"toRecipients": {}}, "'toRecipients'"),
        ({"importance": "urgent"}, "'importance'"),
    ):
        answer = Graph(graph.cloud).call("POST", "messages", json=body)
        assert answer.status_code == 400 and answer.json()["error"]["code"] == "RequestBodyRead"
        assert words_ in answer.json()["error"]["message"]
    graph.cloud.control("reset", {"users": 1})
