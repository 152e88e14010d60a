"""Contacts: read by changes, and written back as they were, with folders, photos and fields without a name."""

import asyncio
from dataclasses import replace
from datetime import date
from itertools import count
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.connectors.base import Fetched, FetchProblem, NotOffered
from apps.connectors.documents import canonical, read_document
from apps.connectors.enums import SubService
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.connector import MicrosoftWriter
from apps.connectors.microsoft.exchange.contact_changes import _add, _depth, folder_upsert
from apps.connectors.microsoft.exchange.contact_compose import ADDRESSES, LISTS, MORE, TEXTS
from apps.connectors.writing import NewItem, WriteItem
from apps.core.errors import Forbidden, Gone
from apps.sandbox.testing import SandboxCloud
from tests.fixtures.sandbox import CONTRACT

from .reading import Reader, act
from .round_trip import carry, entity, truth

KIND = SubService.CONTACTS
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
numbers = count()
words = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(str.strip)
address = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("street", "city", "state", "countryOrRegion", "postalCode"), words)
)
email = st.fixed_dictionaries({"name": words, "address": st.emails()})
contact = st.fixed_dictionaries(
    {"displayName": words, "emailAddresses": st.lists(email, max_size=3)},
    optional={
        **dict.fromkeys(set(TEXTS) - {"displayName"}, words),
        **dict.fromkeys(LISTS, st.lists(words, min_size=1, max_size=3)),
        **dict.fromkeys(ADDRESSES, address),
        "birthday": st.dates(date(1900, 1, 1)).map(lambda day: f"{day}T00:00:00Z"),
        "singleValueExtendedProperties": st.sampled_from(sorted(MORE)).map(
            lambda name: [{"id": name, "value": "2" if name.startswith("Integer") else "+49 30 1"}]
        ),
    },
)


def new_mailbox(cloud: SandboxCloud) -> str:
    name = f"person{next(numbers)}@{cloud.domain}"
    cloud.add_user(name)
    return name


def put_photo(cloud: SandboxCloud, mailbox: str, contact_id: str, photo: bytes = PNG) -> None:
    headers = {"Authorization": f"Bearer {cloud.token()}", "Content-Type": "image/png"}
    url = f"{cloud.graph_url}/v1.0/users/{mailbox}/contacts/{contact_id}/photo/$value"
    assert httpx.put(url, content=photo, headers=headers, verify=False).status_code == 200


@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(contacts=st.lists(contact, min_size=3, max_size=9))
def test_any_contacts_come_back_with_all_their_fields(
    cloud: SandboxCloud, identity: AppIdentity, contacts: list[dict[str, Any]]
) -> None:
    source, target = new_mailbox(cloud), new_mailbox(cloud)
    outer = act(cloud, "POST", f"/users/{source}/contactFolders", {"displayName": "Suppliers"})["id"]
    inner = act(
        cloud, "POST", f"/users/{source}/contactFolders/{outer}/childFolders", {"displayName": "Abroad"}
    )["id"]
    for number, each in enumerate(contacts):
        place = ("contacts", f"contactFolders/{outer}/contacts", f"contactFolders/{inner}/contacts")[number % 3]
        made = act(cloud, "POST", f"/users/{source}/{place}", each)
        if number % 2:
            put_photo(cloud, source, made["id"])

    async def restore() -> tuple[dict[str, NewItem], list[str]]:
        return await carry(identity, await Reader(identity, source, KIND).read(), target)

    made, faults = asyncio.run(restore())
    assert faults == [] and all(each.not_possible == () for each in made.values())
    assert truth(cloud, target, KIND) == truth(cloud, source, KIND)
    values = [
        sorted(
            sorted(item for item in each["values"].items() if "Everkeep" not in item[0])
            for each in cloud.export(box)["contacts"]["items"]
        )
        for box in (source, target)
    ]
    assert values[0] == values[1]
    if CONTRACT.exists():
        assert cloud.contract_violations() == []


async def test_rounds_tell_what_changed_among_contacts(cloud: SandboxCloud, identity: AppIdentity) -> None:
    box = new_mailbox(cloud)
    path = f"/users/{box}/contacts"
    ids = [act(cloud, "POST", path, {"displayName": f"Person {n}"})["id"] for n in range(5)]
    folder = act(cloud, "POST", f"/users/{box}/contactFolders", {"displayName": "Old"})["id"]
    moved = act(cloud, "POST", f"/users/{box}/contactFolders/{folder}/contacts", {"displayName": "Inside"})[
        "id"
    ]
    reader = await Reader(identity, box, KIND).read()
    assert set(reader.mails) == {*ids, moved} and reader.counts[folder] == 1
    assert {each.name for each in reader.folders.values()} == {"Contacts", "Old"}
    before = reader.mails[ids[0]].etag
    put_photo(cloud, box, ids[0])
    act(cloud, "PATCH", f"{path}/{ids[1]}", {"companyName": "Curie & Co", "mobilePhone": "+33 1"})
    act(cloud, "DELETE", f"{path}/{ids[2]}")
    act(cloud, "DELETE", f"/users/{box}/contactFolders/{folder}")
    await reader.read()
    assert set(reader.mails) == {ids[0], ids[1], ids[3], ids[4]} and len(reader.folders) == 1
    assert {each.remote_id for each in reader.named if not each.is_folder} == {ids[0], ids[1]}
    assert reader.mails[ids[0]].etag != before
    assert reader.mails[ids[1]].recipients == "Curie & Co"
    assert read_document(reader.mails[ids[1]].props)["phone"] == "+33 1"
    fetched = (await reader.fetch(ids[0]))[ids[0]]
    assert isinstance(fetched, Fetched) and fetched.attachments == (PNG,)
    (entry,) = read_document(fetched.content)["attachments"]
    assert entry == {"name": "photo", "contentType": "image/png", "size": len(PNG), "part": 0}


async def test_a_photo_that_comes_without_content_is_asked_for_again_by_the_next_run(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    box = new_mailbox(cloud)
    ann = act(cloud, "POST", f"/users/{box}/contacts", {"displayName": "Ann"})["id"]
    put_photo(cloud, box, ann)
    reader = await Reader(identity, box, KIND).read()
    fault = cloud.add_fault("error", path="photo", count=None, status=200, raw="")
    answer = (await reader.fetch(ann))[ann]
    assert cloud.reached(fault)
    assert isinstance(answer, FetchProblem) and answer.skip is None
    cloud.clear_faults()
    answer = (await reader.fetch(ann))[ann]
    assert isinstance(answer, Fetched) and answer.attachments == (PNG,)


def test_a_list_that_names_all_levels_at_once_leaves_each_folder_where_it_lies() -> None:
    found = {"root": folder_upsert({"id": "root"}, None, "contacts")}
    _add(found, [{"id": "inner"}, {"id": "outer"}], "root")
    _add(found, [{"id": "inner"}], "outer")
    _add(found, [{"id": "outer"}, {"id": "inner"}], "root")
    assert found["inner"].parent_id == "outer" and found["outer"].parent_id == "root"
    assert sorted(found, key=lambda each: _depth(found[each], found)) == ["root", "outer", "inner"]


@pytest.mark.parametrize("trouble", ["forgets", "full", "repeats", "answers badly"])
async def test_contacts_are_read_in_trouble(cloud: SandboxCloud, identity: AppIdentity, trouble: str) -> None:
    box = new_mailbox(cloud)
    ids = [act(cloud, "POST", f"/users/{box}/contacts", {"displayName": f"P {n}"})["id"] for n in range(8)]
    reader = await Reader(identity, box, KIND).read()
    act(cloud, "DELETE", f"/users/{box}/contacts/{ids.pop()}")
    if trouble == "forgets":
        cloud.set_mailbox(box, forget_sync_state=True)
    elif trouble == "full":
        cloud.set_mailbox(box, over_quota=True)
    elif trouble == "repeats":
        cloud.switch(repeat_in_delta=True, empty_delta_pages=True)
    else:
        cloud.add_fault("truncate", path="/contacts/delta", count=1)
    await reader.read()
    assert set(reader.mails) == set(ids) and reader.failed == []
    assert len(await reader.fetch()) == len(ids)


async def test_a_folder_that_cannot_be_read_fails_alone_and_is_read_later(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    box = new_mailbox(cloud)
    act(cloud, "POST", f"/users/{box}/contacts", {"displayName": "Outside"})
    folder = act(cloud, "POST", f"/users/{box}/contactFolders", {"displayName": "Broken"})["id"]
    act(cloud, "POST", f"/users/{box}/contactFolders/{folder}/contacts", {"displayName": "Inside"})
    fault = {"path": f"{folder}/contacts", "count": None, "status": 403, "code": "ErrorAccessDenied"}
    cloud.add_fault("error", **fault)
    reader = await Reader(identity, box, KIND).read()
    assert [each.name for each in reader.mails.values()] == ["Outside"]
    assert [each.folder_id for each in reader.failed] == [folder]
    cloud.clear_faults()
    await reader.read()
    assert {each.name for each in reader.mails.values()} == {"Outside", "Inside"} and reader.failed == []


@pytest.mark.parametrize("times", [1, None])
async def test_a_list_that_breaks_off_ends_no_contact(
    cloud: SandboxCloud, identity: AppIdentity, times: int | None
) -> None:
    box = new_mailbox(cloud)
    act(cloud, "POST", f"/users/{box}/contacts", {"displayName": "Ann"})
    reader = await Reader(identity, box, KIND).read()
    reader.cursor = None
    breaks_off = {"status": 200, "raw": '{"value": []}', "count": times}
    fault = cloud.add_fault("error", path="contacts/delta", **breaks_off)
    await reader.read()
    assert cloud.reached(fault)
    assert [each.name for each in reader.mails.values()] == ["Ann"]


@pytest.mark.parametrize("kind", [KIND, SubService.TASKS])
async def test_a_mailbox_without_such_data_says_so_and_is_not_gone(
    cloud: SandboxCloud, identity: AppIdentity, kind: SubService
) -> None:
    box = new_mailbox(cloud)
    cloud.add_fault("error", path="(contactFolders|todo)/", status=404, code="ErrorItemNotFound", count=None)
    with pytest.raises(NotOffered):
        await Reader(identity, box, kind).read()
    cloud.clear_faults()
    cloud.set_mailbox(box, remove=True)
    with pytest.raises(Gone):
        await Reader(identity, box, kind).read()


async def test_a_contact_is_found_again_by_id_or_by_name_and_address(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    box, other = new_mailbox(cloud), new_mailbox(cloud)
    marie = {"displayName": "Marie", "emailAddresses": [{"name": "M", "address": "marie@science.example"}]}
    alias = {**marie, "displayName": "Marie at home"}
    bare = {"displayName": "Nobody's address"}
    for each in (marie, alias, bare):
        act(cloud, "POST", f"/users/{box}/contacts", each)
    reader = await Reader(identity, box, KIND).read()
    known = [(key, each.props) for key, each in reader.mails.items()]
    async with MicrosoftWriter(identity) as opened:
        here, there = opened.items(entity(box), KIND), opened.items(entity(other), KIND)
        folder = next(each.remote_id for each in await here.folders())
        assert await here.find_existing(folder, known) == {key: key for key in reader.mails}
        foreign = next(each.remote_id for each in await there.folders())
        assert await there.find_existing(foreign, known) == {}
        made = {name: act(cloud, "POST", f"/users/{other}/contacts", each)["id"] for name, each in
                (("Marie", marie), ("Nobody's address", bare))}  # fmt: skip
        found = await there.find_existing(foreign, known)
        assert {reader.mails[key].name: value for key, value in found.items()} == made
        nobody = made.pop("Nobody's address")
        act(cloud, "PATCH", f"/users/{other}/contacts/{nobody}", {"mobilePhone": "+39 06 1"})
        found = await there.find_existing(foreign, known)
        assert {reader.mails[key].name: value for key, value in found.items()} == made


async def test_a_contact_is_written_once_whatever_happens_on_the_way(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    box = new_mailbox(cloud)
    document = {"displayName": "Once", "categories": ["Friends"], "attachments": [{"name": "photo", "part": 0}]}
    async with MicrosoftWriter(identity) as opened:
        writer = opened.items(entity(box), KIND)
        folder = next(each.remote_id for each in await writer.folders())
        item = WriteItem("k-1", folder, canonical(document), b"{}", "Once", (PNG,), ("Restored today",))
        cloud.add_fault("reset", method="POST", path="/contacts$", when="mid")
        cloud.add_fault("error", method="PUT", path="photo", status=404, code="ErrorItemNotFound")
        new = await writer.write(item)
        (there,) = cloud.export(box)["contacts"]["items"]
        assert there["document"]["categories"] == ["Friends", "Restored today"]
        assert list(there["values"].values()) == ["k-1"] and there["files"][0]["role"] == "photo"
        act(
            cloud,
            "PATCH",
            f"/users/{box}/contacts/{new.remote_id}",
            {"displayName": "Renamed", "categories": []},
        )
        act(cloud, "DELETE", f"/users/{box}/contacts/{new.remote_id}/photo/$value")
        written = (await writer.read_back({new.remote_id: item}))[new.remote_id]
        assert written.faults == ("Name", "Categories", "Photo") and written.folder_id == folder
        await writer.remove(new.remote_id)
        await writer.remove(new.remote_id)
        assert await writer.read_back({new.remote_id: item}) == {}
        made = await writer.ensure_folder(None, "Restored")
        assert await writer.ensure_folder(None, "RESTORED") == made
        assert await writer.remove_folder(made) is True
    assert cloud.export(box)["contacts"]["items"] == []


async def test_a_contact_that_is_half_written_is_nobodys(cloud: SandboxCloud, identity: AppIdentity) -> None:
    box = new_mailbox(cloud)
    document = {"displayName": "Once", "attachments": [{"name": "photo", "part": 0}]}
    async with MicrosoftWriter(identity) as opened:
        writer = opened.items(entity(box), KIND)
        folder = next(each.remote_id for each in await writer.folders())
        gone = act(cloud, "POST", f"/users/{box}/contacts", {"displayName": "Once"})["id"]
        await writer.remove(gone)
        known = [(gone, canonical({"name": "Once"}))]
        item = WriteItem("k-1", folder, canonical(document), b"{}", "Once", (PNG,))
        await writer.write(replace(item, restore_key="unfinished:k-1", attachments=()))
        assert await writer.find_existing(folder, known) == {}
        cloud.add_fault("error", method="PATCH", count=None, status=403, code="ErrorAccessDenied")
        with pytest.raises(Forbidden):
            await writer.write(item)
        cloud.clear_faults()
        assert cloud.export(box)["contacts"]["items"] == []
        new = (await writer.write(item)).remote_id
        assert await writer.find_existing(folder, known) == {gone: new}


async def test_a_photo_that_could_not_be_backed_up_is_named_whatever_else_is_lost(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    box = new_mailbox(cloud)
    mails = [{"address": f"marie{number}@science.example"} for number in range(4)]
    document = {"displayName": "Marie", "attachments": [{"name": "photo", "unreadable": "malwareDetected"}]}
    async with MicrosoftWriter(identity) as opened:
        writer = opened.items(entity(box), KIND)
        folder = next(each.remote_id for each in await writer.folders())
        item = WriteItem("key", folder, canonical({**document, "emailAddresses": mails}), b"{}")
        assert (await writer.write(item)).not_possible == (
            "E-mail marie3@science.example: a contact has room for three.",
            "The photo could not be backed up.",
        )
