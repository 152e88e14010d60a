"""What the directory says of people, and which groups they belong to."""

import pytest

from apps.connectors.base import DIRECTORY_PROPERTIES, FoundGroup
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.connector import MicrosoftConnector
from apps.connectors.microsoft.exchange.discovery import DIRECTORY
from apps.core.errors import Forbidden, Gone
from apps.sandbox.testing import SandboxCloud
from tests.fixtures.sandbox import CONTRACT


async def groups(identity: AppIdentity) -> dict[str, FoundGroup]:
    async with MicrosoftConnector(identity) as connector:
        return {group.name: group async for group in connector.groups()}


async def members(identity: AppIdentity, group_id: str) -> set[str]:
    async with MicrosoftConnector(identity) as connector:
        return {member async for member in connector.members(group_id)}


async def test_discovery_takes_over_what_the_directory_says_and_leaves_out_what_it_does_not(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    cloud.add_user(
        f"nora.new@{cloud.domain}", displayName="Nora", department=" Kitchen ", city="", country=None
    )
    async with MicrosoftConnector(identity) as connector:
        found = {each.name: each async for each in connector.discover()}
    said = {key: found["Olivia Romano"].properties.get(key) for key in DIRECTORY_PROPERTIES}
    assert (said["department"], said["job_title"], said["city"]) == (
        "Management",
        "Managing director",
        "London",
    )
    assert found["Nora"].properties["department"] == "Kitchen"
    assert {"city", "country"}.isdisjoint(found["Nora"].properties)
    assert set(DIRECTORY.values()) == set(DIRECTORY_PROPERTIES)


async def test_groups_are_told_apart_and_members_are_found_through_groups_inside_groups(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    ids = {each["displayName"]: each["id"] for each in cloud.control("tenant")["users"]}
    cloud.change_group("Bakers", add=[f"agata.brown@{cloud.domain}"])
    outer = cloud.change_group("Everybody who bakes", add=["Bakers", cloud.admin])
    found = await groups(identity)
    assert found["All of Pizza Perfecto"].kind == "Microsoft 365 group"
    assert found["Kitchen"].kind == found["Bakers"].kind == "Security group"
    assert {ids["Olivia Romano"], ids["Agata Brown"]} <= await members(identity, outer)
    cloud.change_group("Bakers", remove=[f"agata.brown@{cloud.domain}"])
    assert ids["Agata Brown"] not in await members(identity, outer)
    if CONTRACT.exists():
        assert cloud.contract_violations() == []


async def test_a_group_that_was_deleted_is_gone_and_not_empty(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    group = cloud.change_group("Bakers", add=[cloud.admin])
    cloud.change_group("Bakers", delete=True)
    with pytest.raises(Gone):
        await members(identity, group)


async def test_without_the_permission_the_refusal_names_it(cloud: SandboxCloud, identity: AppIdentity) -> None:
    cloud.grant_consent(cloud.manual.client_id, ["User.Read.All", "Mail.Read"])
    with pytest.raises(Forbidden) as refused:
        await groups(identity)
    assert "GroupMember.Read.All" in refused.value.do


async def test_a_long_list_of_members_is_read_to_its_end(cloud: SandboxCloud, identity: AppIdentity) -> None:
    people = [cloud.add_user(f"p{n}@{cloud.domain}", mailbox=None) for n in range(12)]
    group = cloud.change_group("Crowd", add=people)
    fault = cloud.add_fault("error", path="transitiveMembers", status=503)
    assert await members(identity, group) == set(people)
    assert cloud.reached(fault)
