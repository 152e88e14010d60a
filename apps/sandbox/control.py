"""`/_control/`: seeds, people's work, faults, limits, switches, what was asked, and the truth of a mailbox."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import defaults, truth
from .behaviour import incidents
from .cloud import Cloud
from .graph import usage
from .people import advance, bulk, load, seed, tenant
from .state import clock, directory, mailboxes


class BadControl(Exception):
    """The control request makes no sense; the message says why."""


async def as_json(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=400)


Action = Callable[[Cloud, dict[str, Any]], Any]


def _post(path: str, action: Action) -> Route:
    async def handle(request: Request) -> Response:
        cloud: Cloud = request.app.state.cloud
        cloud.refresh()
        wanted = await request.json() if await request.body() else {}
        try:
            answer = action(cloud, wanted)
        except (KeyError, TypeError, ValueError, AttributeError, LookupError) as error:
            raise BadControl(f"{type(error).__name__}: {error}") from error
        finally:
            cloud.forget()
        return JSONResponse(answer if answer is not None else {"ok": True})

    return Route(f"/_control/{path}", handle, methods=["POST"])


def _get(path: str, answer: Callable[[Cloud, Request], Any]) -> Route:
    async def handle(request: Request) -> Response:
        cloud: Cloud = request.app.state.cloud
        cloud.refresh()
        try:
            return JSONResponse(answer(cloud, request))
        except LookupError as error:
            raise BadControl(str(error)) from error

    return Route(f"/_control/{path}", handle)


def _reset(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    """A fresh tenant and a friendly cloud; without `users` the tenant has apps and no people."""
    cloud.faults.clear()
    cloud.throttle.reset()
    cloud.record.reset()
    cloud.switches = type(cloud.switches)()
    cloud.uploads.clear()
    if cloud.contract:
        cloud.contract.reset()
    seed_number = int(wanted.get("seed", 1))
    if wanted.get("users"):
        return seed.seed(
            cloud, users=int(wanted["users"]), messages=int(wanted.get("messages", 0)), number=seed_number
        )
    return tenant.start(cloud)


def _seed(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    """`now` is where the mail ends: an ISO 8601 time or "today"."""
    users, messages = int(wanted.get("users", 12)), int(wanted.get("messages", 400))
    now = str(wanted.get("now", defaults.START_OF_TIME))
    number = int(wanted.get("seed", 1))
    return seed.seed(
        cloud, users=users, messages=messages, number=number, now=seed.this_morning() if now == "today" else now
    )


def _advance(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    return advance.advance(cloud, days=int(wanted.get("days", 1)), number=wanted.get("seed"))


def _load(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    folder = str(wanted.get("target", "inbox"))
    return {"loaded": load.load_folder(cloud, Path(wanted["folder"]), str(wanted["mailbox"]), folder)}


def _bulk(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    return {
        "made": bulk.fill(
            cloud,
            str(wanted["mailbox"]),
            messages=int(wanted["messages"]),
            size=int(wanted.get("size", 15000)),
            folders=int(wanted.get("folders", 1)),
            number=int(wanted.get("seed", 1)),
        )
    }


def _set_clock(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    if "now" in wanted:
        cloud.clock.set(clock.parse(str(wanted["now"])), frozen=bool(wanted.get("frozen", False)))
    if "advance_seconds" in wanted:
        cloud.clock.advance(timedelta(seconds=float(wanted["advance_seconds"])))
    return {"now": cloud.clock.stamp()}


def _app(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    """Register or change an app; `consented` true grants its roles, false takes them away."""
    known = directory.find_app(cloud.db, str(wanted["client_id"])) or {
        "name": "App", "roles": [], "redirect_uris": [], "secrets": [], "certificates": [],
    }  # fmt: skip
    consented = wanted.pop("consented", None)
    app = known | wanted
    directory.put_app(cloud.db, app)
    if consented:
        directory.consent(cloud.db, app["client_id"], wanted.get("granted") or app["roles"])
    elif consented is False:
        directory.revoke_consent(cloud.db, app["client_id"])
    return app


def _consent(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    """Grant or revoke; `at_once` also ends the tokens that are out."""
    if wanted.get("revoke"):
        directory.revoke_consent(cloud.db, str(wanted["client_id"]))
    else:
        app = directory.find_app(cloud.db, str(wanted["client_id"])) or {}
        directory.consent(cloud.db, str(wanted["client_id"]), wanted.get("roles") or app["roles"])
    if wanted.get("at_once", True):
        cloud.tokens.expire_all()
    return None


def _user(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    """Add, change or (`delete`) remove a person; `mailbox` is user, shared, room or null for none."""
    user = directory.find_user(cloud.db, str(wanted.get("user") or wanted.get("userPrincipalName")))
    if wanted.get("delete"):
        if user is None:
            raise LookupError("no such user")
        directory.delete_user(cloud.db, user)
        return None
    given = {
        key: value for key, value in wanted.items() if key not in ("user", "mailbox", "language", "is_admin")
    }
    if user is not None:
        directory.update_user(cloud.db, user, given)
        return {"id": user.id}
    return {
        "id": tenant.add_person(
            cloud,
            given,
            mailbox=wanted.get("mailbox"),
            language=wanted.get("language", "en-GB"),
            is_admin=bool(wanted.get("is_admin")),
        )
    }


def _group(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    """Make, change or (`delete`) remove a group: `name`, who to `add` and to `remove` (people or groups)."""
    return tenant.change_group(
        cloud,
        str(wanted["name"]),
        add=[str(each) for each in wanted.get("add") or ()],
        remove=[str(each) for each in wanted.get("remove") or ()],
        delete=bool(wanted.get("delete")),
        properties=dict(wanted.get("properties") or {}),
    )


def _mailbox_state(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    """`over_quota` switches; `used`: bytes that the usage report tells; `forget_sync_state` kills the delta
    tokens; `remove` takes the mailbox away."""
    box = tenant.mailbox_named(cloud, str(wanted["mailbox"]))
    if "over_quota" in wanted:
        mailboxes.set_over_quota(cloud.db, box.id, bool(wanted["over_quota"]))
    if "used" in wanted:
        usage.set_used(cloud, str(wanted["mailbox"]), int(wanted["used"]))
    if wanted.get("forget_sync_state"):
        mailboxes.forget_sync_state(cloud.db, box.id)
    if wanted.get("remove"):
        cloud.db.execute("UPDATE mailboxes SET user_id = 'removed-' || id WHERE id = ?", (box.id,))
    return None


def _archive(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    """Give a mailbox an in-place archive; `id` is what it is called in addresses, also here."""
    return {"id": tenant.add_archive(cloud, tenant.mailbox_named(cloud, str(wanted["mailbox"])))}


def _incident(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    """Something bad befalls a `mailbox`: `kind` is one of behaviour/incidents.py."""
    return incidents.strike_as_asked(cloud, wanted, tenant.mailbox_named(cloud, str(wanted["mailbox"])))


def _add_faults(cloud: Cloud, wanted: dict[str, Any]) -> Any:
    """One fault, or `faults`: a list of them."""
    added = [cloud.faults.add(one) for one in wanted.get("faults") or [wanted]]
    return {"ids": [fault.id for fault in added]}


def _contract(cloud: Cloud, request: Request) -> Any:
    recorder = cloud.contract
    if recorder is None:
        raise LookupError("the server was started without --contract")
    return {"checked": recorder.checked, "violations": recorder.violations}


def _notices(cloud: Cloud, request: Request) -> Any:
    """What Exchange would have mailed to guests: invitations, updates, cancellations."""
    rows = cloud.db.all(
        "SELECT u.upn, n.kind, n.subject, n.people FROM notices n JOIN mailboxes m ON m.id = n.mailbox "
        "JOIN users u ON u.id = m.user_id ORDER BY n.id"
    )
    return [
        {"mailbox": row[0], "kind": row[1], "subject": row[2], "people": json.loads(row[3])} for row in rows
    ]


ROUTES = [
    _get("contract", _contract),
    _get("health", lambda cloud, request: {"status": "ok", "now": cloud.clock.stamp()}),
    _get("tenant", lambda cloud, request: tenant.describe(cloud)),
    _post("reset", _reset),
    _post("seed", _seed),
    _post("advance", _advance),
    _post("load", _load),
    _post("bulk", _bulk),
    _post("deliver", load.deliver_text),
    _get("clock", lambda cloud, request: {"now": cloud.clock.stamp()}),
    _post("clock", _set_clock),
    _post("apps", _app),
    _get("apps", lambda cloud, request: directory.apps(cloud.db)),
    _post("consent", _consent),
    _post("users", _user),
    _post("groups", _group),
    _post("mailbox", _mailbox_state),
    _post("archive", _archive),
    _post("incident", _incident),
    _get("switches", lambda cloud, request: cloud.switches.as_dict()),
    _post("switches", lambda cloud, wanted: cloud.switches.update(wanted)),
    _get("throttle", lambda cloud, request: cloud.throttle.report()),
    _post("throttle", lambda cloud, wanted: cloud.throttle.configure(wanted)),
    _get("faults", lambda cloud, request: cloud.faults.report()),
    _post("faults", _add_faults),
    _post("faults/clear", lambda cloud, wanted: cloud.faults.clear()),
    _post("tokens/expire", lambda cloud, wanted: cloud.tokens.expire_all()),
    _get("requests", lambda cloud, request: cloud.record.report(last=int(request.query_params.get("last", 0)))),
    _get("notices", _notices),
    _post("requests/reset", lambda cloud, wanted: cloud.record.reset()),
    _get("mailboxes/{user}/hash", lambda cloud, request: truth.digest(cloud, request.path_params["user"])),
    _get("mailboxes/{user}/export", lambda cloud, request: truth.export(cloud, request.path_params["user"])),
]
