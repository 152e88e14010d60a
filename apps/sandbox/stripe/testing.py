"""Run a Stripe stand-in in a child process, and be the person in front of its pages."""

from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ..child import ServerProcess
from .server import ADDRESS_FILE, KEY, WEBHOOK_SECRET

CARD = {"number": "4242 4242 4242 4242", "expiry": "12 / 44", "cvc": "123", "name": "Olivia Romano"}


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class StripeServer(ServerProcess):
    """A running stand-in; events are held back until asked for, unless `webhooks` says otherwise."""

    key, webhook_secret = KEY, WEBHOOK_SECRET

    def __init__(self, state: Path, *arguments: str) -> None:
        super().__init__(
            "apps.sandbox.stripe", "--state", str(state), "--forget", *arguments,
            state=state, address_file=ADDRESS_FILE,
        )  # fmt: skip

    # -- control --------------------------------------------------------------------------------------------

    def reset(self) -> None:
        self.control("reset", {})

    def fault(self, kind: int | str, **match: Any) -> None:
        """kind: 401, 409, 429, 500, `lost` (done, no answer arrives), `refused`; method, path, skip, count."""
        self.control("faults", {"kind": str(kind), **match})

    def set_clock(self, moment: float) -> None:
        self.control("clock", {"now": moment})

    def held(self, *, keep: bool = False) -> list[dict[str, str]]:
        """The events not delivered yet, each with its `body` and a fresh `signature`."""
        return list(self.control("held", {"keep": keep}))

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind, the oldest first."""
        return [each for each in self.control("objects") if each["object"] == kind]

    def requests(self) -> list[dict[str, Any]]:
        return list(self.control("requests"))

    # -- the person in front of the page --------------------------------------------------------------------

    def enter_card(self, page: str, number: str = CARD["number"], **fields: str) -> tuple[int, str]:
        """Fill in the page at `page`: status and where it leads, or what the page says."""
        return self._submit(page, {**CARD, "number": number, **fields})

    def prove(self, page: str, answer: str = "complete") -> tuple[int, str]:
        """Answer the bank's page: `complete` or `fail`."""
        return self._submit(page, {"answer": answer})

    def _submit(self, page: str, fields: dict[str, str]) -> tuple[int, str]:
        opener = build_opener(_Stay())
        try:
            with opener.open(Request(page, urlencode(fields).encode()), timeout=60) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            place = error.headers.get("Location")
            return error.code, place or error.read().decode()
