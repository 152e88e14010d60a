"""Base addresses of Microsoft's sign-in and of Graph, and what may be followed from an answer."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from django.conf import settings

from apps.core.errors import Malformed

VERSION: Final = "/v1.0"
BETA: Final = "/beta"
ARCHIVE_MAILBOX: Final = re.compile(r"MBX:[0-9A-Za-z-]{1,64}@[0-9A-Za-z.-]{1,64}")
"""Microsoft's own name of an in-place archive; stands in paths as it is."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~=-]*")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """`login` and `graph` without a slash at the end, e.g. `https://graph.microsoft.com`."""

    login: str
    graph: str

    @classmethod
    def from_settings(cls) -> "Endpoints":
        return cls(settings.MICROSOFT_LOGIN_URL.rstrip("/"), settings.MICROSOFT_GRAPH_URL.rstrip("/"))

    def url(self, path: str, *, beta: bool = False) -> str:
        """Address of a path like `/users/x/mailFolders`, which never names its own host."""
        if not path.startswith("/") or path.startswith("//"):
            raise ValueError(f"not a path below Graph: {path[:40]!r}")
        return self.graph + (BETA if beta else VERSION) + path

    def path_of(self, link: object) -> str:
        """Turn a nextLink or deltaLink into a path below Graph.

        Links are kept and followed as paths only: the token cannot leave its host, whatever an answer says,
        and a stored link survives a change of the base address. Raises Malformed for a link to elsewhere or a
        broken one (`users//`, quirk 11).
        """
        base = self.graph + VERSION
        if not isinstance(link, str) or not link.startswith(base + "/"):
            raise Malformed("Microsoft's list of changes continues at an address that is not Microsoft Graph.")
        path = link[len(base) :]
        if "//" in path.partition("?")[0]:
            raise Malformed("Microsoft's list of changes continues at a broken address.")
        return path


def segment(remote_id: str) -> str:
    """Quote an id for use as one part of a path: ids hold `=`, `+` and `/`."""
    if _PLAIN.fullmatch(remote_id):  # nearly all: quoting letter by letter costs ten times this look
        return remote_id.replace("=", "%3D")
    if ARCHIVE_MAILBOX.fullmatch(remote_id):
        return remote_id
    return quote(remote_id, safe="")
