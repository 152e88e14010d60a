"""Scripted faults hit what they name, do what they say, and report that they were reached."""

from base64 import b64decode
from typing import Any

import httpx
import pytest

from apps.sandbox.testing import SandboxCloud
from tests.sandbox.client import Graph

LIST = "mailFolders/inbox/messages"


@pytest.fixture
def erring(sandbox_cloud: SandboxCloud) -> Graph:
    """Not checked against the contract: spoilt answers break it on purpose."""
    sandbox_cloud.reset(users=2, messages=40)
    return Graph(sandbox_cloud)


def test_an_error_comes_at_the_nth_request_and_as_often_as_told(erring: Graph) -> None:
    fault = erring.cloud.add_fault(
        "error", path="/messages", nth=2, count=2, status=503, retry_after=1.5, style="decimal"
    )
    answers = [erring.call("GET", LIST) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 503, 503, 200]
    assert answers[1].headers["retry-after"] == "1.500"
    assert answers[1].json()["error"]["code"] == "ServiceUnavailable"
    assert erring.cloud.reached(fault) == 2


def test_a_fault_hits_only_its_method_path_and_mailbox(erring: Graph) -> None:
    bob = "bob.smith@pizza-perfecto.example"
    other = "agata.brown@pizza-perfecto.example"
    fault = erring.cloud.add_fault("gone", method="get", path=r"/mailFolders/inbox$", mailbox=other, count=None)
    assert erring.call("GET", "mailFolders/inbox").status_code == 200
    assert Graph(erring.cloud, mailbox=other).call("GET", "mailFolders/drafts").status_code == 200
    assert erring.cloud.reached(fault) == 0
    for _ in range(3):
        assert Graph(erring.cloud, mailbox=other).code("GET", "mailFolders/inbox") == (404, "ErrorItemNotFound")
    assert erring.cloud.reached(fault) == 3
    erring.cloud.clear_faults()
    assert Graph(erring.cloud, mailbox=other).call("GET", "mailFolders/inbox").status_code == 200
    assert erring.cloud.faults() == {} and bob


@pytest.mark.parametrize(
    ("kind", "options", "status", "code"),
    [
        ("corrupt", {}, 500, "ErrorCorruptData"),
        ("quota", {}, 403, "ErrorQuotaExceeded"),
        ("resync", {}, 410, "SyncStateNotFound"),
        ("resync", {"code": "resyncRequired", "status": 410}, 410, "resyncRequired"),
        ("malware", {}, 403, "malwareDetected"),
        ("token_expired", {}, 401, "InvalidAuthenticationToken"),
        ("consent_revoked", {}, 401, "InvalidAuthenticationToken"),
        ("error", {"status": 429, "retry_after": 3}, 429, "TooManyRequests"),
        ("error", {"status": 400, "code": "invalidRequest", "message": "m"}, 400, "invalidRequest"),
    ],
)
def test_each_kind_has_its_answer(
    erring: Graph, kind: str, options: dict[str, Any], status: int, code: str
) -> None:
    fault = erring.cloud.add_fault(kind, path="/messages", **options)
    answer = erring.call("GET", LIST)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["innerError"]["request-id"] == answer.headers["request-id"]
    assert (answer.headers.get("x-virus-infected") == "true") is (kind == "malware")
    assert erring.cloud.reached(fault) == 1


def test_bodies_can_be_empty_or_html(erring: Graph) -> None:
    erring.cloud.add_fault("empty_404", path="/messages")
    answer = erring.call("GET", LIST)
    assert (answer.status_code, answer.content) == (404, b"")
    erring.cloud.add_fault("html_error", path="/messages", status=502)
    answer = erring.call("GET", LIST)
    assert answer.status_code == 502 and answer.text.startswith("<!DOCTYPE html>")
    erring.cloud.add_fault("error", path="/messages", status=503, body="empty")
    assert erring.call("GET", LIST).content == b""


@pytest.mark.parametrize("when", ["before", "mid"])
def test_connections_are_reset(erring: Graph, when: str) -> None:
    fault = erring.cloud.add_fault("reset", path="/messages", when=when)
    with pytest.raises(httpx.TransportError):
        erring.call("GET", LIST)
    assert erring.call("GET", LIST).status_code == 200
    assert erring.cloud.reached(fault) == 1


def test_json_can_be_cut_short_or_carry_control_characters(erring: Graph) -> None:
    erring.cloud.add_fault("truncate", path="/messages")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|delimiter"):
        erring.call("GET", LIST).json()
    erring.cloud.add_fault("control_characters", path="/messages")
    answer = erring.call("GET", LIST)
    with pytest.raises(ValueError, match="control character"):
        answer.json()
    assert b"\x0b" in answer.content


def test_a_slow_body_arrives_whole(erring: Graph) -> None:
    fault = erring.cloud.add_fault("slow", path="/messages", pieces=3, pause=0.01)
    assert erring.get(LIST)["value"] and erring.cloud.reached(fault) == 1


def test_a_next_link_can_be_broken(erring: Graph) -> None:
    erring.cloud.add_fault("broken_next_link", path="/messages")
    link = erring.get("messages?$top=2")["@odata.nextLink"]
    assert "users//messages" in link
    assert erring.get("messages?$top=2")["@odata.nextLink"] != link


def test_parts_of_a_batch_are_hit_one_by_one(erring: Graph) -> None:
    messages = [one["id"] for one in erring.get("messages?$top=3")["value"]]
    fault = erring.cloud.add_fault("malware", path=r"\$value", nth=2)
    parts = [
        {"id": str(n), "method": "GET", "url": f"{erring.base}messages/{one}/$value"}
        for n, one in enumerate(messages)
    ]
    answers = erring.post("/$batch", {"requests": parts})["responses"]
    assert [answer["status"] for answer in answers] == [200, 403, 200]
    assert answers[1]["headers"]["X-Virus-Infected"] == "true" and b64decode(answers[2]["body"])
    assert erring.cloud.reached(fault) == 1


def test_an_unknown_fault_is_refused(sandbox_cloud: SandboxCloud) -> None:
    with pytest.raises(ValueError, match="unknown kind of fault"):
        sandbox_cloud.add_fault("gremlin")
    with pytest.raises(ValueError, match="no_such_switch"):
        sandbox_cloud.switch(no_such_switch=True)


def test_uploads_can_fail_too(erring: Graph) -> None:
    draft = erring.post("messages", {"subject": "big"})["id"]
    item = {"attachmentType": "file", "name": "f", "size": 4_000_000}
    url = erring.post(f"messages/{draft}/attachments/createUploadSession", {"AttachmentItem": item})[
        "uploadUrl"
    ]
    erring.cloud.add_fault("error", path="/_upload/", status=500)
    assert httpx.put(url, content=b"x", headers={"Content-Range": "bytes 0-0/4000000"}).status_code == 500
    assert httpx.put(url, content=b"x", headers={"Content-Range": "bytes 0-0/4000000"}).status_code == 200
