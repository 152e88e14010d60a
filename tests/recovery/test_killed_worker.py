"""SIGKILL in the middle of a restore and of an export: the next worker finishes, nothing is there twice."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.sandbox.testing import SandboxCloud
from tests.recovery.conftest import as_it_was
from tests.warm_worker import WarmWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SEED = random.SystemRandom().randrange(1_000_000)
ORDERS = "tests.recovery.orders"
KILLS = 8


@pytest.fixture
def worker(sandbox_cloud: SandboxCloud, tmp_path: Path) -> Iterator[WarmWorker]:
    """A worker whose mailbox holds some hundred mails in a backup."""
    sandbox_cloud.reset(users=3, messages=60, seed=SEED % 100)
    sandbox_cloud.bulk(sandbox_cloud.admin, 150, size=3_000, folders=3, seed=SEED % 1000)
    manual = sandbox_cloud.manual
    with WarmWorker(tmp_path, sandbox_cloud.url, EVERKEEP_MICROSOFT_RETRY_SECONDS="0.01") as worker:
        worker.order(
            "prepare", mailbox=sandbox_cloud.admin, tenant=sandbox_cloud.tenant_id, client=manual.client_id,
            secret=manual.secret,
        )  # fmt: skip
        assert worker.order("backup").answer["verdict"] == "success"
        yield worker


def work_and_be_killed(
    worker: WarmWorker, job: int, usual: float, **arguments: Any
) -> tuple[dict[str, Any], int]:
    """Kill worker after worker at random moments, then let one through. Returns its answer and the kills."""
    source, kills = random.Random(SEED), 0
    for _ in range(KILLS):
        done = worker.order(
            f"{ORDERS}:work",
            job=job,
            kill_after=source.uniform(usual / 4, usual * (1 + kills) / KILLS),
            **arguments,
        )
        if not done.killed:
            break
        kills += 1
        worker.order(f"{ORDERS}:forgive", job=job)
    answer = worker.order(f"{ORDERS}:work", job=job, **arguments).answer if done.killed else done.answer
    return answer, kills


@pytest.mark.parametrize("mode", ["new_root", "replace"])
def test_a_restore_killed_anywhere_writes_nothing_twice(
    worker: WarmWorker, sandbox_cloud: SandboxCloud, mode: str
) -> None:
    before = sandbox_cloud.export(sandbox_cloud.admin)["messages"]
    sandbox_cloud.switch(latency_ms=15)
    job = worker.order(f"{ORDERS}:start", kind="restore", mode=mode).answer
    answer, kills = work_and_be_killed(worker, job["job"], usual=2.0)
    assert (answer["state"], answer["done"]) == ("succeeded", job["items"]), f"seed {SEED}: {answer}"
    assert kills > 0, f"seed {SEED}: the worker was never killed at work"
    after = sandbox_cloud.export(sandbox_cloud.admin)["messages"]
    old = {m["id"] for m in before}
    written = [m for m in after if m["id"] not in old]
    cut = len(answer["result"]["root"]) + 1 if answer["result"]["root"] else 0
    assert Counter((m["folder"][cut:], *as_it_was(m)) for m in written) == Counter(
        (m["folder"], *as_it_was(m)) for m in before
    ), f"seed {SEED}"
    if mode == "replace":
        left = [m for m in after if m["id"] in old and m["folder"] not in ("Deleted Items", "Deletions")]
        assert left == [], f"seed {SEED}: {len(left)} older messages are still in place"


def test_an_export_killed_anywhere_is_whole_and_without_doubles(
    worker: WarmWorker, sandbox_cloud: SandboxCloud
) -> None:
    before = sandbox_cloud.export(sandbox_cloud.admin)["messages"]
    job = worker.order(f"{ORDERS}:start", kind="export").answer
    answer, kills = work_and_be_killed(worker, job["job"], usual=0.5, part_bytes=20_000)
    assert (answer["state"], answer["done"]) == ("succeeded", job["items"]), f"seed {SEED}: {answer}"
    assert kills > 0, f"seed {SEED}: the worker was never killed at work"
    found = worker.order(f"{ORDERS}:outcomes", job=job["job"]).answer
    assert Counter(found["mails"]) == Counter(m["sha256"] for m in before), f"seed {SEED}"
    assert len({name.casefold() for name in found["names"]}) == len(found["names"]), f"seed {SEED}"
    assert not found["stray"], f"seed {SEED}: files of a killed worker are left"
