"""How full mailboxes are: the usage report, which Microsoft makes once a day and hands out as CSV.

https://learn.microsoft.com/graph/api/reportroot-getmailboxusagedetail
"""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Final

from apps.connectors.base import Room, RoomReport
from apps.connectors.permissions_needed import USAGE
from apps.core.errors import Forbidden, Malformed

from .client import GraphClient, Request

_REPORT: Final = "/reports/getMailboxUsageDetail(period='D7')"
_NAME, _DELETED = "User Principal Name", "Is Deleted"
_USED, _WARNED, _LIMIT = (
    "Storage Used (Byte)", "Issue Warning Quota (Byte)", "Prohibit Send/Receive Quota (Byte)",
)  # fmt: skip


async def read_room(graph: GraphClient) -> RoomReport | None:
    """Read the report; None where nobody has consented to reading it."""
    granted = await graph.granted()
    if granted is not None and USAGE not in granted:
        return None
    try:
        reply = await graph.send(Request("GET", _REPORT, {}, redirects=True), pool=graph.pool())
    except Forbidden:
        return None
    body = reply.body if reply.status < 300 else await graph.get_elsewhere(reply.headers.get("Location", ""))
    return _read(body)


def _read(body: bytes) -> RoomReport:
    lines = csv.DictReader(io.StringIO(body.decode("utf-8-sig", "replace"), newline=""))
    try:
        if not {_NAME, _USED, _LIMIT} <= set(lines.fieldnames or ()):
            raise Malformed("Microsoft's usage report has other columns than it should.")
        rooms = list(_rooms(lines))
    except csv.Error as error:
        raise Malformed("Microsoft's usage report is no table.") from error
    # Where the organisation conceals names, a digest stands in place of each.
    concealed = bool(rooms) and not any("@" in room.name for room in rooms)
    return RoomReport((), concealed=True) if concealed else RoomReport(tuple(rooms))


def _rooms(lines: "csv.DictReader[str]") -> Iterator[Room]:
    for line in lines:
        if line.get(_NAME) and str(line.get(_DELETED)).lower() != "true":
            yield Room(
                str(line[_NAME]).lower(), _number(line, _USED), _number(line, _WARNED), _number(line, _LIMIT)
            )


def _number(line: Mapping[str, str | None], column: str) -> int:
    text = (line.get(column) or "").strip()
    return int(text) if text.isdecimal() else 0
