"""What a mailbox is set to, as items: settings, rules of the inbox, categories.

There are few of them and no list of changes, so each round reads all of them. The ids of items are made here:
`setting:…`, `rule:…`, `category:…`.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from apps.connectors.base import (
    ChangePage,
    ContentForm,
    Cursor,
    Fetched,
    FetchProblem,
    FolderListed,
    FoldersListed,
    Upsert,
)
from apps.connectors.documents import canonical
from apps.connectors.enums import SkipCause
from apps.connectors.microsoft.batch import Part, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.governor import Pool
from apps.connectors.microsoft.paging import pages

from .item_document import list_of, plain, text_of

FOLDER: Final = "settings"
SETTING, RULE, CATEGORY = "setting:", "rule:", "category:"
GROUPS: Final = {
    "automaticReplies": ("Automatic replies", ("automaticRepliesSetting",)),
    "locale": ("Time zone and language", ("timeZone", "language", "dateFormat", "timeFormat")),
    "workingHours": ("Working hours", ("workingHours",)),
    "delegates": ("Meeting messages of delegates", ("delegateMeetingMessageDeliveryOptions",)),
}
FORWARDS: Final = ("forwardTo", "forwardAsAttachmentTo", "redirectTo")
FOLDERS_OF_RULE: Final = ("moveToFolder", "copyToFolder")
_DROPPED: Final = frozenset({"id", "hasError"})
_DOES: Final = {"delete": "deletes", "permanentDelete": "deletes for good", "markAsRead": "marks as read"}
_NAMES: Final = "folderNames"

Entry = Mapping[str, Any]


async def setting_changes(graph: GraphClient, user: str, cursor: Cursor | None) -> AsyncIterator[ChangePage]:
    """Yield everything there is: what did not change has the etag that it had."""
    found = await read_settings(graph, user)
    yield ChangePage([settings_folder(), FoldersListed()])
    yield ChangePage([*(upsert_of(key, each) for key, each in found.items()), FolderListed(FOLDER, len(found))])
    yield ChangePage([], cursor={"v": 1})


async def fetch_settings(
    graph: GraphClient, user: str, remote_ids: Sequence[str]
) -> AsyncIterator[Fetched | FetchProblem]:
    """Yield exactly one answer per id: all are read once more, whatever is asked for."""
    found = await read_settings(graph, user)
    for remote_id in dict.fromkeys(remote_ids):
        document = found.get(remote_id)
        if document is None:
            yield FetchProblem(remote_id, SkipCause.GONE.label, skip=SkipCause.GONE)
        else:
            yield Fetched(remote_id, canonical(document), ContentForm.DOCUMENT)


async def list_settings(graph: GraphClient, user: str, remote_ids: Sequence[str]) -> dict[str, Upsert]:
    """Return by id how these are now; those that are not there are left out."""
    found = await read_settings(graph, user)
    return {each: upsert_of(each, found[each]) for each in dict.fromkeys(remote_ids) if each in found}


async def read_settings(graph: GraphClient, user: str) -> dict[str, dict[str, Any]]:
    """Return every setting, rule and category by its id. Raises Forbidden, Gone, Unavailable."""
    pool, path = graph.pool(user), f"/users/{segment(user)}"
    settings = plain(await graph.get_json(f"{path}/mailboxSettings", pool=pool))
    found = {
        SETTING + key: document
        for key, (_, fields) in GROUPS.items()
        if (document := {name: settings[name] for name in fields if settings.get(name)})
    }
    rules: list[dict[str, Any]] = []
    async for page in pages(graph, f"{path}/mailFolders/inbox/messageRules?$top=100", pool=pool):
        rules += page
    names = await _folder_names(graph, path, rules, pool=pool)
    for rule in rules:
        used = {each: names[each] for each in _folders_of(rule) if each in names}
        document = plain(rule, dropped=_DROPPED) | ({_NAMES: used} if used else {})
        found[RULE + str(rule["id"])] = document
    async for page in pages(graph, f"{path}/outlook/masterCategories?$top=100", pool=pool):
        found |= {CATEGORY + str(each["id"]): plain(each, dropped=_DROPPED) for each in page}
    return found


async def _folder_names(graph: GraphClient, path: str, rules: Sequence[Entry], *, pool: Pool) -> dict[str, str]:
    """Return the names of the folders that rules use: in another mailbox their ids mean nothing."""
    wanted = list(dict.fromkeys(each for rule in rules for each in _folders_of(rule)))
    names: dict[str, str] = {}
    for few in in_batches(wanted):
        parts = [Part(each, f"{path}/mailFolders/{segment(each)}?$select=id,displayName") for each in few]
        for answer in await run_batch(graph, parts, pool=pool):
            if isinstance(answer.body, dict) and answer.fault is None:
                names[answer.key] = text_of(answer.body.get("displayName"))
    return names


def _folders_of(rule: Entry) -> list[str]:
    actions = rule.get("actions") or {}
    return [actions[name] for name in FOLDERS_OF_RULE if isinstance(actions.get(name), str)]


def settings_folder() -> Upsert:
    return Upsert(FOLDER, None, True, "Mailbox settings", "1", b"{}", well_known=FOLDER)


def upsert_of(remote_id: str, document: dict[str, Any]) -> Upsert:
    """Turn one of them into a change. Equal documents have equal etags."""
    kind, name, summary = _described(remote_id, document)
    named = {"name": text_of(document.get("displayName"))} if kind == "category" else {}
    return Upsert(
        remote_id=remote_id,
        parent_id=FOLDER,
        is_folder=False,
        name=name,
        etag=hashlib.blake2b(canonical(document), digest_size=12).hexdigest(),
        props=canonical({"type": kind, "summary": summary, **named}),
    )


def _described(remote_id: str, document: Entry) -> tuple[str, str, str]:
    """Return type, name and summary."""
    if remote_id.startswith(RULE):
        return "rule", f"Rule: {text_of(document.get('displayName'))}", summary_of_rule(document)
    if remote_id.startswith(CATEGORY):
        return "category", f"Category: {text_of(document.get('displayName'))}", text_of(document.get("color"))
    key = remote_id.removeprefix(SETTING)
    return "setting", GROUPS[key][0], _summary_of_setting(key, document)


def summary_of_rule(document: Entry) -> str:
    """Say in a line what a rule does."""
    actions, names = document.get("actions") or {}, document.get(_NAMES) or {}
    words = [] if document.get("isEnabled", True) else ["Switched off"]
    for name, verb in (("moveToFolder", "moves to"), ("copyToFolder", "copies to")):
        if actions.get(name):
            words.append(f"{verb} {names.get(actions[name], 'a folder')}")
    people = [address for name in FORWARDS for address in addresses_of(actions.get(name))]
    if people:
        words.append(f"forwards to {', '.join(people)}")
    words += [said for name, said in _DOES.items() if actions.get(name)]
    if labels := list_of(actions.get("assignCategories")):
        words.append(f"marks as {', '.join(map(str, labels))}")
    text = "; ".join(words)
    return text[:1].upper() + text[1:]


def addresses_of(recipients: Any) -> list[str]:
    """Return the addresses of a rule's action."""
    people = [each.get("emailAddress") for each in list_of(recipients) if isinstance(each, dict)]
    return [text_of(each.get("address")) for each in people if isinstance(each, dict) and each.get("address")]


def _summary_of_setting(key: str, document: Entry) -> str:
    if key == "automaticReplies":
        status = (document.get("automaticRepliesSetting") or {}).get("status")
        return {"disabled": "Off", "alwaysEnabled": "On", "scheduled": "On for a time"}.get(str(status), "")
    if key == "locale":
        language = (document.get("language") or {}).get("displayName")
        return ", ".join(str(each) for each in (document.get("timeZone"), language) if each)
    if key == "workingHours":
        hours = document.get("workingHours") or {}
        return f"{str(hours.get('startTime'))[:5]} to {str(hours.get('endTime'))[:5]}"
    return text_of(document.get("delegateMeetingMessageDeliveryOptions"))
