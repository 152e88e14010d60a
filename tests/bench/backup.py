"""Backups of a mailbox in the sandbox cloud, in a worker process of its own."""

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from apps.sandbox.testing import SandboxCloud
from tests.warm_worker import Done, WarmWorker

Line = dict[str, Any]
SIZE = 15_000


@contextmanager
def mailbox_of(messages: int, folders: int = 4) -> Iterator[tuple[SandboxCloud, str]]:
    """A cloud with one mailbox of that many mails of 15 kB."""
    with tempfile.TemporaryDirectory(prefix="everkeep-bench-") as folder, SandboxCloud(Path(folder)) as cloud:
        cloud.reset(users=0)
        address = f"bench@{cloud.domain}"
        cloud.add_user(address)
        cloud.bulk(address, messages, size=SIZE, folders=folders)
        yield cloud, address


@contextmanager
def worker_for(cloud: SandboxCloud, address: str) -> Iterator[WarmWorker]:
    """A worker on an empty data folder."""
    folder = tempfile.TemporaryDirectory(prefix="everkeep-bench-")
    with folder, WarmWorker(Path(folder.name), cloud.url) as worker:
        manual = cloud.manual
        worker.order(
            "prepare", mailbox=address, tenant=cloud.tenant_id, client=manual.client_id, secret=manual.secret
        )
        yield worker


def first(messages: int = 20_000, rounds: int = 2) -> Iterator[Line]:
    """A first backup against a bare client that makes the same requests, in turn, in the same run."""
    runs, bare = list[Done](), list[Done]()
    with mailbox_of(messages) as (cloud, address):
        for _ in range(rounds):
            with worker_for(cloud, address) as worker:
                bare.append(_bare(worker, cloud, address))
                runs.append(_backup(worker))
                assert runs[-1].answer["stored"] == bare[-1].answer["items"] == messages
    wall, floor = (statistics.median(done.seconds for done in each) for each in (runs, bare))
    cpu, floor_cpu = (statistics.median(done.cpu for done in each) for each in (runs, bare))
    yield {
        "bench": "backup.first",
        "messages": messages,
        "seconds": round(wall, 2),
        "items_per_s": round(messages / wall),
        "mb_per_s": round(messages * SIZE / wall / 1e6, 1),
        "ratio": round(floor / wall, 3),
        "cpu_us_per_item": round(cpu / messages * 1e6),
        "bare_items_per_s": round(messages / floor),
        "bare_cpu_us_per_item": round(floor_cpu / messages * 1e6),
        "rss_mb": round(max(done.rss for done in runs) / 1e6),
    }


def nochange(small: int = 2_000, large: int = 20_000, rounds: int = 5) -> Iterator[Line]:
    """A run that finds nothing new, in a small and in a large mailbox."""
    seconds, calls, folders = dict[int, float](), dict[int, int](), 0
    for messages in (small, large):
        with mailbox_of(messages) as (cloud, address), worker_for(cloud, address) as worker:
            _backup(worker)
            _backup(worker)
            cloud.reset_requests()
            done = [_backup(worker) for _ in range(rounds)]
            calls[messages] = cloud.requests()["total"] // rounds
            seconds[messages] = statistics.median(each.seconds for each in done)
            folders = len(cloud.export(address)["folders"])
    yield {
        "bench": "backup.nochange",
        "ms_2k": round(seconds[small] * 1e3),
        "ms_20k": round(seconds[large] * 1e3),
        "ratio_20k_to_2k": round(seconds[large] / seconds[small], 2),
        "folders": folders,
        "requests_2k": calls[small],
        "requests_20k": calls[large],
        "requests_per_folder": round(calls[large] / folders, 2),
    }


def changes(messages: int = 20_000, new: int = 200) -> Iterator[Line]:
    """Two hundred new mails in a large mailbox, and ten times as many."""
    with mailbox_of(messages) as (cloud, address), worker_for(cloud, address) as worker:
        _backup(worker)
        idle = _backup(worker)
        took = {}
        for count in (new, 10 * new):
            cloud.bulk(address, count, size=SIZE, seed=count)
            took[count] = _backup(worker)
            assert took[count].answer["stored"] == count
    yield {
        "bench": "backup.changes",
        "messages": messages,
        "ms_nochange": round(idle.seconds * 1e3),
        "ms_200": round(took[new].seconds * 1e3),
        "ms_2000": round(took[10 * new].seconds * 1e3),
        "us_per_change": round((took[10 * new].seconds - took[new].seconds) / (9 * new) * 1e6),
        "cpu_us_per_change": round((took[10 * new].cpu - took[new].cpu) / (9 * new) * 1e6),
    }


def _backup(worker: WarmWorker) -> Done:
    done = worker.order("backup", window=10**9)
    assert done.answer["verdict"] == "success", done.answer
    return done


def _bare(worker: WarmWorker, cloud: SandboxCloud, address: str) -> Done:
    manual = cloud.manual
    return worker.order(
        "bare",
        url=cloud.url,
        tenant=cloud.tenant_id,
        client=manual.client_id,
        secret=manual.secret,
        mailbox=address,
    )


CASES = {"backup.first": first, "backup.nochange": nochange, "backup.changes": changes}
