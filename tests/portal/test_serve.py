"""`make run` as its operator meets it: ready, killed, stopped, started again."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.fixtures.portal import ROOT, RunningPortal, start_portal, stop_portal

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]


def _children(portal: RunningPortal) -> dict[str, int]:
    """Map a word of each child's command line to its process id."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
            command = (folder / "cmdline").read_bytes().decode()
        except (OSError, IndexError):
            continue
        if parent == str(portal.process.pid):
            names = ("valkey", "apps.sandbox", "gunicorn", "celery")
            found |= {name: int(folder.name) for name in names if name in command}
    return found


def _wait_until(true: object, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_the_portal_survives_kills_and_stops_cleanly_with_its_data(tmp_path: Path) -> None:
    portal = start_portal(tmp_path / "data")
    before = _children(portal)
    assert set(before) == {"valkey", "apps.sandbox", "gunicorn", "celery"}

    for name in ("celery", "valkey"):
        os.kill(before[name], signal.SIGKILL)
    _wait_until(lambda: set(after := _children(portal)) == set(before) and after != before)
    with urllib.request.urlopen(portal.url + "/readyz", timeout=60) as answer:
        assert answer.status == 200

    secret = (tmp_path / "data/secret_key").read_text()
    assert stop_portal(portal) == 0
    assert not _children(portal)
    again = start_portal(tmp_path / "data")
    try:
        assert (tmp_path / "data/secret_key").read_text() == secret
        assert again.sandbox_url == portal.sandbox_url
    finally:
        assert stop_portal(again) == 0


def test_a_taken_port_is_said_in_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        answer = subprocess.run(
            [sys.executable, "manage.py", "serve", "--port", port],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "config.settings.embedded",
                "EVERKEEP_DATA": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert answer.returncode != 0
    assert f"Port {port} is taken" in answer.stderr and "Traceback" not in answer.stderr
