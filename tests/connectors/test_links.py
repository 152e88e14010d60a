"""Links in answers are followed below Graph only: the token never leaves its host."""

import httpx
import pytest

from apps.connectors.microsoft.endpoints import Endpoints, segment
from apps.connectors.microsoft.paging import pages
from apps.core.errors import Malformed

from .scripted import GRAPH, LOGIN, ScriptedGraph, json_answer

ENDPOINTS = Endpoints(LOGIN, GRAPH)


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.test/v1.0/users",
        "https://graph.test.evil.test/v1.0/users",
        "https://graph.test@evil.test/v1.0/users",
        "http://graph.test/v1.0/users",
        "https://graph.test/beta/users",
        "https://graph.test/v1.0/users//messages",
        "/v1.0/users",
        7,
    ],
)
def test_a_link_to_elsewhere_or_a_broken_one_is_refused(link: object) -> None:
    with pytest.raises(Malformed):
        ENDPOINTS.path_of(link)


def test_a_link_is_followed_as_it_was_given() -> None:
    link = f"{GRAPH}/v1.0/users('a')/messages/delta?$skiptoken=a%2Bb%3D%3D&x=//y"
    assert ENDPOINTS.url(ENDPOINTS.path_of(link)) == link


def test_a_path_cannot_name_a_host() -> None:
    with pytest.raises(ValueError, match="not a path"):
        ENDPOINTS.url("//evil.test/users")


def test_an_id_is_one_segment_whatever_it_holds() -> None:
    assert segment("AAk/+=?#&") == "AAk%2F%2B%3D%3F%23%26"


async def test_the_token_is_never_sent_to_another_host() -> None:
    cloud = ScriptedGraph(
        json_answer({"value": [{"id": 1}], "@odata.nextLink": "https://evil.test/v1.0/users"})
    )
    graph = cloud.open()
    with pytest.raises(Malformed):
        [page async for page in pages(graph, "/users", pool=graph.pool())]
    assert {request.url.host for request in cloud.requests} == {"graph.test"}


async def test_a_redirect_is_not_followed() -> None:
    cloud = ScriptedGraph(httpx.Response(302, headers={"Location": "https://evil.test/"}))
    graph = cloud.open()
    with pytest.raises(Malformed):
        await graph.get("/users", pool=graph.pool())
    assert {request.url.host for request in cloud.requests} == {"graph.test"}


async def test_a_broken_next_link_is_asked_for_once_more() -> None:
    broken = json_answer({"value": [{"id": 1}], "@odata.nextLink": f"{GRAPH}/v1.0/users//"})
    cloud = ScriptedGraph(broken, json_answer({"value": [{"id": 1}]}))
    graph = cloud.open()
    assert [page async for page in pages(graph, "/users", pool=graph.pool())] == [[{"id": 1}]]


async def test_empty_pages_in_the_middle_do_not_end_a_list() -> None:
    empty = json_answer({"value": [], "@odata.nextLink": f"{GRAPH}/v1.0/users?$skiptoken=2"})
    cloud = ScriptedGraph(empty, json_answer({"value": [{"id": 1}]}))
    graph = cloud.open()
    assert [page async for page in pages(graph, "/users", pool=graph.pool())] == [[], [{"id": 1}]]
