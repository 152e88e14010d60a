"""Every request of ours, and what the sandbox answers, follows Microsoft's official description."""

import pytest

from apps.connectors.base import EntityRef, Fetched
from apps.connectors.enums import EntityKind, SubService
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.connector import MicrosoftConnector, MicrosoftWriter
from apps.connectors.writing import ListsFolders, WriteItem
from apps.sandbox.testing import SandboxCloud
from tests.fixtures.sandbox import CONTRACT

from .reading import Reader
from .round_trip import carry
from .test_write_mail import BOB, LARGE, with_files

pytestmark = pytest.mark.skipif(not CONTRACT.exists(), reason="the official description is not at hand")


async def test_reading_and_writing_a_mailbox_keeps_to_the_official_description(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    cloud.reset(users=4, messages=120)
    before = len(cloud.contract_violations())
    async with MicrosoftConnector(identity) as connector:
        await connector.test()
        found = [each async for each in connector.discover()]
    reader = await Reader(identity, BOB).read()
    cloud.advance(days=2)
    contents = await (await reader.read()).fetch()
    cloud.set_mailbox(BOB, over_quota=True)
    await Reader(identity, BOB).read()
    target = next(each for each in found if each.kind == EntityKind.SHARED_MAILBOX)
    to = EntityRef(target.remote_id, target.kind, target.address)
    async with MicrosoftWriter(identity) as opened:
        writer = opened.items(to, SubService.MAIL)
        folder = await writer.ensure_folder(None, "Restored")
        for remote_id, mail in list(reader.mails.items())[:10]:
            content = contents[remote_id]
            assert isinstance(content, Fetched)
            await writer.write(WriteItem(remote_id, folder, content.content, mail.props))
        large = (await writer.write(WriteItem("large", folder, with_files(b"x" * LARGE), b"{}"))).remote_id
        await writer.find_existing(folder, [(key, mail.props) for key, mail in reader.mails.items()])
        await writer.read_back({large: WriteItem("large", folder, with_files(b"x" * LARGE), b"{}")})
        assert isinstance(writer, ListsFolders)
        assert set((await writer.list_folder(folder)).etags) > {large}
        await writer.remove(large)
    assert cloud.contract_violations()[before:] == []


@pytest.mark.parametrize("kind", [SubService.CONTACTS, SubService.TASKS])
async def test_days_of_people_at_work_are_followed_and_written_elsewhere_by_the_description(
    cloud: SandboxCloud, identity: AppIdentity, kind: SubService
) -> None:
    cloud.reset(users=3, messages=100)
    reader = await Reader(identity, BOB, kind).read()
    for _ in range(3):
        cloud.advance(days=1)
        await reader.read()
    there = cloud.export(BOB)[kind.value]
    paths = {each["path"] for each in there["folders"] if each["wellKnown"] != "flaggedemails"}
    assert len(there["items"]) > 3 and len(paths) > 1
    assert {key.rpartition("/")[2] for key in reader.mails} == {each["id"] for each in there["items"]}
    made, faults = await carry(identity, reader, f"info@{cloud.domain}")
    assert faults == [] and len(made) == len(reader.mails)
    back = await Reader(identity, f"info@{cloud.domain}", kind).read()
    assert {each.name for each in reader.folders.values()} <= {each.name for each in back.folders.values()}
    assert cloud.contract_violations() == []
