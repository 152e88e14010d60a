"""Limits per mailbox and the record of what was asked."""

import asyncio
from email.utils import parsedate_to_datetime

import httpx
import pytest

from apps.sandbox.testing import SandboxCloud
from tests.sandbox.client import Graph


def at_once(graph: Graph, path: str, count: int) -> list[httpx.Response]:
    """The answers of `count` requests that are all in flight together."""

    async def run() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=count)
        async with httpx.AsyncClient(limits=limits, headers=dict(graph.http.headers), timeout=30) as http:
            url = f"{graph.cloud.graph_url}/v1.0{graph.base}{path}"
            return list(await asyncio.gather(*(http.get(url) for _ in range(count))))

    return asyncio.run(run())


def test_more_than_four_at_once_are_refused(graph: Graph) -> None:
    graph.cloud.throttle(retry_after=2)
    graph.cloud.switch(latency_ms=2000)
    answers = at_once(graph, "mailFolders/inbox", 8)
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 4
    assert {answer.json()["error"]["code"] for answer in refused} == {"ApplicationThrottled"}
    assert refused[0].headers["retry-after"] == "2"
    assert graph.cloud.requests()["most_at_once"][graph.cloud.admin] == 8
    assert graph.cloud.control("throttle")["refused"] == {graph.cloud.admin: 4}


def test_without_limits_all_are_served(graph: Graph) -> None:
    graph.cloud.switch(latency_ms=100)
    assert {answer.status_code for answer in at_once(graph, "mailFolders/inbox", 8)} == {200}


def test_too_many_in_the_window_are_refused_per_mailbox(graph: Graph) -> None:
    graph.cloud.throttle(requests=3, window_seconds=600)
    assert [graph.call("GET", "mailFolders/inbox").status_code for _ in range(4)] == [200, 200, 200, 429]
    other = Graph(graph.cloud, mailbox="agata.brown@pizza-perfecto.example")
    assert other.call("GET", "mailFolders/inbox").status_code == 200
    assert graph.call("GET", "/users").status_code == 200


@pytest.mark.parametrize("style", ["integer", "decimal", "date", "none"])
def test_retry_after_comes_in_every_form(graph: Graph, style: str) -> None:
    graph.cloud.throttle(requests=0, window_seconds=5, style=style)
    value = graph.call("GET", "mailFolders/inbox").headers.get("retry-after")
    if style == "none":
        assert value is None
    elif style == "date":
        assert value is not None and parsedate_to_datetime(value).year > 2000
    else:
        assert value is not None and float(value) > 1 and ("." in value) is (style == "decimal")


def test_requests_are_counted_by_route_and_mailbox(sandbox_cloud: SandboxCloud) -> None:
    graph = Graph(sandbox_cloud)
    graph.cloud.reset_requests()
    message = graph.get("messages?$top=1")["value"][0]["id"]
    graph.call("GET", f"messages/{message}/$value")
    parts = [{"id": "1", "method": "GET", "url": f"{graph.base}messages/{message}/$value"}]
    graph.post("/$batch", {"requests": parts})
    report = graph.cloud.requests(last=10)
    assert report["routes"]["GET /users/{user}/messages/{message}/$value"] == 2
    assert report["routes"]["POST /$batch"] == 1 and report["mailboxes"] == {graph.cloud.admin: 3}
    assert [one["batch"] for one in report["requests"]] == [False, False, True, False]
    graph.cloud.reset_requests()
    assert graph.cloud.requests()["total"] == 0
