"""Writing settings, rules and categories back: what could act on its own comes back switched off.

A rule is written switched off whatever it does: in another mailbox it is somebody else's mail that it would
move, delete or forward, and a writer does not know whose rule it writes.

Only what an undo brings back acts again, in the mailbox in which it acted before.

None of them can carry a restore key. A rule or category that is there already, as it was, counts as written
and is left alone; its id begins with `kept:`, and an undo does not take it away. A setting is one of its kind:
it is set to what it was, as is a category whose place another colour has taken.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from apps.connectors.base import Upsert
from apps.connectors.documents import canonical, props_of, read_document
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.paging import pages
from apps.connectors.writing import NewItem, WriteItem, Written
from apps.core.errors import Malformed

from .item_document import text_of
from .item_write import create_once, remove_item
from .settings_read import (
    CATEGORY,
    FOLDER,
    FOLDERS_OF_RULE,
    FORWARDS,
    GROUPS,
    RULE,
    SETTING,
    addresses_of,
    read_settings,
    settings_folder,
    upsert_of,
)

KEPT: Final = "kept:"
_NAMES: Final = "folderNames"
_NOT_OURS: Final = ("isReadOnly", _NAMES)
_DELETES: Final = ("delete", "permanentDelete")


class SettingsWriter:
    """Writes settings, rules and categories into one mailbox (`base.ItemWriter`)."""

    def __init__(self, graph: GraphClient, user: str) -> None:
        self._graph, self._pool, self._user = graph, graph.pool(user), user
        self._path = f"/users/{segment(user)}"

    async def folders(self) -> list[Upsert]:
        return [settings_folder()]

    async def ensure_folder(self, parent_id: str | None, name: str) -> str:
        return FOLDER

    async def remove_folder(self, remote_id: str) -> bool:
        return False

    async def find_restored(self, folder_id: str, restore_keys: Sequence[str]) -> dict[str, str]:
        """Nothing: a repeat finds what it wrote by what it is (`write`)."""
        return {}

    async def find_existing(self, folder_id: str, items: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        """Rules by their ids, categories also by their names; settings are always there."""
        live = await read_settings(self._graph, self._user)
        named = {
            text_of(document.get("displayName")).casefold(): remote_id
            for remote_id, document in live.items()
            if remote_id.startswith(CATEGORY)
        }
        found = {}
        for remote_id, props in items:
            name = text_of(props_of(props).get("name")).casefold()
            alike = named.get(name) if name and remote_id.startswith(CATEGORY) else None
            if there := remote_id if remote_id in live else alike:
                found[remote_id] = there
        return found

    async def write(self, item: WriteItem) -> NewItem:
        document = read_document(item.content)
        if _is_rule(document):
            return await self._write_rule(document, returning=item.returning)
        if _is_category(document):
            return await self._write_category(document, over=item.over)
        return await self._write_setting(document, returning=item.returning)

    async def _write_rule(self, document: dict[str, Any], *, returning: bool) -> NewItem:
        body, lost = await self._rule(document, returning=returning)
        live = await read_settings(self._graph, self._user)
        for remote_id, rule in live.items():
            same = remote_id.startswith(RULE) and _alike(rule, body) and _same_place(rule, body)
            if same and (not returning or rule.get("isEnabled", True) == body["isEnabled"]):
                return NewItem(KEPT + remote_id, tuple(lost) if rule.get("isEnabled") is False else ())
        path = f"{self._path}/mailFolders/inbox/messageRules"

        async def look() -> str | None:
            again = await read_settings(self._graph, self._user)
            new = ((key, rule) for key, rule in again.items() if key.startswith(RULE) and key not in live)
            found = (key for key, rule in new if _alike(rule, body))
            return next((key.removeprefix(RULE) for key in found), None)

        return NewItem(
            RULE + await create_once(self._graph, path, body, pool=self._pool, look=look), tuple(lost)
        )

    async def _rule(self, document: Mapping[str, Any], *, returning: bool) -> tuple[dict[str, Any], list[str]]:
        """Return the body of the creating request, and in words what it does not carry."""
        body = {key: value for key, value in document.items() if key not in _NOT_OURS and value is not None}
        actions, lost = dict(body.get("actions") or {}), list[str]()
        for name in FOLDERS_OF_RULE:
            if isinstance(actions.get(name), str):
                wanted = text_of((document.get(_NAMES) or {}).get(actions[name]))
                target = await self._folder(actions[name], wanted)
                if target:
                    actions[name] = target
                    continue
                del actions[name]
                lost.append(f"Its folder {wanted or 'of mail'} is not in this mailbox.")
        if body.get("isEnabled", True) and not returning:
            lost.append(_why_off(actions))
        body["isEnabled"] = returning and body.get("isEnabled", True) is True
        if not actions:
            actions["stopProcessingRules"] = False
        body["actions"] = actions
        body["sequence"] = body.get("sequence") or 1
        return body, lost

    async def _folder(self, folder_id: str, name: str) -> str:
        """Return the live folder of that id, else one of that name; "" when there is none."""
        found = ""
        async for page in pages(
            self._graph, f"{self._path}/mailFolders/delta?$select=id,displayName", pool=self._pool
        ):
            for each in page:
                if each.get("id") == folder_id:
                    return folder_id
                if name and text_of(each.get("displayName")).casefold() == name.casefold():
                    found = found or str(each["id"])
        return found

    async def _write_category(self, document: dict[str, Any], *, over: str) -> NewItem:
        path, name = f"{self._path}/outlook/masterCategories", text_of(document.get("displayName"))

        async def look() -> str | None:
            async for page in pages(self._graph, f"{path}?$top=100", pool=self._pool):
                for each in page:
                    if text_of(each.get("displayName")).casefold() == name.casefold():
                        return str(each["id"])
            return None

        body = {"displayName": name, "color": document.get("color") or "none"}
        if (found := await look()) and over == CATEGORY + found:
            colour = {"color": body["color"]}
            await self._graph.write_json(
                "PATCH", f"{path}/{segment(found)}", colour, pool=self._pool, repeatable=True
            )
            return NewItem(over)
        if found:
            return NewItem(KEPT + CATEGORY + found)
        return NewItem(CATEGORY + await create_once(self._graph, path, body, pool=self._pool, look=look))

    async def _write_setting(self, document: dict[str, Any], *, returning: bool) -> NewItem:
        key = next((key for key, (_, fields) in GROUPS.items() if set(document) & set(fields)), None)
        if key is None:
            raise Malformed("The stored setting is none that we know.")
        body, lost = _setting(document, returning=returning)
        await self._graph.write_json(
            "PATCH", f"{self._path}/mailboxSettings", body, pool=self._pool, repeatable=True
        )
        if not returning:
            lost.append("It takes the place of what was set before: a mailbox has one.")
        return NewItem(SETTING + key, tuple(lost))

    async def read_back(self, items: Mapping[str, WriteItem | None]) -> dict[str, Written]:
        live = await read_settings(self._graph, self._user)
        found: dict[str, Written] = {}
        for remote_id, item in items.items():
            document = live.get(remote_id.removeprefix(KEPT))
            if document is None:
                continue
            told = upsert_of(remote_id.removeprefix(KEPT), document)
            faults = tuple(await self._faults(document, item)) if item else ()
            found[remote_id] = Written(remote_id, FOLDER, told.name, None, state=told.etag, faults=faults)
        return found

    async def _faults(self, there: dict[str, Any], item: WriteItem) -> list[str]:
        document = read_document(item.content)
        if _is_rule(document):
            body, _ = await self._rule(document, returning=item.returning)
            return [] if _alike(there, body) else ["What it does"]
        if _is_category(document):
            same = text_of(there.get("color")) == text_of(document.get("color") or "none")
            return [] if same else ["Colour"]
        body, _ = _setting(document, returning=item.returning)
        return [
            name for name, value in body.items() if canonical({"v": there.get(name)}) != canonical({"v": value})
        ]

    async def remove(self, remote_id: str) -> None:
        """Delete a rule or category that a restore made. What was there before, and settings, stay."""
        if remote_id.startswith(RULE):
            path = f"{self._path}/mailFolders/inbox/messageRules/{segment(remote_id.removeprefix(RULE))}"
        elif remote_id.startswith(CATEGORY):
            path = f"{self._path}/outlook/masterCategories/{segment(remote_id.removeprefix(CATEGORY))}"
        else:
            return
        await remove_item(self._graph, path, pool=self._pool)


def _is_rule(document: Mapping[str, Any]) -> bool:
    return "displayName" in document and bool({"actions", "sequence"} & document.keys())


def _is_category(document: Mapping[str, Any]) -> bool:
    return "displayName" in document and not _is_rule(document)


def _setting(document: Mapping[str, Any], *, returning: bool) -> tuple[dict[str, Any], list[str]]:
    """Return what is set, and in words what is not: nobody is answered because of a restore."""
    body, lost = dict(document), list[str]()
    replies = body.get("automaticRepliesSetting")
    if not returning and isinstance(replies, dict) and replies.get("status") not in (None, "disabled"):
        body["automaticRepliesSetting"] = {**replies, "status": "disabled"}
        lost.append("The texts are back, the automatic replies themselves stay switched off.")
    return body, lost


def _why_off(actions: Mapping[str, Any]) -> str:
    people = [each for name in FORWARDS for each in addresses_of(actions.get(name))]
    does = [f"sends mail to {', '.join(people)}"] if people else []
    does += ["deletes mail"] if any(actions.get(name) for name in _DELETES) else []
    what = f"It {' and '.join(does)}: it" if does else "It"
    return f"{what} comes back switched off, like every rule, until somebody switches it on."


def _alike(rule: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Tell whether a live rule is the one that the body would make."""
    names = ("displayName", "conditions", "actions", "exceptions")
    return all(
        canonical({"v": rule.get(name) or {}}) == canonical({"v": body.get(name) or {}}) for name in names
    )


def _same_place(rule: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Tell whether both stand at the same place in the order: two rules alike otherwise are still two."""
    return bool((rule.get("sequence") or 1) == body["sequence"])
