"""The portal's own web server beside the bench, and its pages asked for over HTTP by who is signed in.

`cpu_ms` is what the server's process used for one answer, in all its threads: other work on the machine moves
it less than the times.
"""

import http.client
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TICK = os.sysconf("SC_CLK_TCK")
TURNS = 4


@dataclass(slots=True)
class Times:
    """Milliseconds of some answers to one address: until the first byte, and until the last."""

    first: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    cpu: float = 0

    def figures(self) -> dict[str, float]:
        return {
            "p50_ms": _median(self.last),
            "p95_ms": round(statistics.quantiles(self.last, n=20)[18], 1),
            "first_byte_p95_ms": round(statistics.quantiles(self.first, n=20)[18], 1),
            "cpu_ms": round(self.cpu / len(self.last), 1),
        }


def _median(times: list[float]) -> float:
    return round(statistics.median(times), 1)


@dataclass(frozen=True, slots=True)
class Server:
    """One gunicorn worker of the settings in force."""

    port: int
    process: subprocess.Popen[bytes]

    def beside(self, ours: tuple[Any, str], theirs: tuple[Any, str], rounds: int) -> dict[str, float]:
        """What a person's page takes, and how many times as long as another's, asked for in turn.

        After once each that does not count; each answer has to be a 200.
        """
        found: list[Times] = []
        asked = [(address, {"Cookie": _cookie(user)}) for user, address in (ours, theirs)]
        for address, headers in asked:
            self._once(address, headers, Times())
            found.append(Times())
        for _ in range(TURNS):
            for (address, headers), times in zip(asked, found, strict=True):
                before = self._cpu()
                for _ in range(rounds // TURNS):
                    self._once(address, headers, times)
                times.cpu += self._cpu() - before
        small = _median(found[1].last)
        figures = found[0].figures()
        return figures | {"small_p50_ms": small, "ratio": round(figures["p50_ms"] / small, 2)}

    def _once(self, address: str, headers: dict[str, str], times: Times) -> None:
        connection = http.client.HTTPConnection("localhost", self.port, timeout=60)
        started = time.perf_counter()
        connection.request("GET", address, headers=headers)
        answer = connection.getresponse()
        answer.read(1)
        times.first.append((time.perf_counter() - started) * 1000)
        answer.read()
        times.last.append((time.perf_counter() - started) * 1000)
        connection.close()
        assert answer.status == 200, f"{address}: {answer.status}"

    def _cpu(self) -> float:
        """Milliseconds of processor time of the workers until now."""
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        stats = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
        return sum(int(stat[11]) + int(stat[12]) for stat in stats) * 1000 / TICK


def _cookie(user: Any) -> str:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"


@contextmanager
def served() -> Iterator[Server]:
    """Serve the database that `portal.database` has made."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("gunicorn")
    process = subprocess.Popen(
        [str(program), "config.wsgi", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread",
         "--workers", "1", "--threads", "8", "--log-level", "warning", "--no-control-socket"],
    )  # fmt: skip
    try:
        _await(port, process)
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait(30)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("localhost", port, timeout=10)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError("The web server did not answer within a minute.")
