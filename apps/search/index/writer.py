"""Adding to an index and taking away from it. One writer at a time; readers see what was committed."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import tantivy

from .analysis import language_of, normalise, spread_address
from .documents import Document
from .errors import IndexBusy, IndexDamaged, IndexOutdated
from .schema import KINDS, VERSION, instant, make_schema, month_of, order_of, register

_MARKER, _META, _MANAGED = "everkeep.json", "meta.json", ".managed.json"
_HEAP: Final = 96 << 20
_FIRST_ASKED, _ASKED_EVERY = 16, 16  # telling a language costs half as much as indexing a mail


class IndexWriter:
    """Changes the index in a folder of our own; leaving the context without `commit` undoes what came since.

    `add` replaces a version that is there already, so that a batch may be given again after a crash.
    """

    def __init__(self, folder: Path, *, heap: int = _HEAP) -> None:
        self._folder, self._heap = folder, heap
        self._schema = make_schema()
        self._writer: tantivy.IndexWriter | None = None
        self._added: set[int] = set()
        self._seen = 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self._folder / _META).exists():
            (self._folder / _MARKER).write_text(json.dumps({"version": VERSION}))
        self._index = open_index(self._folder, create=True)
        self._searcher = self._index.searcher()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.rollback()
            self._writer.wait_merging_threads()
            self._writer = None

    def add(self, documents: Iterable[Document], *, refused: Callable[[int], None] | None = None) -> int:
        """Index the documents. Returns how many. What cannot be told goes to `refused`."""
        writer, schema, count = self._ready(), self._schema, 0
        for document in documents:
            version_id = document.version_id
            try:
                told = tantivy.Document.from_dict(self._fields(document), schema)
            except Exception:
                if refused is None:
                    raise
                refused(version_id)
                continue
            if version_id in self._added or self._searcher.doc_freq("version", version_id):
                writer.delete_documents_by_term("version", version_id)
            self._added.add(version_id)
            writer.add_document(told)
            count += 1
        return count

    def remove_versions(self, ids: Iterable[int]) -> None:
        """Take versions out; those that are not there are no trouble."""
        for each in ids:
            self._ready().delete_documents_by_term("version", each)

    def remove_entities(self, ids: Iterable[int]) -> None:
        """Take everything of entities out."""
        for each in ids:
            self._ready().delete_documents_by_term("entity", each)

    def commit(self) -> list[Path]:
        """Make it all last. Returns the files that make up the index; nothing changes them but a writer."""
        if self._writer is None and not files_of(self._folder):
            self._ready()
        if self._writer is not None:
            self._writer.commit()
            # After this no thread changes the folder, and the writer is spent.
            self._writer.wait_merging_threads()
            self._writer = None
            self._added.clear()
            self._index.reload()
            self._searcher = self._index.searcher()
        return files_of(self._folder)

    def _ready(self) -> tantivy.IndexWriter:
        if self._writer is None:
            try:
                self._writer = self._index.writer(self._heap, 1)
            except ValueError as error:
                if "LockBusy" not in str(error):
                    raise
                raise IndexBusy(
                    "Another process is writing this search index.", item=str(self._folder), do="Try later."
                ) from error
        return self._writer

    def _fields(self, document: Document) -> dict[str, Any]:
        senders = [spread_address(each) for each in document.senders]
        recipients = [spread_address(each) for each in document.recipients]
        time, gone = document.time, document.gone_at
        return {
            "version": document.version_id,
            "entity": document.entity_id,
            "item": document.item,
            "parent": document.parent,
            "kind": KINDS.index(document.sub_service),
            "name": normalise(document.name),
            "sender": [words for words, _ in senders],
            "sender_exact": [parts for _, parts in senders],
            "recipient": [words for words, _ in recipients],
            "recipient_exact": [parts for _, parts in recipients],
            "text": normalise(document.text),
            "attachment": [normalise(each) for each in (*document.attachments, *document.attachment_texts)],
            "place": normalise(document.place),
            "language": self._language(document),
            "order": order_of(time, document.version_id),
            "time": [] if time is None else instant(time),
            "month": [] if time is None else month_of(time),
            "first": instant(document.first_at),
            "gone": [] if gone is None else instant(gone),
            "size": document.size,
            "attached": document.has_attachments,
            "deleted": document.deleted,
            "older": gone is not None and not document.deleted,
        }

    def _language(self, document: Document) -> list[str]:
        """Ask for some documents only: what counts is which languages the index holds."""
        self._seen += 1
        if self._seen > _FIRST_ASKED and self._seen % _ASKED_EVERY:
            return []
        language = language_of(document.text or document.name)
        return [language] if language else []


def open_index(folder: Path, *, create: bool = False) -> tantivy.Index:
    """Return the index in a folder. Raises IndexOutdated and IndexDamaged."""
    try:
        version = json.loads((folder / _MARKER).read_bytes())["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(folder) from error
    if version != VERSION:
        raise IndexOutdated(
            f"The search index is of version {version}, this program reads {VERSION}.",
            item=str(folder),
            do="Rebuild the index.",
        )
    try:
        index = tantivy.Index(make_schema(), str(folder)) if create else tantivy.Index.open(str(folder))
        register(index)
    except BaseException as error:
        if is_trouble(error):
            raise damaged(folder) from error
        raise
    return index


def is_trouble(error: BaseException) -> bool:
    """Tell whether the engine itself failed. A panic of it, on damaged files, is no Exception."""
    return isinstance(error, ValueError | OSError) or type(error).__name__ == "PanicException"


def damaged(folder: Path) -> IndexDamaged:
    return IndexDamaged("The search index is damaged or incomplete.", item=str(folder), do="Rebuild the index.")


def files_of(folder: Path) -> list[Path]:
    """Return the files that make up the index as it was last committed, none for a folder without one."""
    try:
        meta = json.loads((folder / _META).read_bytes())
        segments = {each["segment_id"].replace("-", "") for each in meta["segments"]}
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(folder) from error
    known = {_MARKER, _META, _MANAGED}
    return sorted(
        path for path in folder.iterdir() if path.name in known or path.name.partition(".")[0] in segments
    )
