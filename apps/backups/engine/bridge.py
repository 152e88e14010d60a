"""An asyncio loop in a second thread, and database work in the thread that called.

Django's connections belong to threads and its queries block, while downloading wants a loop. So the loop
runs beside, and `await bridge.call(function, ...)` has the function run in the caller's thread: one
connection, one transaction at a time, the caller's account scope.
"""

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")
_END = object()


class Bridge:
    """For one `run`."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[Any] | None = None
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `main()` in a loop of its own and serve its calls until it ends; its end is ours."""
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(self._run_loop, main), name="backup-loop")
        thread.start()
        try:
            self._serve()
        except BaseException:
            self._cancel()
            self._serve()
            raise
        finally:
            thread.join()
        if self._error is not None:
            raise self._error
        result: T = self._result
        return result

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run `function` in the calling thread of `run` and wait for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put((function, args, loop, future))
        return await future

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not _END:
            function, args, loop, future = job
            try:
                result = function(*args)
            except Exception as error:
                _tell(loop, future, None, error)
            else:
                _tell(loop, future, result, None)

    def _run_loop(self, main: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                self._loop = runner.get_loop()
                self._result = runner.run(self._guarded(main))
        except BaseException as error:
            self._error = error
        finally:
            self._jobs.put(_END)

    async def _guarded(self, main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        self._main = asyncio.current_task()
        return await main()

    def _cancel(self) -> None:
        if self._loop is not None and self._main is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._main.cancel)


def _tell(
    loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Any]", result: Any, error: BaseException | None
) -> None:
    """Answer a call. When the loop has ended meanwhile nobody waits, and its own error is what counts."""
    try:
        loop.call_soon_threadsafe(_settle, future, result, error)
    except RuntimeError:
        if not loop.is_closed():
            raise


def _settle(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
