"""Exports of a generated mailbox: speed beside Info-ZIP on the same files, and memory with many mails.

The export runs in a child of a warm worker, as jobs do; what is measured is the child. BENCH_SCALE=0.1 measures
a tenth.
"""

import os
import random
import resource
import shutil
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.warm_worker import WarmWorker

_HERE = "tests.bench.exporting"
LARGE = 400_000_000
REPEATED = 100_000_000


def scaled(number: int) -> int:
    return round(number * float(os.environ.get("BENCH_SCALE") or 1))


def zip_(items: int = 6_000) -> Iterator[dict[str, Any]]:
    """Export mails of an office; then pack the same files with Info-ZIP at the same level.

    `ratio` compares CPU seconds: both work in one thread, and this machine may have other work.
    """
    with tempfile.TemporaryDirectory(prefix="everkeep-bench-") as folder:
        items = scaled(items)
        with WarmWorker(Path(folder) / "data", "http://127.0.0.1:9") as worker:
            total = worker.order(f"{_HERE}:fill", items=items, seed=1).answer["bytes"]
            done = worker.order(f"{_HERE}:export")
        parts = [Path(each) for each in done.answer["parts"]]
        files = Path(folder) / "files"
        for part in parts:
            with zipfile.ZipFile(part) as archive:
                archive.extractall(files)
        theirs = _info_zip(files, Path(folder) / "theirs.zip")
        ours = done.answer["cpu"]
        line = {
            "bench": "export.zip",
            "items": items,
            "mb": round(total / 1e6, 1),
            "mb_per_s": round(total / 1e6 / done.answer["seconds"], 1),
            "mb_per_cpu_s": round(total / 1e6 / ours, 1),
            "size_mb": round(sum(part.stat().st_size for part in parts) / 1e6, 1),
        }
        if theirs is not None:
            line["ratio"] = round(theirs / ours, 2)
            line["zip_size_mb"] = round((Path(folder) / "theirs.zip").stat().st_size / 1e6, 1)
        yield line


def memory(items: int = 60_000) -> Iterator[dict[str, Any]]:
    """A mailbox of 15 GB, or BENCH_GB=50: the high water mark of the process that exports it.

    Many small mails in several parts, one of 400 MB, the rest of 100 MB each. Those have one content in the
    vault, and it packs well, so that the bench needs neither that much disk nor hours: every byte of each is
    read, checked, packed and counted all the same.
    """
    items, large = scaled(items), max(scaled(LARGE), 1_000_000)
    repeated = scaled(round(float(os.environ.get("BENCH_GB") or 15) * 1e9 / REPEATED))
    with tempfile.TemporaryDirectory(prefix="everkeep-bench-") as folder:
        with WarmWorker(Path(folder) / "data", "http://127.0.0.1:9") as worker:
            filled = worker.order(f"{_HERE}:fill_large", items=items, large=large, repeated=repeated).answer
            done = worker.order(f"{_HERE}:export", part_bytes=40_000_000)
        yield {
            "bench": "export.memory",
            "items": items + repeated + 1,
            "gb": round(filled["bytes"] / 1e9, 1),
            "mb_per_s": round(filled["bytes"] / 1e6 / done.answer["seconds"], 1),
            "parts": len(done.answer["parts"]),
            "seconds": round(done.answer["seconds"], 1),
            "rss_mb": round(done.rss / 1e6),
        }


def _info_zip(files: Path, to: Path) -> float | None:
    if not shutil.which("zip"):
        print("Info-ZIP is not there: nothing is compared with it.")  # noqa: T201
        return None
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["zip", "-q", "-r", "-3", str(to), "."], cwd=files, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# What runs in the worker.


def fill(*, items: int, seed: int) -> dict[str, int]:
    """Put generated mails into a vault, with one snapshot."""
    from tests.bench.letters import Office

    office = Office(seed)
    return _fill(office.mail(number, items)[1] for number in range(items))


def fill_large(*, items: int, large: int, repeated: int) -> dict[str, int]:
    """Put short mails, a large one, and one that is there many times, into a vault."""
    source = random.Random(2)

    def mails() -> Iterator[bytes]:
        yield b"Subject: large\r\n\r\n" + b"".join(
            source.randbytes(1_000_000) for _ in range(large // 1_000_000)
        )
        for number in range(items):
            yield b"Subject: Order %d\r\n\r\n%s\r\n" % (number, source.randbytes(200).hex().encode())

    line = b"The same plan of the shop again, in every letter of the year.\r\n"
    letter = b"Subject: again\r\n\r\n" + line * (REPEATED // len(line))
    return _fill(mails(), again=letter, repeated=repeated)


def _fill(mails: Iterator[bytes], *, again: bytes = b"", repeated: int = 0) -> dict[str, int]:
    from django.core.management import call_command
    from django.db import transaction

    from apps.accounts.models import Account
    from apps.core.scope import account_scope
    from apps.vault.api import Role, encode_content, open_writer
    from tests.recovery.factories import Mailbox, make_entity

    call_command("migrate", verbosity=0)
    account = Account.objects.create(name="Pizza Perfecto", location="DE")
    total = len(again) * repeated
    with account_scope(account.pk):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox", well_known="inbox")
        rows: list[tuple[str, bytes, int]] = []
        with open_writer(account.pk) as writer:
            for number, data in enumerate(mails):
                total += len(data)
                rows.append((f"m{number}", encode_content([writer.put(Role.MIME, data)]), len(data)))
            if again:
                content = encode_content([writer.put(Role.MIME, again)])
                rows += [(f"again{number}", content, len(again)) for number in range(repeated)]
            writer.flush()
        with transaction.atomic():
            for name, content, size in rows:
                box.item(name, "inbox", f"Order {name}", content=content, size=size)
        box.day()
    return {"bytes": total}


def export(*, part_bytes: int = 0) -> dict[str, Any]:
    """Export the whole mailbox; returns where the parts lie and how long the job itself took."""
    from django.urls import reverse

    from apps.jobs.models import Job
    from apps.recovery.exports.files import folder_of, parts_of
    from tests.recovery import orders

    started = orders.start(kind="export")
    reverse("recovery")  # the pages of the portal are loaded once a process, not once an export
    began, spent = time.monotonic(), time.process_time()
    answer = orders.work(job=started["job"], part_bytes=part_bytes)
    seconds, cpu = time.monotonic() - began, time.process_time() - spent
    assert answer["state"] == "succeeded", answer
    from apps.core.scope import every_account

    with every_account("the bench has one"):
        job = Job.objects.get(pk=started["job"])
        return {
            "seconds": seconds,
            "cpu": cpu,
            "parts": [str(folder_of(job) / part.name) for part in parts_of(job)],
        }


CASES = {"export.zip": zip_, "export.memory": memory}
