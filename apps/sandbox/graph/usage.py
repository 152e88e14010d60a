"""The usage report of mailboxes: asked for with a token, fetched as CSV at another address without one."""

import csv
import hashlib
import io
import json
import secrets
from typing import Any

from starlette.requests import Request as PageRequest
from starlette.responses import Response as PageResponse
from starlette.routing import Route as PageRoute

from ..cloud import Cloud
from ..state import directory
from .request import Request, Response

HEADER = (
    "Report Refresh Date", "User Principal Name", "Display Name", "Is Deleted", "Deleted Date", "Created Date",
    "Last Activity Date", "Item Count", "Storage Used (Byte)", "Issue Warning Quota (Byte)",
    "Prohibit Send Quota (Byte)", "Prohibit Send/Receive Quota (Byte)", "Deleted Item Count",
    "Deleted Item Size (Byte)", "Deleted Item Quota (Byte)", "Has Archive", "Report Period",
)  # fmt: skip
GB = 1024**3
QUOTA = 50 * GB
_USED, _LINK = "usage.used", "usage.link"


def mailbox_usage(request: Request) -> Response:
    """Lead to the report's file, at an address that is good for this state of the cloud."""
    link = secrets.token_urlsafe(16)
    request.cloud.db.set(_LINK, link)
    address = f"{request.base_url}/_report/{link}"
    return Response(status=302, raw=b"", content_type="text/plain", headers={"Location": address})


def set_used(cloud: Cloud, upn: str, used: int) -> None:
    """Let the report say that a mailbox holds so many bytes."""
    cloud.db.set(_USED, json.dumps(_used(cloud) | {upn.lower(): used}))


def _used(cloud: Cloud) -> dict[str, int]:
    return dict(json.loads(cloud.db.get(_USED) or "{}"))


async def _download(request: PageRequest) -> PageResponse:
    cloud: Cloud = request.app.state.cloud
    cloud.refresh()
    if request.path_params["link"] != cloud.db.get(_LINK) or "authorization" in request.headers:
        return PageResponse(status_code=403)
    return PageResponse(_report(cloud), media_type="application/octet-stream")


def _report(cloud: Cloud) -> str:
    target, used = io.StringIO(), _used(cloud)
    lines = csv.writer(target)
    lines.writerow(HEADER)
    today = cloud.clock.stamp()[:10]
    for user in directory.users(cloud.db):
        person = cloud.person(user.upn)
        if person is None or person[1] is None:
            continue
        names = [user.upn, str(user.doc.get("displayName") or "")]
        if cloud.switches.conceal_names:
            names = [hashlib.md5(name.encode(), usedforsecurity=False).hexdigest().upper() for name in names]
        row: list[Any] = [today, *names, "False", "", today, today, 40, used.get(user.upn.lower(), GB)]
        lines.writerow([*row, QUOTA * 98 // 100, QUOTA * 99 // 100, QUOTA, 0, 0, 30 * GB, "False", "7"])
    return "\ufeff" + target.getvalue()


PAGES = [PageRoute("/_report/{link}", _download)]
