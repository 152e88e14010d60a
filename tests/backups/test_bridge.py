"""A loop in a second thread whose calls run in the first: what comes out when things end at odd moments."""

import asyncio
import threading
import time

import pytest

from apps.backups.engine.bridge import Bridge
from apps.core.errors import Unavailable


def test_a_call_runs_in_the_callers_thread_and_its_result_comes_back() -> None:
    bridge = Bridge()

    async def main() -> threading.Thread:
        return await bridge.call(threading.current_thread)

    assert bridge.run(main) is threading.current_thread()


def test_an_error_of_a_call_is_raised_where_it_was_asked_for() -> None:
    bridge = Bridge()

    async def main() -> str:
        try:
            await bridge.call(int, "no number")
        except ValueError:
            return "told"
        return "not told"

    assert bridge.run(main) == "told"


def test_the_loops_own_error_comes_out_although_calls_are_still_waiting() -> None:
    """The loop is gone when the slow call's answer and that of the call behind it are ready."""
    bridge = Bridge()

    async def main() -> None:
        waiting = [asyncio.ensure_future(bridge.call(time.sleep, 0.2)) for _ in range(2)]
        await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        raise Unavailable("Microsoft does not answer.")

    with pytest.raises(Unavailable, match="does not answer"):
        bridge.run(main)
