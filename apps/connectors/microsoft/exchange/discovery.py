"""Which mailboxes a tenant has, of what kind, and whether Graph reaches them."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from apps.connectors.base import FoundEntity
from apps.connectors.enums import EntityKind
from apps.connectors.microsoft.batch import Part, PartAnswer, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.paging import pages
from apps.core.errors import Forbidden, Gone, Malformed

DIRECTORY: Final = {
    "department": "department",
    "jobTitle": "job_title",
    "officeLocation": "office",
    "city": "city",
    "state": "state",
    "country": "country",
    "companyName": "company",
    "employeeType": "employee_type",
}
"""What the directory says of people, and how `base.DIRECTORY_PROPERTIES` calls it."""
_ACCOUNT: Final = "id,displayName,userPrincipalName,mail,userType,accountEnabled,assignedLicenses"
USER_SELECT: Final = ",".join((_ACCOUNT, *DIRECTORY))
_USERS: Final = f"/users?$select={USER_SELECT}&$top=999"
_PROBES_PER_BATCH: Final = 10
_KIND_OF_PURPOSE: Final = {
    "user": EntityKind.USER_MAILBOX,
    "linked": EntityKind.USER_MAILBOX,
    "shared": EntityKind.SHARED_MAILBOX,
    "room": EntityKind.ROOM_MAILBOX,
    "equipment": EntityKind.ROOM_MAILBOX,
}


async def discover_mailboxes(graph: GraphClient) -> AsyncIterator[FoundEntity]:
    """Yield every person, shared mailbox and room of the tenant; guests are left out.

    Guests are told apart here and not by `$filter`: userType can be null, and a null would be lost by `ne`
    (quirk 36). Per user one probe of the mailbox and one of its purpose, ten users in a batch. The purpose
    needs MailboxSettings.Read; without it a mailbox of a disabled, unlicensed account counts as shared.

    Raises Malformed when Microsoft names nobody at all: who consented is among them, and all would be archived.
    """
    anybody = False
    async for page in pages(graph, _USERS, pool=graph.pool()):
        anybody = anybody or bool(page)
        users = [user for user in page if isinstance(user.get("id"), str) and not _is_guest(user)]
        for few in in_batches(users, _PROBES_PER_BATCH):
            answers = await _probe(graph, few)
            for user in few:
                yield _found(user, answers[f"box {user['id']}"], answers[f"purpose {user['id']}"])
    if not anybody:
        raise Malformed("Microsoft's list of people is empty.", do="The next look asks again.")


def _is_guest(user: dict[str, Any]) -> bool:
    if user.get("userType") is None:
        return "#EXT#" in str(user.get("userPrincipalName") or "").upper()
    return str(user["userType"]).lower() == "guest"


async def _probe(graph: GraphClient, users: Sequence[dict[str, Any]]) -> dict[str, PartAnswer]:
    parts = []
    for user in users:
        path = f"/users/{segment(user['id'])}"
        parts.append(Part(f"box {user['id']}", f"{path}/mailFolders/inbox?$select=id"))
        parts.append(Part(f"purpose {user['id']}", f"{path}/mailboxSettings/userPurpose"))
    return {each.key: each for each in await run_batch(graph, parts, pool=graph.pool())}


def _found(user: dict[str, Any], box: PartAnswer, purpose: PartAnswer) -> FoundEntity:
    licences = user.get("assignedLicenses")
    licensed = bool(licences) if isinstance(licences, list) else None
    address = str(user.get("mail") or user.get("userPrincipalName") or "")
    why = _why_unreachable(box)
    return FoundEntity(
        remote_id=user["id"],
        kind=_kind(user, licensed, purpose),
        name=str(user.get("displayName") or address or user["id"]),
        address=address,
        licensed=licensed,
        reachable=not why,
        properties={
            "enabled": user.get("accountEnabled"),
            "userPrincipalName": user.get("userPrincipalName"),
            **_directory(user),
            **({"unreachable": why} if why else {}),
        },
    )


def _directory(user: dict[str, Any]) -> dict[str, str]:
    """Return what the directory says, without what it leaves open."""
    said = {ours: user.get(theirs) for theirs, ours in DIRECTORY.items()}
    return {name: value.strip() for name, value in said.items() if isinstance(value, str) and value.strip()}


def _why_unreachable(box: PartAnswer) -> str:
    """Return Microsoft's word for a mailbox that is not there (quirk 40) or not ours to read; "" when it is.

    A passing fault says nothing about the mailbox: it counts as reachable, and its run will tell.
    """
    if box.fault is None or box.fault.passing:
        return ""
    return box.fault.code or str(box.fault.status) if issubclass(box.fault.kind, Gone | Forbidden) else ""


def _kind(user: dict[str, Any], licensed: bool | None, purpose: PartAnswer) -> EntityKind:
    body = purpose.body if isinstance(purpose.body, dict) else {}
    known = _KIND_OF_PURPOSE.get(str(body.get("value", "")).lower())
    if known is not None:
        return known
    looks_shared = licensed is False and user.get("accountEnabled") is False
    return EntityKind.SHARED_MAILBOX if looks_shared else EntityKind.USER_MAILBOX
