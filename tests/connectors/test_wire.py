"""The wire against a real server on the loopback: what it sends, and what it makes of answers."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from apps.connectors.microsoft import wire
from apps.connectors.microsoft.wire import BROKEN, HttpWire, post_form
from apps.core.errors import TooLarge


async def _echo(request: web.Request) -> web.Response:
    said = {"path": request.raw_path, "headers": dict(request.headers), "body": await request.text()}
    return web.json_response(said)


async def _elsewhere(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/echo", "Set-Cookie": "a=b"})


async def _zeros(request: web.Request) -> web.Response:
    """A hundred kilobytes that unpack to a hundred megabytes."""
    body = gzip.compress(bytes(100_000_000), 9)
    return web.Response(body=body, headers={"Content-Encoding": "gzip"})


async def _endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(1_000):
        await answer.write(bytes(1_000))
    return answer


async def _slow(request: web.Request) -> web.StreamResponse:
    """A byte every tenth of a second, for over three seconds; with `?stall`, nothing more after the first."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(35):
        await answer.write(b"x")
        await asyncio.sleep(0.1 if "stall" not in request.query else 30)
    return answer


async def _cut(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": "1000"})
    await answer.prepare(request)
    await answer.write(b"only this")
    assert request.transport is not None
    request.transport.abort()
    return answer


@pytest.fixture
async def server() -> AsyncIterator[str]:
    app = web.Application()
    for name, handler in {
        "echo": _echo, "elsewhere": _elsewhere, "zeros": _zeros, "endless": _endless, "cut": _cut,
        "slow": _slow,
    }.items():  # fmt: skip
        app.router.add_route("*", f"/{name}{{rest:.*}}", handler)
    async with TestServer(app) as running:
        yield str(running.make_url("")).rstrip("/")


async def test_it_says_who_we_are_and_leaves_the_address_as_it_is(server: str) -> None:
    async with HttpWire() as line:
        address = f"{server}/echo/AAMk%2Fx%3D%3D/$value?$top=1"
        said = (await line.exchange("GET", address, {"Prefer": "x"}, None)).json()
    assert said["path"] == "/echo/AAMk%2Fx%3D%3D/$value?$top=1"
    assert said["headers"]["User-Agent"].startswith("NONISV|Everkeep|")
    assert said["headers"]["Prefer"] == "x"


async def test_it_waits_long_enough_but_not_for_ever() -> None:
    assert (wire.CONNECT_SECONDS, wire.READ_SECONDS) == (20.0, 120.0)
    async with HttpWire() as line:
        timeout = line._open().timeout
    assert (timeout.total, timeout.sock_connect) == (None, 20.0)


async def test_an_answer_that_stalls_is_a_broken_connection_but_a_slow_one_is_waited_for(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "RENEWED_SECONDS", 0.0)
    async with HttpWire() as line:
        monkeypatch.setattr(wire, "READ_SECONDS", 3.0)  # a busy machine may stand still for more than one
        assert (await line.exchange("GET", f"{server}/slow", {}, None)).body == b"x" * 35
        monkeypatch.setattr(wire, "READ_SECONDS", 0.5)
        with pytest.raises(BROKEN):
            await line.exchange("GET", f"{server}/slow?stall", {}, None)


async def test_a_redirect_is_not_followed_and_a_cookie_is_not_kept(server: str) -> None:
    async with HttpWire() as line:
        assert (await line.exchange("GET", f"{server}/elsewhere", {}, None)).status == 302
        said = (await line.exchange("GET", f"{server}/echo", {}, None)).json()
    assert "Cookie" not in said["headers"]


async def test_a_form_goes_out_as_pages_send_it(server: str) -> None:
    async with HttpWire() as line:
        said = (await post_form(line, f"{server}/echo", {"client_secret": "a b&c=ü"})).json()
    assert said["body"] == "client_secret=a+b%26c%3D%C3%BC"
    assert said["headers"]["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("path", ["zeros", "endless"])
async def test_an_answer_above_the_limit_is_given_up_while_it_comes(server: str, path: str) -> None:
    async with HttpWire() as line:
        with pytest.raises(TooLarge):
            await line.exchange("GET", f"{server}/{path}", {}, None, limit=10_000)


async def test_an_answer_that_is_cut_short_is_never_taken_for_whole(server: str) -> None:
    async with HttpWire() as line:
        with pytest.raises(BROKEN):
            await line.exchange("GET", f"{server}/cut", {}, None)


async def test_nobody_there_is_a_broken_connection() -> None:
    async with HttpWire() as line:
        with pytest.raises(BROKEN):
            await line.exchange("GET", "http://127.0.0.1:1/", {}, None)
