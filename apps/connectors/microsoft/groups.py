"""Groups of the directory and who belongs to them."""

from collections.abc import AsyncIterator
from typing import Any, Final

from apps.connectors.base import FoundGroup
from apps.connectors.permissions_needed import GROUPS
from apps.core.errors import Forbidden

from .client import GraphClient
from .endpoints import segment
from .paging import pages

_GROUPS: Final = "/groups?$select=id,displayName,mail,groupTypes,mailEnabled,securityEnabled&$top=999"


async def read_groups(graph: GraphClient) -> AsyncIterator[FoundGroup]:
    """Yield every group. Raises Forbidden with the name of the permission that is missing."""
    try:
        async for page in pages(graph, _GROUPS, pool=graph.pool()):
            for group in page:
                if isinstance(group.get("id"), str):
                    yield _found(group)
    except Forbidden as error:
        raise _advised(error) from error


async def read_members(graph: GraphClient, group_id: str) -> AsyncIterator[str]:
    """Yield the ids of all members, also of groups inside the group; a device's or a group's id matches nobody.

    Only ids are asked for: names would need further permissions.
    """
    path = f"/groups/{segment(group_id)}/transitiveMembers?$select=id&$top=999"
    try:
        async for page in pages(graph, path, pool=graph.pool()):
            for member in page:
                if isinstance(member.get("id"), str):
                    yield member["id"]
    except Forbidden as error:
        raise _advised(error) from error


def _found(group: dict[str, Any]) -> FoundGroup:
    types = {str(each).lower() for each in group.get("groupTypes") or ()}
    address = str(group.get("mail") or "")
    return FoundGroup(
        remote_id=group["id"],
        name=str(group.get("displayName") or address or group["id"]),
        kind=_kind(group, types),
        address=address,
        dynamic="dynamicmembership" in types,
    )


def _kind(group: dict[str, Any], types: set[str]) -> str:
    if "unified" in types:
        return "Microsoft 365 group"
    if group.get("mailEnabled"):
        return "Mail-enabled security group" if group.get("securityEnabled") else "Distribution list"
    return "Security group"


def _advised(error: Forbidden) -> Forbidden:
    error.do = f"Consent to {GROUPS} for the app at Microsoft: connect again."
    return error
