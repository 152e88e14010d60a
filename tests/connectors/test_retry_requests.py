"""Requests to Graph survive what Graph does (docs/connectors.md, transport and throttling)."""

import httpx
import pytest

from apps.connectors.base import CallCounter
from apps.connectors.microsoft.client import GraphClient
from apps.core.errors import ConsentLost, Forbidden, Gone, Malformed, Throttled, Unavailable

from .scripted import SECRET, ScriptedGraph, error_answer, json_answer

GOOD = json_answer({"value": "good"})


async def get(graph: GraphClient) -> dict[str, object]:
    return await graph.get_json("/users/u", pool=graph.pool("u"))


@pytest.mark.parametrize(
    "broken",
    [
        httpx.ReadError("connection reset by peer"),
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
        httpx.ConnectTimeout("timed out"),
        ConnectionResetError("connection reset by peer"),
    ],
)
async def test_a_broken_connection_is_tried_again(broken: Exception) -> None:
    cloud = ScriptedGraph(broken, broken, GOOD)
    assert await get(cloud.open()) == {"value": "good"}
    assert cloud.slept == [2.0, 4.0]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_fault_is_tried_again_with_growing_waits(status: int) -> None:
    cloud = ScriptedGraph(httpx.Response(status), httpx.Response(status), httpx.Response(status), GOOD)
    assert await get(cloud.open()) == {"value": "good"}
    assert cloud.slept == [2.0, 4.0, 8.0]


async def test_after_six_tries_the_fault_is_named_and_carries_microsofts_reference() -> None:
    cloud = ScriptedGraph(error_answer(503, "ServiceUnavailable"))
    with pytest.raises(Unavailable) as caught:
        await get(cloud.open())
    assert (caught.value.provider_code, caught.value.request_id) == ("ServiceUnavailable", "ref-1")
    assert len(cloud.requests) == 6


async def test_an_empty_503_is_a_timeout_of_the_server_and_tried_again() -> None:
    cloud = ScriptedGraph(httpx.Response(503, content=b""), GOOD)
    assert await get(cloud.open()) == {"value": "good"}


async def test_a_post_is_sent_again_with_the_same_body() -> None:
    cloud = ScriptedGraph(httpx.Response(429, headers={"Retry-After": "1"}), json_answer({"id": "x"}, 201))
    graph = cloud.open()
    await graph.write_json("POST", "/users/u/messages", {"subject": "once"}, pool=graph.pool("u"))
    assert [request.content for request in cloud.requests] == [b'{"subject":"once"}'] * 2


async def test_a_post_whose_answer_was_lost_is_not_sent_twice() -> None:
    cloud = ScriptedGraph(httpx.ReadError("reset"), json_answer({"id": "x"}, 201))
    graph = cloud.open()
    with pytest.raises(Unavailable):
        await graph.write_json("POST", "/users/u/messages", {"subject": "once"}, pool=graph.pool("u"))
    assert len(cloud.requests) == 1


async def test_an_io_error_body_is_a_transport_fault_whatever_its_status() -> None:
    body = b'{"error":{"code":"BadRequest","message":"IO error during request payload read"}}'
    cloud = ScriptedGraph(httpx.Response(400, content=body), GOOD)
    assert await get(cloud.open()) == {"value": "good"}


async def test_a_passing_invalid_request_is_tried_again_for_reads_only() -> None:
    cloud = ScriptedGraph(error_answer(400, "invalidRequest"), GOOD)
    assert await get(cloud.open()) == {"value": "good"}
    cloud = ScriptedGraph(error_answer(400, "invalidRequest"), GOOD)
    graph = cloud.open()
    with pytest.raises(Exception, match="invalidRequest"):
        await graph.write_json("POST", "/users/u/messages", {}, pool=graph.pool("u"))


async def test_a_404_without_a_body_is_tried_again() -> None:
    cloud = ScriptedGraph(httpx.Response(404), GOOD)
    assert await get(cloud.open()) == {"value": "good"}


async def test_a_404_that_says_why_is_final() -> None:
    cloud = ScriptedGraph(error_answer(404, "ErrorItemNotFound"))
    with pytest.raises(Gone):
        await get(cloud.open())
    assert len(cloud.requests) == 1


async def test_a_token_that_dies_in_the_middle_is_renewed_and_the_request_repeated() -> None:
    dead = error_answer(401, "InvalidAuthenticationToken")
    cloud = ScriptedGraph(dead, dead, dead, GOOD)
    assert await get(cloud.open()) == {"value": "good"}
    used = [request.headers["authorization"] for request in cloud.requests]
    assert used == ["Bearer token-1", "Bearer token-2", "Bearer token-3", "Bearer token-4"]


async def test_tokens_that_are_refused_again_and_again_mean_that_consent_is_lost() -> None:
    cloud = ScriptedGraph(error_answer(401, "InvalidAuthenticationToken"))
    with pytest.raises(ConsentLost):
        await get(cloud.open())
    assert len(cloud.requests) == 6


async def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    cloud = ScriptedGraph(httpx.Response(200, content=b'{"value": [{"id": "a"'), GOOD)
    assert await get(cloud.open()) == {"value": "good"}


async def test_an_answer_that_never_is_whole_is_malformed() -> None:
    cloud = ScriptedGraph(httpx.Response(200, content=b'{"value": ['))
    with pytest.raises(Malformed):
        await get(cloud.open(tries=2))


async def test_control_characters_inside_json_are_kept() -> None:
    cloud = ScriptedGraph(httpx.Response(200, content=b'{"value": "bell\x07 tab\t \\ud800"}'))
    assert await get(cloud.open()) == {"value": "bell\x07 tab\t \ufffd"}


async def test_an_html_error_page_is_judged_by_its_status() -> None:
    cloud = ScriptedGraph(httpx.Response(502, content=b"<html><h1>Bad gateway</h1></html>"), GOOD)
    assert await get(cloud.open()) == {"value": "good"}


@pytest.mark.parametrize(
    ("header", "wait"),
    [("7", 7.0), ("2.128", 2.128), ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0), (None, 2.0)],
)
async def test_patience_is_kept_as_asked_in_every_form_of_retry_after(header: str | None, wait: float) -> None:
    headers = {"Retry-After": header} if header else {}
    cloud = ScriptedGraph(httpx.Response(429, headers=headers), GOOD)
    counter = CallCounter()
    assert await get(cloud.open(counter=counter)) == {"value": "good"}
    assert sum(cloud.slept) == pytest.approx(wait)
    assert (counter.throttled, counter.waited_seconds) == (1, pytest.approx(wait))


async def test_one_429_holds_back_every_request_of_the_tenant_but_waits_do_not_add_up() -> None:
    cloud = ScriptedGraph(httpx.Response(429, headers={"Retry-After": "10"}), GOOD)
    graph = cloud.open()
    await get(graph)
    cloud.governor.fence(graph.pool("u"), 10)
    cloud.governor.fence(graph.pool("u"), 6)
    await graph.get_json("/users/other", pool=graph.pool("other"))
    assert cloud.slept == [10.0, 10.0]


async def test_throttling_beyond_all_patience_says_so() -> None:
    cloud = ScriptedGraph(httpx.Response(429, headers={"Retry-After": "100"}))
    with pytest.raises(Throttled):
        await get(cloud.open(throttled_for=250))
    assert len(cloud.requests) == 3


async def test_a_missing_permission_is_final_and_names_the_code() -> None:
    cloud = ScriptedGraph(error_answer(403, "Authorization_RequestDenied"))
    with pytest.raises(Forbidden, match="Authorization_RequestDenied"):
        await get(cloud.open())


async def test_the_deepest_known_code_of_an_error_decides() -> None:
    inner = {"code": "ErrorItemNotFound", "innererror": {"code": "of no meaning to us"}}
    cloud = ScriptedGraph(error_answer(404, "UnknownError", inner=inner))
    with pytest.raises(Gone) as caught:
        await get(cloud.open())
    assert caught.value.provider_code == "ErrorItemNotFound"


async def test_every_request_carries_what_microsoft_wants_to_see() -> None:
    cloud = ScriptedGraph(GOOD)
    await get(cloud.open())
    sent = cloud.requests[0].headers
    assert sent["prefer"] == 'IdType="ImmutableId"'
    assert len(sent["client-request-id"]) == 36


async def test_no_secret_and_no_token_is_in_an_error_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    echo = {"error": "invalid_client", "error_description": f"AADSTS7000215: Invalid client secret {SECRET}"}
    cloud = ScriptedGraph(error_answer(403, "accessDenied"))
    graph = cloud.open()
    with pytest.raises(Forbidden) as refused:
        await get(graph)
    cloud.login_answers = [json_answer(echo, 401)]
    graph.forget_token()
    with pytest.raises(ConsentLost) as lost:
        await get(graph)
    said = "".join((caplog.text, str(refused.value), str(lost.value), repr(graph.identity), repr(lost.value)))
    assert SECRET not in said
    assert "token-1" not in said
    assert "The client secret is wrong." in said
