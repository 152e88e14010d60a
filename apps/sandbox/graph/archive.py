"""Where the in-place archive of a mailbox is. Beta tells it; with that name the mail interface reads it.

As a tool in the field has measured it in October 2026 (docs/sandbox.md). Microsoft supports none of it.
"""

from ..defaults import TENANT_ID
from ..state.ids import guid
from ..state.mailboxes import Mailbox, archive_name, archive_of
from .request import Request, Response
from .router import Route

NEEDS = frozenset({"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"})


def exchange_settings(request: Request, box: Mailbox) -> Response:
    """The mailboxes of a person; the archive is left out where there is none."""
    answer = {"id": guid("exchange", box.guid), "primaryMailboxId": f"MBX:{box.guid}@{TENANT_ID}"}
    if archive_of(request.cloud.db, box.guid):
        answer["inPlaceArchiveMailboxId"] = archive_name(box.guid)
    return Response(answer)


BETA_ROUTES = [Route("GET", "/users/{user}/settings/exchange", exchange_settings, NEEDS, "mail")]
