"""Files that hold all items of a folder (address book, calendar, table), written while the items go by."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from ..formats.item import Item, NotConvertible
from ..formats.registry import Format, convert
from ..formats.tables import Gatherer
from .names import Names
from .part import PartWriter

_IN_MEMORY = 1_000_000


class Gathering:
    """The gathered files of one folder, until the folder or the part ends."""

    def __init__(self, place: str, wanted: Format, folder: Path) -> None:
        self.place = place
        self._open = ExitStack()
        self._files: list[tuple[str, Gatherer, IO[bytes]]] = []
        for gathered in wanted.gathered:
            file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(folder))  # noqa: SIM115 - closed by `end`
            gatherer = gathered.make()
            stream: IO[bytes] = self._open.enter_context(file)
            stream.write(gatherer.begin())
            self._files.append((gathered.file_name, gatherer, stream))

    def add(self, item: Item) -> None:
        """Add an item to each file; one that has no such form is not in it, as its own row tells."""
        for _, gatherer, file in self._files:
            with suppress(NotConvertible):
                file.write(convert(gatherer.add, item))

    def end(self, writer: PartWriter, names: Names, note: Callable[[str], None]) -> None:
        """Put the files into the part."""
        with self._open:
            for name, gatherer, file in self._files:
                file.write(gatherer.end())
                path = names.file_for(self.place, name, otherwise="All")
                writer.add_file(path, file)
                note(path)
