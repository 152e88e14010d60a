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


class Control:
    """Each act is a POST with JSON; what is looked at, a GET."""

    def __init__(self, desk: Desk, api: Api, courier: Courier) -> None:
        self.desk, self.api, self.courier = desk, api, courier

    def reset(self, wanted: dict[str, Any]) -> Any:
        self.desk.book.clear()
        self.api.counter.requests.clear()
        self.api.counter.faults.clear()
        self.courier.held.clear()
        self.courier.deliveries.clear()
        self.courier.switches = Switches()
        return {"ok": True}

    def clock(self, wanted: dict[str, Any]) -> Any:
        book = self.desk.book
        book.offset += float(wanted.get("advance_seconds", 0))
        if "now" in wanted:
            book.offset += float(wanted["now"]) - book.now()
        return {"now": book.now()}

    def faults(self, wanted: dict[str, Any]) -> Any:
        """kind (401, 409, 429, 500, lost, refused), method, path (regular expression), skip, count."""
        self.api.counter.faults.append(Fault(**{**wanted, "kind": str(wanted["kind"])}))
        return {"faults": len(self.api.counter.faults)}

    def webhooks(self, wanted: dict[str, Any]) -> Any:
        """url, secret, mode (normal, twice, hold, drop), pauses between tries in seconds."""
        if "pauses" in wanted:
            wanted["pauses"] = tuple(wanted["pauses"])
        self.courier.switches = Switches(**{**vars(self.courier.switches), **wanted})
        return {"ok": True}

    def held(self, wanted: dict[str, Any]) -> Any:
        """Hand out what was held, signed now; `keep` leaves it there."""
        found = [self.courier.signed(event) for event in self.courier.held]
        if not wanted.get("keep"):
            self.courier.held.clear()
        return found

    def sign(self, wanted: dict[str, Any]) -> Any:
        return self.courier.signed(shown(self.desk.book.get(str(wanted["event"]), "evt")))

    def change(self, wanted: dict[str, Any]) -> Any:
        """Put fields of an object as a test wants them: an expiry in the past, a mark of somebody else."""
        self.desk.book.objects[str(wanted["id"])].update(wanted["fields"])
        return shown(self.desk.book.objects[str(wanted["id"])])

    async def deliver(self, request: Request) -> Response:
        """Send what was held: `order` made or reversed, `times` each. Answers with the statuses."""
        wanted = await _json(request)
        held, self.courier.held = self.courier.held, []
        if wanted.get("order") == "reversed":
            held.reverse()
        before = len(self.courier.deliveries)
        for event in held:
            for _ in range(int(wanted.get("times", 1))):
                await self.courier.once(event)
        return JSONResponse(self.courier.deliveries[before:])

    async def look(self, request: Request) -> Response:
        what = request.path_params["what"]
        shows: dict[str, Callable[[], Any]] = {
            "health": lambda: {"ok": True},
            "requests": lambda: self.api.counter.requests,
            "deliveries": lambda: self.courier.deliveries,
            "objects": lambda: [shown(each) for each in self.desk.book.objects.values()],
        }
        if what not in shows:
            return JSONResponse({"error": f"nothing called {what}"}, 404)
        return JSONResponse(shows[what]())


def routes(desk: Desk, api: Api, courier: Courier) -> list[Route]:
    """All addresses below `/_control/`."""
    control = Control(desk, api, courier)
    acts = (
        control.reset, control.clock, control.faults, control.webhooks, control.held, control.sign,
        control.change,
    )  # fmt: skip
    return [
        *(Route(f"/_control/{act.__name__}", _post(act, desk), methods=["POST"]) for act in acts),
        Route("/_control/deliver", control.deliver, methods=["POST"]),
        Route("/_control/{what}", control.look, methods=["GET"]),
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
