"""One item on its way into a part: its file in the wanted format, its original JSON, and its files beside."""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from apps.backups.selectors.browse import Node, Stored
from apps.vault.api import ContentPart, VaultReader

from ..formats.item import Attached, Item, NotConvertible
from ..formats.registry import Format, convert
from .gathering import Gathering
from .names import Names
from .part import PartWriter
from .stored import Parts, document_item, message_item, parts_of_item

ORIGINAL = "json"


@dataclass(slots=True)
class Bundle:
    """What has been written of an item so far: it is kept even when the rest cannot be read."""

    path: str = ""
    size: int = 0
    note: str = ""
    taken: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Packer:
    """Puts items into one part."""

    writer: PartWriter
    names: Names
    reader: VaultReader

    def pack(
        self, bundle: Bundle, node: Node, stored: Stored, *, place: str, wanted: Format, gathering: Gathering
    ) -> None:
        """Write the item. Raises EverkeepError where its bytes cannot be had."""
        parts = parts_of_item(stored.content)
        if parts.is_message:
            self._pack_message(bundle, node, parts, place)
            gathering.add(replace(message_item(node, stored), path=bundle.path))
            return
        body = self.reader.read(parts.body)
        item = document_item(self.reader, node, parts, body)
        endings = [*(form.ending for form in wanted.forms), ORIGINAL]
        stem = self.names.path_for(place, node.name, lambda path: [f"{path}.{each}" for each in endings])
        item = replace(item, files=self._named(bundle, stem, item.files))
        self._write_forms(bundle, item, stem, wanted, node)
        bundle.size += self._add(bundle, f"{stem}.{ORIGINAL}", [body], node)
        bundle.path = bundle.path or f"{stem}.{ORIGINAL}"
        gathering.add(item)
        self._add_files(bundle, item.files, parts.files, node)

    def _pack_message(self, bundle: Bundle, node: Node, parts: Parts, place: str) -> None:
        path = self.names.path_for(place, node.name, lambda path: [f"{path}.eml"]) + ".eml"
        bundle.size = self.writer.add(path, self.reader.stream(parts.body), node.time)
        bundle.path = path

    def _write_forms(self, bundle: Bundle, item: Item, stem: str, wanted: Format, node: Node) -> None:
        for form in wanted.forms:
            path = f"{stem}.{form.ending}"
            if form.write is None:
                continue
            try:
                data = convert(form.write, item)
            except NotConvertible as error:
                bundle.note = f"Only as JSON: {error}"
                continue
            bundle.size += self._add(bundle, path, [data], node)
            bundle.path = bundle.path or path

    def _named(self, bundle: Bundle, stem: str, files: Sequence[Attached]) -> list[Attached]:
        """Give each file a place beside the item; its path leads there from the item's own file."""
        place, named = f"{stem} files/", []
        here = len(stem.rpartition("/")[0]) + 1
        for file in files:
            path = self.names.file_for(place, _with_ending(file), otherwise="File")
            bundle.taken.append(path)
            named.append(replace(file, path=quote(path[here:])))
        return named

    def _add_files(
        self, bundle: Bundle, files: Sequence[Attached], parts: Sequence[ContentPart], node: Node
    ) -> None:
        paths = bundle.taken[: len(files)]
        for path, part in zip(paths, parts, strict=True):
            bundle.size += self.writer.add(path, self.reader.stream(part), node.time)

    def _add(self, bundle: Bundle, path: str, chunks: list[bytes], node: Node) -> int:
        bundle.taken.append(path)
        return self.writer.add(path, chunks, node.time)


def _with_ending(file: Attached) -> str:
    if "." in file.name:
        return file.name
    return file.name + (mimetypes.guess_extension(file.content_type.partition(";")[0]) or "")
