"""What the provider's directory tells rules: groups, and who belongs to them."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from asgiref.sync import async_to_sync
from django.core.cache import cache

from apps.connectors.base import FoundGroup
from apps.connectors.models import Connection
from apps.connectors.services import open_connector
from apps.core.errors import Gone

FRESH_SECONDS: Final = 300
MOST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class GroupChoice:
    """The groups that fit a search, and how many more there are."""

    groups: list[FoundGroup]
    more: int


def find_groups(
    connection: Connection, text: str = "", *, most: int | None = MOST_SHOWN, also: Collection[str] = ()
) -> GroupChoice:
    """Return groups whose name or address contains `text`, by name; before them the `also` named, by their ids.

    Raises what the connector raises.
    """
    wanted = text.strip().casefold()
    every = sorted(all_groups(connection), key=lambda group: (group.name.casefold(), group.remote_id))
    named = [group for group in every if group.remote_id in also]
    others = [group for group in every if group.remote_id not in also]
    fits = [group for group in others if wanted in f"{group.name} {group.address}".casefold()]
    return GroupChoice([*named, *fits[:most]], len(fits[most:]) if most else 0)


def all_groups(connection: Connection) -> list[FoundGroup]:
    """Return every group of the tenant; what was read a few minutes ago is good enough to choose from."""
    key = f"activation.groups.{connection.public_id}"
    kept = cache.get(key)
    if kept is None:
        kept = [asdict(group) for group in async_to_sync(_groups)(connection)]
        cache.set(key, kept, FRESH_SECONDS)
    return [FoundGroup(**each) for each in kept]


def members_of(connection: Connection, groups: Sequence[dict[str, str]]) -> set[str]:
    """Return the ids of all who belong to any of these groups (`id`, `name`), read anew.

    Raises Gone with the name of a group that is no longer there, and whatever else the connector raises: an
    answer that is not whole is none, since who is missing in it would count as somebody who left.
    """
    return async_to_sync(_members)(connection, groups)


async def _groups(connection: Connection) -> list[FoundGroup]:
    async with open_connector(connection) as connector:
        return [group async for group in connector.groups()]


async def _members(connection: Connection, groups: Sequence[dict[str, str]]) -> set[str]:
    found: set[str] = set()
    async with open_connector(connection) as connector:
        for group in groups:
            try:
                async for member in connector.members(group["id"]):
                    found.add(member)
            except Gone as error:
                raise Gone(
                    f"The group “{group['name']}” is no longer there.",
                    do="Change the rule or remove it. Until then nobody leaves it.",
                ) from error
    return found
