"""SIGKILL in the middle of a restore and of an export: the next worker finishes, nothing is there twice."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

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
    sandbox_cloud.reset(users=3, messages=40, seed=SEED % 100)
    sandbox_cloud.bulk(sandbox_cloud.admin, 60, size=3_000, folders=3, seed=SEED % 1000)
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


CHANGED = "Changed since"
BINS = ("Deleted Items", "Recoverable Items", "Deletions")
Place = tuple[Any, ...]


def in_place(cloud: SandboxCloud) -> Counter[Place]:
    """What is in the mailbox but for its bins, which take what a restore replaces and an undo removes."""
    found = cloud.export(cloud.admin)
    kept = [m for m in found["messages"] if not m["folder"].startswith(BINS)]
    return Counter([(m["folder"], *as_it_was(m)) for m in kept] + [(f["path"],) for f in found["folders"]])


def change_all(cloud: SandboxCloud) -> None:
    """Edit every message since the backup, so that there is something to replace."""
    headers = {"Authorization": f"Bearer {cloud.token()}", "Content-Type": "application/json",
               "Prefer": 'IdType="ImmutableId"'}  # fmt: skip
    for mail in cloud.export(cloud.admin)["messages"]:
        url = f"{cloud.graph_url}/v1.0/users/{cloud.admin}/messages/{quote(mail['id'])}"
        body = json.dumps({"categories": [CHANGED]}).encode()
        with urlopen(Request(url, body, headers, method="PATCH"), timeout=30) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("mode", ["new_root", "skip", "replace", "duplicate"])
def test_a_restore_and_its_undo_killed_anywhere_leave_nothing_twice(
    worker: WarmWorker, sandbox_cloud: SandboxCloud, mode: str
) -> None:
    """Some fifty kills over the four modes."""
    if mode == "replace":
        change_all(sandbox_cloud)
    before, mails = in_place(sandbox_cloud), sandbox_cloud.export(sandbox_cloud.admin)["messages"]
    sandbox_cloud.switch(latency_ms=15)
    job = worker.order(f"{ORDERS}:start", kind="restore", mode=mode).answer
    answer, kills = work_and_be_killed(worker, job["job"], usual=2.0)
    assert answer["state"] == "succeeded", f"seed {SEED}: {answer}"
    assert answer["result"]["drift"] == [], f"seed {SEED}: {answer}"
    now = sandbox_cloud.export(sandbox_cloud.admin)["messages"]
    if mode == "new_root":
        root = answer["result"]["root"] + "/"
        new = Counter((m["folder"].removeprefix(root), *as_it_was(m)) for m in now if root in m["folder"])
        assert new == Counter((m["folder"], *as_it_was(m)) for m in mails), f"seed {SEED}"
    elif mode == "duplicate":
        assert len(now) == len(mails) + answer["done"] == 2 * len(mails), f"seed {SEED}"
    elif mode == "replace":
        assert not any(CHANGED in str(place) for place in in_place(sandbox_cloud)), f"seed {SEED}"
        assert sum(in_place(sandbox_cloud).values()) == sum(before.values()), f"seed {SEED}"
    else:
        assert in_place(sandbox_cloud) == before, f"seed {SEED}"
    undo = worker.order(f"{ORDERS}:undo", job=job["job"]).answer
    undone, more = work_and_be_killed(worker, undo["job"], usual=2.0)
    assert (undone["state"], undone["done"]) == ("succeeded", undo["items"]), f"seed {SEED}: {undone}"
    assert in_place(sandbox_cloud) == before, f"seed {SEED}"
    assert kills + more > 0 or mode == "skip", f"seed {SEED}: the worker was never killed at work"


@pytest.mark.timeout(900)
def test_exports_killed_fifty_times_are_whole_and_without_doubles(
    worker: WarmWorker, sandbox_cloud: SandboxCloud
) -> None:
    before = Counter(m["sha256"] for m in sandbox_cloud.export(sandbox_cloud.admin)["messages"])
    kills = rounds = 0
    while kills < 50 and rounds < 40:
        rounds += 1
        job = worker.order(f"{ORDERS}:start", kind="export").answer
        answer, more = work_and_be_killed(worker, job["job"], usual=0.5, part_bytes=60_000)
        kills += more
        assert (answer["state"], answer["done"]) == ("succeeded", job["items"]), f"seed {SEED}: {answer}"
        found = worker.order(f"{ORDERS}:outcomes", job=job["job"]).answer
        assert Counter(found["mails"]) == before, f"seed {SEED}"
        assert len({name.casefold() for name in found["names"]}) == len(found["names"]), f"seed {SEED}"
        assert not found["stray"], f"seed {SEED}: files of a killed worker are left"
    assert kills >= 50, f"seed {SEED}: the workers were killed {kills} times only"
