"""How a process of ours asks the system for memory."""

import ctypes
import gc
import os
from typing import Final

_ARENA_MAX: Final = -8  # malloc.h: M_ARENA_MAX
_GC_THRESHOLD: Final = (50_000, 20, 20)


def share_one_heap() -> None:
    """Let all threads allocate from one heap. Call it before any is started; without glibc it does nothing.

    glibc gives threads heaps of their own so that they need not wait for each other, which the interpreter
    makes them do anyway. Packs and files pass from thread to thread and leave holes in each of them: a backup
    needs 20 to 40 MB less with one (docs/benchmarks.md). MALLOC_ARENA_MAX in the environment wins.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)


def collect_cycles_seldom() -> None:
    """Look for garbage in cycles every 50,000 new objects instead of every 700.

    A run holds thousands of items on their way, none of them in a cycle: looking through them again and again
    costs a twentieth of a first backup.
    """
    gc.set_threshold(*_GC_THRESHOLD)
