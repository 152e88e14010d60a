"""`/_control/`: clock, faults, webhooks and what was asked: how tests and demonstrations steer the stand-in."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .api import Api, Fault
from .book import shown
from .intents import Desk
from .webhooks import Courier, Switches


def routes(desk: Desk, api: Api, courier: Courier) -> list[Route]:
    """Each is a POST with JSON, or a GET that shows something."""

    def reset(wanted: dict[str, Any]) -> Any:
        desk.book.clear()
        api.counter.requests.clear()
        api.counter.faults.clear()
        courier.held.clear()
        courier.deliveries.clear()
        courier.switches = Switches()
        return {"ok": True}

    def clock(wanted: dict[str, Any]) -> Any:
        desk.book.offset += float(wanted.get("advance_seconds", 0))
        if "now" in wanted:
            desk.book.offset += float(wanted["now"]) - desk.book.now()
        return {"now": desk.book.now()}

    def fault(wanted: dict[str, Any]) -> Any:
        """kind (401, 409, 429, 500, lost, refused), method, path (regular expression), skip, count."""
        api.counter.faults.append(Fault(**{**wanted, "kind": str(wanted["kind"])}))
        return {"faults": len(api.counter.faults)}

    def webhooks(wanted: dict[str, Any]) -> Any:
        """url, secret, mode (normal, twice, hold, drop), pauses between tries in seconds."""
        if "pauses" in wanted:
            wanted["pauses"] = tuple(wanted["pauses"])
        courier.switches = Switches(**{**vars(courier.switches), **wanted})
        return {"ok": True}

    def take_held(wanted: dict[str, Any]) -> Any:
        """Hand out what was held, signed now; `keep` leaves it there."""
        found = [courier.signed(event) for event in courier.held]
        if not wanted.get("keep"):
            courier.held.clear()
        return found

    def sign(wanted: dict[str, Any]) -> Any:
        return courier.signed(shown(desk.book.get(str(wanted["event"]), "evt")))

    def change(wanted: dict[str, Any]) -> Any:
        """Put fields of an object as a test wants them: an expiry in the past, a customer of somebody else."""
        desk.book.objects[str(wanted["id"])].update(wanted["fields"])
        return shown(desk.book.objects[str(wanted["id"])])

    async def deliver(request: Request) -> Response:
        """Send what was held: `order` made or reversed, `times` each. Answers with the statuses."""
        wanted = await _json(request)
        held, courier.held = courier.held, []
        if wanted.get("order") == "reversed":
            held.reverse()
        for event in held:
            for _ in range(int(wanted.get("times", 1))):
                await courier.once(event)
        return JSONResponse(courier.deliveries[-len(held) * int(wanted.get("times", 1)) :] if held else [])

    async def look(request: Request) -> Response:
        what = request.path_params["what"]
        shows: dict[str, Callable[[], Any]] = {
            "health": lambda: {"ok": True},
            "requests": lambda: api.counter.requests,
            "deliveries": lambda: courier.deliveries,
            "objects": lambda: [shown(each) for each in desk.book.objects.values()],
        }
        if what not in shows:
            return JSONResponse({"error": f"nothing called {what}"}, 404)
        return JSONResponse(shows[what]())

    acts: dict[str, Callable[[dict[str, Any]], Any]] = {
        "reset": reset,
        "clock": clock,
        "faults": fault,
        "webhooks": webhooks,
        "held": take_held,
        "sign": sign,
        "change": change,
    }
    found = [Route(f"/_control/{name}", _post(act, desk), methods=["POST"]) for name, act in acts.items()]
    return [
        *found,
        Route("/_control/deliver", deliver, methods=["POST"]),
        Route("/_control/{what}", look, methods=["GET"]),
    ]


async def _json(request: Request) -> dict[str, Any]:
    return dict(await request.json()) if await request.body() else {}


def _post(act: Callable[[dict[str, Any]], Any], desk: Desk) -> Callable[[Request], Any]:
    async def handle(request: Request) -> Response:
        try:
            answer = act(await _json(request))
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)
        desk.book.keep()
        return JSONResponse(answer)

    return handle
