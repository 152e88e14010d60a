"""`$batch`: parts are answered one by one."""

from base64 import b64decode, b64encode
from typing import Any

from apps.sandbox.testing import SandboxCloud
from tests.sandbox.client import IMMUTABLE, Graph


def parts(graph: Graph, *urls: str) -> dict[str, Any]:
    headers = {"Prefer": IMMUTABLE}
    return {
        "requests": [
            {"id": str(n), "method": "GET", "url": url, "headers": headers} for n, url in enumerate(urls)
        ]
    }


def test_mime_comes_as_base64_of_the_same_bytes(graph: Graph) -> None:
    ids = [message["id"] for message in graph.all("messages?$top=20")][:20]
    urls = [f"{graph.base}messages/{one}/$value" for one in ids]
    answers = graph.post("/$batch", parts(graph, *urls))["responses"]
    for number, answer in enumerate(answers):
        single = graph.call("GET", urls[number])
        assert answer["id"] == str(number) and answer["status"] == 200
        assert b64decode(answer["body"]) == single.content


def test_a_missing_item_fails_alone(graph: Graph) -> None:
    gone = graph.post("messages", {"subject": "gone"})["id"]
    graph.post(f"messages/{gone}/permanentDelete")
    answers = graph.post(
        "/$batch", parts(graph, f"{graph.base}messages/{gone}/$value", f"{graph.base}mailFolders/inbox")
    )["responses"]
    assert [answer["status"] for answer in answers] == [404, 200]
    assert answers[0]["body"]["error"]["code"] == "ErrorItemNotFound"


def test_parts_follow_their_dependencies(graph: Graph) -> None:
    json_type = {"Content-Type": "application/json"}
    mime = b64encode(b"From: a@b.example\r\nSubject: By batch\r\n\r\nText\r\n").decode()
    folder = {
        "method": "POST",
        "url": f"{graph.base}mailFolders",
        "headers": json_type,
        "body": {"displayName": "B"},
    }
    text = {"Content-Type": "text/plain"}
    requests = [
        {"id": "a", **folder},
        {"id": "b", **folder, "dependsOn": ["a"]},
        {"id": "c", "method": "GET", "url": f"{graph.base}mailFolders/inbox", "dependsOn": ["b"]},
        {"id": "d", "method": "POST", "url": f"{graph.base}messages", "headers": text, "body": mime},
    ]
    answers = graph.post("/$batch", {"requests": requests})["responses"]
    assert [answer["status"] for answer in answers] == [201, 409, 424, 201]
    assert answers[3]["body"]["subject"] == "By batch" and answers[3]["body"]["isDraft"] is True


def test_a_wrong_batch_is_refused_as_a_whole(sandbox_cloud: SandboxCloud) -> None:
    graph = Graph(sandbox_cloud)
    url = f"{graph.base}mailFolders/inbox"
    assert graph.code("POST", "/$batch", json=parts(graph, *[url] * 21))[0] == 400
    same = {"requests": [{"id": "A", "method": "GET", "url": url}, {"id": "a", "method": "GET", "url": url}]}
    assert graph.code("POST", "/$batch", json=same)[0] == 400
    assert graph.code("POST", "/$batch", content=b"{")[0] == 400


def test_parts_are_throttled_singly(graph: Graph) -> None:
    graph.cloud.throttle(requests=2, retry_after=7)
    url = f"{graph.base}mailFolders/inbox"
    answers = graph.post("/$batch", parts(graph, url, url, url))["responses"]
    assert [answer["status"] for answer in answers] == [200, 200, 429]
    assert int(answers[2]["headers"]["Retry-After"]) >= 7
