"""apps/core/memory.py: one heap for all threads of a process."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNT_HEAPS = """
import ctypes, sys, threading
import django
django.setup()
held, gate = [], threading.Barrier(5)
def work():
    held.append([bytes(50_000) for _ in range(100)])
    gate.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for each in threads: each.start()
gate.wait()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


def heaps(tmp_path: Path, **environment: str) -> int:
    told = tmp_path / "malloc.xml"
    clean = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    subprocess.run([sys.executable, "-c", COUNT_HEAPS, str(told)], check=True, env=clean | environment)
    return told.read_text().count("<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="this C library is not glibc")
def test_threads_of_a_process_share_one_heap_unless_the_operator_says_otherwise(tmp_path: Path) -> None:
    assert heaps(tmp_path) == 1
    assert heaps(tmp_path, MALLOC_ARENA_MAX="4") > 1


def test_a_process_that_keeps_backups_in_a_folder_loads_nothing_for_buckets() -> None:
    loaded = "import sys, django; django.setup(); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True).stdout
    assert {"boto3", "botocore", "segno"}.isdisjoint(modules.split())
