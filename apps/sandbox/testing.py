"""Run a sandbox cloud in a child process and steer it: for tests, benchmarks and demonstrations."""

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from urllib.request import Request, urlopen

from . import defaults
from .child import ServerProcess
from .server import ADDRESS_FILE


class SandboxCloud(ServerProcess):
    """A running cloud. `login_url` and `graph_url` are what a client puts before `/{tenant}/…` and `/v1.0/…`.

    The app registrations are those of `apps.sandbox.defaults`: `manual` (consented, to be pasted), `portal`
    (nobody consented yet), `read_only`, and `sign_in` (reads nothing).
    """

    tenant_id = defaults.TENANT_ID
    domain = defaults.DOMAIN
    portal = defaults.PORTAL_APP
    manual = defaults.MANUAL_APP
    read_only = defaults.READ_ONLY_APP
    sign_in = defaults.SIGN_IN_APP
    admin = f"olivia.romano@{defaults.DOMAIN}"

    def __init__(
        self, state: Path, *, contract: Path | None = None, arguments: tuple[str, ...] = ("--empty",)
    ) -> None:
        """`contract` is the validator module of the official description, when it is at hand."""
        options = ("--contract", str(contract)) if contract is not None else ()
        super().__init__(
            "apps.sandbox", "serve", "--state", str(state), *arguments, *options,
            state=state, address_file=ADDRESS_FILE,
        )  # fmt: skip
        self.login_url = self.graph_url = self.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- control ------------------------------------------------------------------------------------------

    def reset(self, *, users: int = 4, messages: int = 40, seed: int = 1) -> dict[str, Any]:
        """A fresh tenant, no faults, no limits, empty counters. `users` 0: no people at all."""
        return dict(self.control("reset", {"users": users, "messages": messages, "seed": seed}))

    def advance(self, days: int = 1) -> dict[str, Any]:
        return dict(self.control("advance", {"days": days}))

    def bulk(self, mailbox: str, messages: int, **options: Any) -> None:
        """Options: size, folders, seed."""
        self.control("bulk", {"mailbox": mailbox, "messages": messages, **options})

    def incident(self, mailbox: str, kind: str, **options: Any) -> int:
        """Options: share, seed. Returns how many messages were struck."""
        return int(self.control("incident", {"mailbox": mailbox, "kind": kind, **options})["struck"])

    def load(self, folder: Path, mailbox: str, target: str = "inbox") -> int:
        return int(
            self.control("load", {"folder": str(folder), "mailbox": mailbox, "target": target})["loaded"]
        )

    def deliver(self, mailbox: str, mime: bytes, **options: Any) -> str:
        """One raw mail; options: folder (well-known name), received, is_read. Returns the immutable id."""
        body = {"mailbox": mailbox, "mime": mime.decode("latin-1"), **options}
        return str(self.control("deliver", body)["id"])

    def add_user(self, address: str, *, mailbox: str | None = "user", **properties: Any) -> str:
        """A new account; returns its id. Properties are Graph's."""
        body = {"userPrincipalName": address, "mailbox": mailbox, **properties}
        return str(self.control("users", body)["id"])

    def change_user(self, user: str, **properties: Any) -> None:
        self.control("users", {"user": user, **properties})

    def delete_user(self, user: str) -> None:
        self.control("users", {"user": user, "delete": True})

    def change_group(self, name: str, **changes: Any) -> str:
        """Make or change a group: add, remove (people, groups), delete. Returns its id."""
        return str(self.control("groups", {"name": name, **changes})["id"])

    def register_app(self, client_id: str, **properties: Any) -> dict[str, Any]:
        """name, roles, redirect_uris, secrets [{value, expires}], certificates [PEM], consented."""
        return dict(self.control("apps", {"client_id": client_id, **properties}))

    def grant_consent(self, client_id: str, roles: list[str] | None = None) -> None:
        self.control("consent", {"client_id": client_id, "roles": roles})

    def revoke_consent(self, client_id: str, *, at_once: bool = True) -> None:
        self.control("consent", {"client_id": client_id, "revoke": True, "at_once": at_once})

    def expire_tokens(self) -> None:
        self.control("tokens/expire", {})

    def set_mailbox(self, mailbox: str, **state: int) -> None:
        """over_quota, used (bytes, of 50 GiB), forget_sync_state (delta tokens die), remove."""
        self.control("mailbox", {"mailbox": mailbox, **state})

    def add_archive(self, mailbox: str) -> str:
        """An in-place archive; returns the name by which it is a mailbox in every address."""
        return str(self.control("archive", {"mailbox": mailbox})["id"])

    def switch(self, **values: float | bool) -> None:
        """See `apps.sandbox.behaviour.settings.Switches`."""
        self.control("switches", values)

    def throttle(self, **values: Any) -> None:
        """enabled, concurrency, requests, window_seconds, retry_after, style (integer, decimal, date, none)."""
        self.control("throttle", {"enabled": True, **values})

    def set_clock(self, now: str, *, frozen: bool = False) -> None:
        self.control("clock", {"now": now, "frozen": frozen})

    # -- faults and counters ------------------------------------------------------------------------------

    def add_fault(
        self,
        kind: str,
        *,
        path: str = "",
        method: str | None = None,
        mailbox: str | None = None,
        nth: int = 1,
        count: int | None = 1,
        **options: Any,
    ) -> str:
        """Script a fault; returns its id. `path` is a regular expression over path and query below `/v1.0`."""
        match = {"path": path, "method": method, "mailbox": mailbox, "nth": nth, "count": count}
        answer = self.control("faults", {"match": match, "fault": {"kind": kind, **options}})
        return str(answer["ids"][0])

    def faults(self) -> dict[str, dict[str, Any]]:
        return {fault["id"]: fault for fault in self.control("faults")}

    def reached(self, fault: str) -> int:
        """How often the scripted fault hit a request."""
        return int(self.faults()[fault]["reached"])

    def clear_faults(self) -> None:
        self.control("faults/clear", {})

    def requests(self, *, last: int = 0) -> dict[str, Any]:
        """Counters (total, routes, mailboxes, statuses, most_at_once) and the `last` requests."""
        return dict(self.control(f"requests?last={last}"))

    def reset_requests(self) -> None:
        self.control("requests/reset", {})

    def contract_violations(self) -> list[str]:
        """What clients and the sandbox did against the official description (needs `contract`)."""
        return list(self.control("contract")["violations"])

    # -- truth --------------------------------------------------------------------------------------------

    def mailbox_hash(self, user: str) -> str:
        return str(self.control(f"mailboxes/{quote(user)}/hash")["hash"])

    def export(self, user: str) -> dict[str, Any]:
        """`folders` and `messages` of a mailbox as they really are, with the SHA-256 of each MIME."""
        return dict(self.control(f"mailboxes/{quote(user)}/export"))

    def notices(self) -> list[dict[str, Any]]:
        """What Exchange would have mailed to guests of meetings: mailbox, kind, subject, people."""
        return list(self.control("notices"))

    def token(self, app: defaults.SeededApp | None = None) -> str:
        """An access token for direct calls."""
        app = app or self.manual
        form = (
            f"grant_type=client_credentials&client_id={app.client_id}&client_secret={app.secret}"
            "&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
        )
        request = Request(f"{self.url}/{self.tenant_id}/oauth2/v2.0/token", form.encode())
        with urlopen(request, timeout=60) as answer:
            return str(json.load(answer)["access_token"])
