"""A server of the sandbox as a child process: started, awaited, steered and stopped."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

START_SECONDS = 60
ROOT = Path(__file__).resolve().parents[2]


class ServerProcess:
    """A running `python -m MODULE …`, which writes its `url` to a file of `state` once it answers."""

    def __init__(self, module: str, *arguments: str, state: Path, address_file: str) -> None:
        self.state, self._module = state, module
        address = state / address_file
        address.unlink(missing_ok=True)
        command = [sys.executable, "-m", module, *arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL)
        self.url = self._wait_for(address)

    def _wait_for(self, address: Path) -> str:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise RuntimeError(f"{self._module} ended with {self._process.returncode} while starting")
            try:
                return str(json.loads(address.read_text())["url"])
            except FileNotFoundError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"{self._module} did not start within {START_SECONDS} s")

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """POST to `/_control/{path}` when there is a body (also an empty one), else GET; ValueError on 400."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/_control/{path}", data, {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=600) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise ValueError(f"{path}: {error.read().decode()}") from error
