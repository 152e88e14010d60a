"""Webhooks: signed as Stripe signs them, repeated until they are taken, and clumsy on request."""

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from .book import shown

# As in Stripe's test mode a few tries, only closer together; a switch changes them.
PAUSES = (0.2, 1.0, 5.0, 30.0, 120.0)


def signature(secret: str, body: bytes, at: int | None = None) -> str:
    at = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


@dataclass
class Switches:
    """`mode`: normal, twice, hold (until told), drop (never). `pauses` in seconds between tries."""

    url: str = ""
    secret: str = "whsec_sandbox"  # noqa: S105  the sandbox's own, known to all
    mode: str = "normal"
    pauses: tuple[float, ...] = PAUSES


@dataclass
class Courier:
    """Takes each event and brings it to the one address that is registered."""

    switches: Switches
    held: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    under_way: set[asyncio.Task[Any]] = field(default_factory=set)

    def take(self, event: dict[str, Any]) -> None:
        event = shown(event)
        if self.switches.mode == "hold" or not self.switches.url:
            self.held.append(event)
            return
        if self.switches.mode == "drop":
            self.deliveries.append({"event": event["id"], "type": event["type"], "status": "dropped", "try": 0})
            return
        for _ in range(2 if self.switches.mode == "twice" else 1):
            self.start(event)

    def start(self, event: dict[str, Any]) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.held.append(event)
            return
        errand = loop.create_task(self._bring(event))
        self.under_way.add(errand)
        errand.add_done_callback(self.under_way.discard)

    async def _bring(self, event: dict[str, Any]) -> None:
        for number, pause in enumerate((*self.switches.pauses, None), 1):
            if await self.once(event, number):
                return
            if pause is not None:
                await asyncio.sleep(pause)

    async def once(self, event: dict[str, Any], number: int = 1) -> bool:
        """One try; anything but 2xx is none taken."""
        body = json.dumps(event, indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature(self.switches.secret, body),
        }
        status: int | str
        try:
            async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
                status = (await client.post(self.switches.url, content=body, headers=headers)).status_code
        except httpx.HTTPError as error:
            status = type(error).__name__
        self.deliveries.append({"event": event["id"], "type": event["type"], "status": status, "try": number})
        return isinstance(status, int) and 200 <= status < 300

    def signed(self, event: dict[str, Any]) -> dict[str, str]:
        """What would be posted, for tests that carry it over themselves."""
        body = json.dumps(event, indent=2)
        return {
            "id": event["id"],
            "type": event["type"],
            "body": body,
            "signature": signature(self.switches.secret, body.encode()),
        }
