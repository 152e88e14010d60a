"""The process that reads files of strangers: without our environment, with limits that it cannot lift.

It is no sandbox. It runs as the same user and sees the same disk and, unless that user is root, the same
network: against who takes it over through a flaw in a library stands what the installation gives that user.

Run by its path (`files.py`), so it imports nothing of ours. On its input it gets files, on its output it says
their texts; both are frames: length (4 bytes) | JSON, and after a question the file's bytes.
"""

import ctypes
import io
import json
import os
import resource
import struct
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

MEMORY: Final = 3 << 30  # of addresses, of which the libraries reserve a good part that they never use
SECONDS: Final = 40  # of computing per file: for one whose parent died, which nobody stops else
LONGEST: Final = 1_000_000  # letters of one file
MEMBERS: Final = 200  # of an archive
MEMBER_BYTES: Final = 20_000_000
ARCHIVE_BYTES: Final = 60_000_000  # of all members together
WRITTEN: Final = 64_000_000  # bytes of one file of its own: kreuzberg unpacks a library before the first PDF
_NO_NEW_PRIVS: Final = 38  # of linux/prctl.h: no program that it starts gets more rights than it has
_NEW_NETWORK: Final = 0x40000000
LENGTH: Final = struct.Struct(">I")

KINDS: Final = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "rtf": "application/rtf",
    "epub": "application/epub+zip",
}
TEXTS: Final = frozenset(
    ("txt", "csv", "tsv", "md", "log", "json", "xml", "html", "htm", "yaml", "yml", "ini", "ics", "vcf", "eml")
)
ARCHIVES: Final = frozenset(("zip", "tar", "gz", "tgz", "bz2"))


def kind_of(name: str, said: str = "") -> str:
    """Return how a file is read: an ending of those above, "" when nothing can be read out of it."""
    ending = name.rpartition(".")[2].lower()
    if ending in KINDS or ending in TEXTS or ending in ARCHIVES:
        return ending
    return next((kind for kind, mime in KINDS.items() if mime == said), "txt" if said == "text/plain" else "")


def limit() -> None:
    """Give up what a reader of files does not need. There is no way back."""
    os.nice(10)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.unshare(_NEW_NETWORK)  # an empty network: refused to all but root, who has most to lose
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (WRITTEN, WRITTEN))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def texts_of(kind: str, data: bytes) -> tuple[list[str], int]:
    """Return the texts of a file, and how many members of an archive could not be read."""
    if kind not in ARCHIVES:
        return [_text(kind, data)], 0
    texts, bad, left = [], 0, ARCHIVE_BYTES
    for name, member in _members(kind, data):
        texts.append(name)
        inner = kind_of(name)
        if not inner or inner in ARCHIVES:  # one level: what is packed twice is known by name
            continue
        found = member.read(min(MEMBER_BYTES, left) + 1)
        left -= len(found)
        if left < 0 or len(found) > MEMBER_BYTES:
            bad += 1
            if left < 0:
                break
            continue
        try:
            texts.append(_text(inner, found))
        except (MemoryError, OSError):
            raise
        except Exception:  # whatever its library says of one member, the others go on
            bad += 1
    return texts, bad


def _members(kind: str, data: bytes) -> Iterator[tuple[str, BinaryIO]]:
    if kind == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist()[:MEMBERS]:
                if not info.is_dir():
                    with archive.open(info) as member:
                        yield info.filename, member  # type: ignore[misc]
        return
    with tarfile.open(fileobj=io.BytesIO(data), mode="r|*") as tar:
        for count, entry in enumerate(tar):
            if count >= MEMBERS:
                return
            if entry.isfile() and (opened := tar.extractfile(entry)):
                yield entry.name, opened  # type: ignore[misc]


def _text(kind: str, data: bytes) -> str:
    if kind in TEXTS:
        return "\0" + data[: 4 * LONGEST].decode("latin-1")  # decoded by who knows how: files.py
    from kreuzberg import ExtractionConfig, extract_bytes_sync  # noqa: PLC0415 - half a second

    config = ExtractionConfig(use_cache=False, disable_ocr=True)  # type: ignore[call-arg]
    return str(extract_bytes_sync(data, KINDS[kind], config).content)[:LONGEST]


def _answer(said: dict[str, Any]) -> None:
    frame = json.dumps(said).encode()
    sys.stdout.buffer.write(LENGTH.pack(len(frame)) + frame)
    sys.stdout.buffer.flush()


def main() -> None:
    """Answer one file after the other until the input ends."""
    limit()
    stream = sys.stdin.buffer
    while head := stream.read(LENGTH.size):
        asked = json.loads(stream.read(LENGTH.unpack(head)[0]))
        data = stream.read(asked["size"])
        used = resource.getrusage(resource.RUSAGE_SELF)
        until = int(used.ru_utime + used.ru_stime) + SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
        try:
            texts, bad = texts_of(asked["kind"], data)
        except MemoryError:
            raise
        except Exception as error:  # damaged in whatever way: it has no text, and that is said
            _answer({"texts": [], "bad": 1, "why": type(error).__name__})
        else:
            _answer({"texts": texts, "bad": bad})


if __name__ == "__main__":
    main()
