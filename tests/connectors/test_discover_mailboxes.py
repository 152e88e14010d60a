"""Discovery finds every mailbox of a tenant and says what each is."""

import pytest

from apps.connectors.base import FoundEntity
from apps.connectors.enums import EntityKind
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.connector import MicrosoftConnector
from apps.core.errors import Forbidden, Malformed
from apps.sandbox.testing import SandboxCloud


async def discover(identity: AppIdentity) -> dict[str, FoundEntity]:
    async with MicrosoftConnector(identity) as connector:
        return {found.name: found async for found in connector.discover()}


async def test_people_shared_mailboxes_and_rooms_are_told_apart_and_guests_left_out(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    cloud.add_user("gast@elsewhere.example", mailbox=None, displayName="Guest", userType="Guest")
    cloud.add_user("alt#EXT#@x.example", mailbox=None, displayName="Old guest", userType=None)
    found = await discover(identity)
    assert found["Olivia Romano"].kind == EntityKind.USER_MAILBOX
    assert found["Finance department"].kind == EntityKind.SHARED_MAILBOX
    assert found["Tasting room"].kind == EntityKind.ROOM_MAILBOX
    assert {"Guest", "Old guest"}.isdisjoint(found)
    assert found["Olivia Romano"].address == cloud.admin


async def test_a_list_that_names_nobody_at_all_is_not_believed(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    cloud.add_fault("error", path=r"users\?", count=None, status=200, raw='{"value": []}')
    with pytest.raises(Malformed):
        await discover(identity)


async def test_a_person_whose_type_is_not_set_is_found(cloud: SandboxCloud, identity: AppIdentity) -> None:
    cloud.add_user(f"nils.null@{cloud.domain}", displayName="Nils Null", userType=None)
    assert (await discover(identity))["Nils Null"].reachable


async def test_an_account_without_a_mailbox_is_found_but_not_reachable(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    cloud.add_user(f"ole.ohne@{cloud.domain}", mailbox=None, displayName="Ole Ohne", assignedLicenses=[])
    ole = (await discover(identity))["Ole Ohne"]
    assert (ole.reachable, ole.licensed) == (False, False)
    assert ole.properties["unreachable"] == "MailboxNotEnabledForRESTAPI"


@pytest.mark.parametrize(
    "code", ["ResourceNotFound", "ErrorItemNotFound", "ErrorInvalidUser", "MailboxNotEnabledForRESTAPI"]
)
async def test_every_word_for_a_missing_mailbox_is_understood(
    cloud: SandboxCloud, identity: AppIdentity, code: str
) -> None:
    fault = cloud.add_fault(
        "error", path="mailFolders/inbox", mailbox=cloud.admin, count=None, status=404, code=code
    )
    found = await discover(identity)
    assert found["Olivia Romano"].properties["unreachable"] == code
    assert found["Agata Brown"].reachable
    assert cloud.reached(fault)


async def test_a_mailbox_that_cannot_be_probed_just_now_counts_as_reachable(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    cloud.add_fault("error", path="mailFolders/inbox", mailbox=cloud.admin, count=None, status=503)
    assert (await discover(identity))["Olivia Romano"].reachable


async def test_without_mailbox_settings_a_disabled_unlicensed_account_counts_as_shared(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    fault = cloud.add_fault("error", path="mailboxSettings", count=None, status=403, code="ErrorAccessDenied")
    found = await discover(identity)
    assert found["Finance department"].kind == EntityKind.SHARED_MAILBOX
    assert found["Olivia Romano"].kind == EntityKind.USER_MAILBOX
    assert cloud.reached(fault)


async def test_many_people_cost_one_request_per_ten(cloud: SandboxCloud, identity: AppIdentity) -> None:
    for number in range(40):
        cloud.add_user(f"person.{number}@{cloud.domain}", displayName=f"Person {number}")
    async with MicrosoftConnector(identity) as connector:
        found = [each async for each in connector.discover()]
        assert connector.counter.calls <= 1 + -(-len(found) // 10) + 1


async def test_without_the_permission_to_read_people_it_says_so(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    cloud.grant_consent(cloud.manual.client_id, ["Mail.Read"])
    with pytest.raises(Forbidden, match="permission is missing"):
        await discover(identity)
