"""Runs several processes as one: started together, restarted when they die, stopped together.

Used by `manage.py serve` to be the whole of Everkeep on one machine. Every child sits in its own process
group, so that a dead parent's children can be cleared away, and Ctrl-C reaches the supervisor alone.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 30.0
RESTART_SECONDS = 2.0


@dataclass
class Child:
    """One process: how it is started, when it counts as ready, what to do before each start."""

    name: str
    command: Sequence[str]
    log: Path
    before: Callable[[], None] = lambda: None
    ready: Callable[[], bool] = lambda: True
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    extra_env: Mapping[str, str] = field(default_factory=dict)


class StartFailed(RuntimeError):
    """A child did not become ready; its log says why."""


class Supervisor:
    """Starts children in order and keeps them alive until told to stop."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = list(children)
        self.stopping = False

    def run(self, on_ready: Callable[[], None]) -> None:
        """Start all, call `on_ready`, then watch until SIGINT or SIGTERM. Raises StartFailed."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        try:
            for child in self.children:
                self._start(child)
                self._await_ready(child)
            if not self.stopping:
                on_ready()
            while not self.stopping:
                time.sleep(0.3)
                self._revive()
        finally:
            self._stop_all()

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def _start(self, child: Child) -> None:
        child.before()
        child.log.parent.mkdir(parents=True, exist_ok=True)
        with child.log.open("ab") as log:
            child.process = subprocess.Popen(
                child.command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, **child.extra_env},
            )
        child.started = time.monotonic()

    def _await_ready(self, child: Child, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not self.stopping and not child.ready():
            assert child.process is not None
            if child.process.poll() is not None or time.monotonic() > deadline:
                tail = child.log.read_text(errors="replace")[-2000:]
                raise StartFailed(f"{child.name} did not start. Its log {child.log} ends with:\n{tail}")
            time.sleep(0.05)

    def _revive(self) -> None:
        for child in self.children:
            assert child.process is not None
            if child.process.poll() is None or self.stopping:
                continue
            sys.stderr.write(f"{child.name} ended ({child.process.returncode}), starting it again\n")
            _kill_group(child.process.pid, signal.SIGKILL)
            if time.monotonic() - child.started < RESTART_SECONDS:
                time.sleep(RESTART_SECONDS)
            self._start(child)

    def _stop_all(self) -> None:
        # In reverse: whoever needs another goes first.
        for child in reversed(self.children):
            if child.process is None or child.process.poll() is not None:
                continue
            child.process.terminate()
            try:
                child.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                sys.stderr.write(f"{child.name} did not stop within {STOP_SECONDS:.0f} s and was killed\n")
            _kill_group(child.process.pid, signal.SIGKILL)


def _kill_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
