"""Run a Stripe stand-in in a child process, and be the person in front of its pages."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener, urlopen

from .server import ADDRESS_FILE, KEY, WEBHOOK_SECRET

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 60
CARD = {"number": "4242 4242 4242 4242", "expiry": "12 / 44", "cvc": "123", "name": "Olivia Romano"}


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class StripeServer:
    """A running stand-in; events are held back until asked for, unless `webhooks` says otherwise."""

    key, webhook_secret = KEY, WEBHOOK_SECRET

    def __init__(self, state: Path, *arguments: str) -> None:
        self.state = state
        command = [sys.executable, "-m", "apps.sandbox.stripe", "--state", str(state), "--forget", *arguments]
        (state / ADDRESS_FILE).unlink(missing_ok=True)
        self._process = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL)
        self.url = self._wait_for_address()

    def _wait_for_address(self) -> str:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise RuntimeError(f"the Stripe stand-in ended with {self._process.returncode}")
            try:
                return str(json.loads((self.state / ADDRESS_FILE).read_text())["url"])
            except FileNotFoundError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"the Stripe stand-in did not start within {START_SECONDS} s")

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    # -- control --------------------------------------------------------------------------------------------

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """POST to `/_control/{path}` when there is a body (also an empty one), else GET; ValueError on 400."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/_control/{path}", data, {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise ValueError(f"{path}: {error.read().decode()}") from error

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
