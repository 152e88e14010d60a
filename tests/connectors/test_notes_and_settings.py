"""Notes, settings, rules and categories: read as documents, written back so that nothing acts on its own."""

import asyncio
import json
from itertools import count
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.connectors.base import ContentForm, EntityRef, Fetched, NotOffered, Upsert
from apps.connectors.documents import props_of, read_document
from apps.connectors.enums import EntityKind, SubService
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.connector import MicrosoftConnector, MicrosoftWriter
from apps.connectors.writing import NewItem, WriteItem, Written
from apps.sandbox.testing import SandboxCloud

numbers = count()
words = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(str.strip)
pytestmark = pytest.mark.usefixtures("cloud")


def new_mailbox(cloud: SandboxCloud) -> str:
    name = f"notes{next(numbers)}@{cloud.domain}"
    cloud.add_user(name)
    return name


def ref(mailbox: str) -> EntityRef:
    return EntityRef(mailbox, EntityKind.USER_MAILBOX, mailbox)


class Graph:
    """A person who works in a mailbox."""

    def __init__(self, cloud: SandboxCloud, mailbox: str) -> None:
        base = f"{cloud.graph_url}/v1.0/users/{mailbox}/"
        token = {"Authorization": f"Bearer {cloud.token()}"}
        self.http = httpx.Client(base_url=base, headers=token, verify=False)  # plain http

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


async def read(
    identity: AppIdentity, mailbox: str, kind: SubService, cursor: Any = None
) -> tuple[list[Any], dict[str, Fetched], Any]:
    """One round: all changes, the contents of the items among them, the cursor."""
    changes: list[Any] = []
    async with MicrosoftConnector(identity) as connector:
        async for page in connector.changes(ref(mailbox), kind, cursor):
            changes += page.changes
            cursor = page.cursor or cursor
        ids = [each.remote_id for each in changes if isinstance(each, Upsert) and not each.is_folder]
        found = {each.remote_id: each async for each in connector.fetch(ref(mailbox), kind, ids)}
    assert all(isinstance(each, Fetched) and each.form is ContentForm.DOCUMENT for each in found.values())
    return changes, found, cursor  # type: ignore[return-value]


async def carry(
    identity: AppIdentity, kind: SubService, source: str, target: str
) -> tuple[dict[str, NewItem], dict[str, Written]]:
    """Back up one mailbox and restore it into another; returns what came of each item."""
    changes, contents, _ = await read(identity, source, kind)
    made: dict[str, NewItem] = {}
    async with MicrosoftWriter(identity) as opened:
        writer = opened.items(ref(target), kind)
        folder = (await writer.folders())[0].remote_id
        items: dict[str, WriteItem | None] = {}
        for each in changes:
            if isinstance(each, Upsert) and not each.is_folder:
                stored = contents[each.remote_id]
                item = WriteItem(
                    f"key-{each.remote_id}", folder, stored.content, each.props, each.name, stored.attachments
                )
                made[each.name] = await writer.write(item)
                items[made[each.name].remote_id] = item
        return made, await writer.read_back(items)


def notes_of(cloud: SandboxCloud, mailbox: str) -> list[Any]:
    kept = [
        [{name: value for name, value in each["document"].items() if value}, each["files"]]
        for each in cloud.export(mailbox)["notes"]["items"]
    ]
    return sorted(kept, key=lambda each: json.dumps(each, sort_keys=True))


note = st.fixed_dictionaries(
    {"subject": words, "body": st.fixed_dictionaries({"contentType": st.just("text"), "content": words})},
    optional={
        "categories": st.lists(words, max_size=2, unique=True),
        "attachments": st.just(
            [{"@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentBytes": "aGk="}]
        ),
    },
)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(notes=st.lists(note, min_size=1, max_size=4, unique_by=lambda each: each["subject"]))
def test_any_notes_come_back_as_they_were(
    cloud: SandboxCloud, identity: AppIdentity, notes: list[dict[str, Any]]
) -> None:
    source, target = new_mailbox(cloud), new_mailbox(cloud)
    write = Graph(cloud, source)
    for each in notes:
        write("POST", "notes", each)
    made, written = asyncio.run(carry(identity, SubService.NOTES, source, target))
    assert notes_of(cloud, target) == notes_of(cloud, source)
    assert len(made) == len(notes)
    assert not [each.faults for each in written.values() if each.faults]


def test_notes_are_told_by_changes_and_a_repeated_restore_finds_them(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    mailbox = new_mailbox(cloud)
    write = Graph(cloud, mailbox)
    first = write(
        "POST", "notes", {"subject": "Dough", "body": {"contentType": "text", "content": "Flour\nWater"}}
    )
    changes, contents, cursor = asyncio.run(read(identity, mailbox, SubService.NOTES))
    (item,) = [each for each in changes if isinstance(each, Upsert) and not each.is_folder]
    assert (item.name, item.parent_id, props_of(item.props)["preview"]) == ("Dough", "notes", "Flour Water")
    assert "changeKey" not in read_document(contents[item.remote_id].content)
    write("DELETE", f"notes/{first['id']}")
    again, _, _ = asyncio.run(read(identity, mailbox, SubService.NOTES, cursor))
    assert item.remote_id in {getattr(each, "remote_id", "") for each in again}

    async def restore_twice() -> tuple[str, dict[str, str], dict[str, str]]:
        async with MicrosoftWriter(identity) as opened:
            writer = opened.items(ref(mailbox), SubService.NOTES)
            written = WriteItem("k", "notes", contents[item.remote_id].content, item.props)
            new = await writer.write(written)
            existing = await writer.find_existing("notes", [(item.remote_id, item.props)])
            return new.remote_id, await writer.find_restored("notes", ["k"]), existing

    new, restored, existing = asyncio.run(restore_twice())
    assert restored == {"k": new}
    assert existing == {item.remote_id: new}


def test_where_graph_has_no_notes_the_kind_is_not_offered(cloud: SandboxCloud, identity: AppIdentity) -> None:
    mailbox = new_mailbox(cloud)
    cloud.add_fault("error", path="notes", status=400, code="BadRequest", count=None)
    with pytest.raises(NotOffered):
        asyncio.run(read(identity, mailbox, SubService.NOTES))


def test_rules_categories_and_settings_come_back_and_nothing_begins_to_send_mail(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    source, target = new_mailbox(cloud), new_mailbox(cloud)
    write, there = Graph(cloud, source), Graph(cloud, target)
    orders = write("POST", "mailFolders", {"displayName": "Orders"})["id"]
    there("POST", "mailFolders", {"displayName": "Orders"})
    rules = "mailFolders/inbox/messageRules"
    outside = [{"emailAddress": {"name": "Me", "address": "me@home.example"}}]
    subject = {"subjectContains": ["order"]}
    inside = [{"emailAddress": {"name": "Boss", "address": f"boss@{cloud.domain}"}}]
    kinds: dict[str, dict[str, Any]] = {
        "Sort": {"moveToFolder": orders},
        "Send home": {"forwardTo": outside},
        "Redirect": {"redirectTo": inside},
        "Bin": {"delete": True},
        "Shred": {"permanentDelete": True},
    }
    for name, actions in kinds.items():
        body = {
            "displayName": name,
            "sequence": 1,
            "isEnabled": True,
            "conditions": subject,
            "actions": actions,
        }
        write("POST", rules, body)
    write("POST", "outlook/masterCategories", {"displayName": "Urgent", "color": "preset3"})
    replies = {"status": "alwaysEnabled", "internalReplyMessage": "Back soon", "externalAudience": "none"}
    zone = "W. Europe Standard Time"
    write("PATCH", "mailboxSettings", {"automaticRepliesSetting": replies, "timeZone": zone})
    made, written = asyncio.run(carry(identity, SubService.SETTINGS, source, target))
    assert not [each.faults for each in written.values() if each.faults]
    by_name = {each["displayName"]: each for each in there("GET", rules)["value"]}
    folders = {each["displayName"]: each["id"] for each in there("GET", "mailFolders?$top=100")["value"]}
    assert by_name["Sort"]["actions"]["moveToFolder"] == folders["Orders"], (
        "the folder of that name, not that id"
    )
    assert set(by_name) == set(kinds)
    assert not [name for name, rule in by_name.items() if rule["isEnabled"]], "it is another person's mail"
    assert "me@home.example" in made["Rule: Send home"].not_possible[0]
    assert "deletes mail" in made["Rule: Shred"].not_possible[0]
    assert all("switched off" in made[f"Rule: {name}"].not_possible[0] for name in kinds)
    again, _ = asyncio.run(carry(identity, SubService.SETTINGS, source, target))
    assert len(there("GET", rules)["value"]) == len(kinds)
    assert "switched off" in again["Rule: Bin"].not_possible[0], "the one that is there is off"
    categories = there("GET", "outlook/masterCategories")["value"]
    assert {(each["displayName"], each["color"]) for each in categories} >= {("Urgent", "preset3")}
    now = there("GET", "mailboxSettings")
    assert now["timeZone"] == zone
    assert now["automaticRepliesSetting"]["status"] == "disabled"
    assert now["automaticRepliesSetting"]["internalReplyMessage"] == "Back soon"


def test_what_was_there_before_a_restore_is_neither_doubled_nor_taken_away_by_its_undo(
    cloud: SandboxCloud, identity: AppIdentity
) -> None:
    mailbox = new_mailbox(cloud)
    write = Graph(cloud, mailbox)
    rules = "mailFolders/inbox/messageRules"
    body = {"displayName": "Tidy", "sequence": 2, "actions": {"markAsRead": True}}
    write("POST", rules, body)
    made, _ = asyncio.run(carry(identity, SubService.SETTINGS, mailbox, mailbox))

    async def undo() -> None:
        async with MicrosoftWriter(identity) as opened:
            writer = opened.items(ref(mailbox), SubService.SETTINGS)
            for each in made.values():
                await writer.remove(each.remote_id)

    before = asyncio.run(read(identity, mailbox, SubService.SETTINGS))[0]
    asyncio.run(undo())
    assert asyncio.run(read(identity, mailbox, SubService.SETTINGS))[0] == before
    (tidy,) = [each for each in write("GET", rules)["value"] if each["displayName"] == "Tidy"]
    assert tidy["isEnabled"] and made["Rule: Tidy"].not_possible == ()
