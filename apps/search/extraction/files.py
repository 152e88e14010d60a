"""Asks the child for the texts of files, and outlives whatever a file does to it."""

import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from . import child
from .extracted import Cause, File
from .plain import clean, html_bytes_text, text_of

LARGEST: Final = 50_000_000
SECONDS: Final = 20.0  # by the clock, for one file
FILES_PER_CHILD: Final = 200  # then a new one: whatever a library leaks, ends
_LARGEST_ANSWER: Final = 32_000_000
_COMMAND: Final = (sys.executable, "-I", str(Path(child.__file__)))


class ChildFailed(Exception):
    """The child did not answer. `cause` says why."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause)
        self.cause = cause


class FileReader:
    """Reads files one by one; `trouble` counts what had no text, by its cause. For one thread."""

    def __init__(self, *, seconds: float = SECONDS, command: Sequence[str] = _COMMAND) -> None:
        self._seconds, self._command = seconds, list(command)
        self._child: subprocess.Popen[bytes] | None = None
        self._asked = 0
        self._scratch: str | None = None
        self.trouble: Counter[Cause] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def texts(self, file: File) -> list[str]:
        """Return what is written in a file, [] when nothing can be read out of it."""
        kind = child.kind_of(file.name, file.kind)
        if not kind:
            return []
        if len(file.data) > LARGEST:
            self.trouble[Cause.TOO_LARGE] += 1
            return []
        if kind in child.TEXTS:
            return [_read_text(kind, file.data)]
        try:
            answer = self._ask(kind, file.data)
        except ChildFailed as failure:
            self._end()
            self.trouble[failure.cause] += 1
            return []
        if answer["bad"]:
            self.trouble[Cause.UNREADABLE] += answer["bad"]
        return [_decoded(text) for text in answer["texts"]]

    def _ask(self, kind: str, data: bytes) -> dict[str, Any]:
        if self._asked >= FILES_PER_CHILD:
            self._end()
        if self._child is None:
            self._start()
        assert self._child is not None
        self._asked += 1
        asked = json.dumps({"kind": kind, "size": len(data)}).encode()
        question = child.LENGTH.pack(len(asked)) + asked + data
        exchange = _Exchange(self._child, question, time.monotonic() + self._seconds)
        try:
            answer = json.loads(exchange.answer())
        except ValueError as error:
            raise ChildFailed(Cause.CRASHED) from error
        if not isinstance(answer, dict) or not isinstance(answer.get("texts"), list):
            raise ChildFailed(Cause.CRASHED)
        return answer

    def _start(self) -> None:
        self._scratch = self._scratch or tempfile.mkdtemp(prefix="everkeep-reading-")
        # None of our environment: it names the keys of everything.
        surroundings = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TMPDIR": self._scratch}
        self._child = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=surroundings,
            cwd=self._scratch,
            start_new_session=True,
        )
        self._asked = 0

    def _end(self) -> None:
        if self._child is None:
            return
        self._child.kill()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe:
                _close(pipe)
        self._child.wait()
        self._child = None


class _Exchange:
    """One question and its answer, neither of which may block us beyond the deadline."""

    def __init__(self, process: subprocess.Popen[bytes], question: bytes, deadline: float) -> None:
        assert process.stdin
        assert process.stdout
        self._in, self._out = process.stdin.fileno(), process.stdout.fileno()
        self._question, self._deadline = memoryview(question), deadline
        self._got = bytearray()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)

    def answer(self) -> bytes:
        """Return the answer's JSON. Raises ChildFailed."""
        with selectors.DefaultSelector() as both:
            both.register(self._in, selectors.EVENT_WRITE)
            both.register(self._out, selectors.EVENT_READ)
            while (wanted := self._missing()) > 0:
                left = self._deadline - time.monotonic()
                ready = both.select(left) if left > 0 else []
                if not ready:
                    raise ChildFailed(Cause.TOO_LONG)
                for key, _ in ready:
                    if key.fd == self._out:
                        self._take(wanted)
                    elif self._give():
                        both.unregister(self._in)
        return bytes(self._got[child.LENGTH.size :])

    def _missing(self) -> int:
        size = child.LENGTH.size
        if len(self._got) < size:
            return size - len(self._got)
        whole = size + int(child.LENGTH.unpack_from(self._got)[0])
        if whole > _LARGEST_ANSWER:
            raise ChildFailed(Cause.TOO_LARGE)
        return whole - len(self._got)

    def _take(self, wanted: int) -> None:
        try:
            piece = os.read(self._out, min(wanted, 1 << 20))
        except BlockingIOError:
            return
        if not piece:
            raise ChildFailed(Cause.CRASHED)
        self._got += piece

    def _give(self) -> bool:
        try:
            self._question = self._question[os.write(self._in, self._question[: 1 << 20]) :]
        except BlockingIOError:
            return False
        except OSError as error:
            raise ChildFailed(Cause.CRASHED) from error
        return not self._question


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:  # what it did not take any more is of no use to it
        return


def _decoded(text: object) -> str:
    """Text of an archive's member comes as its bytes do: which letters they are is decided here."""
    said = str(text)
    return text_of(said[1:].encode("latin-1", "replace")) if said.startswith("\0") else clean(said)


def _read_text(kind: str, data: bytes) -> str:
    return html_bytes_text(data) if kind in ("html", "htm") else text_of(data)
