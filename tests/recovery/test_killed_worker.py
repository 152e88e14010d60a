"""SIGKILL in the middle of a restore and of an export: the next worker finishes, nothing is there twice."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from apps.sandbox.testing import SandboxCloud
from tests.recovery.conftest import as_it_was
from tests.recovery.test_restore_kinds import BINS, whole
from tests.seeds import new_seed
from tests.warm_worker import WarmWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SEED = new_seed()
ORDERS = "tests.recovery.orders"
KILLS = 8
MODES = ("new_root", "skip", "replace", "duplicate")


@contextmanager
def working(cloud: SandboxCloud, data: Path, kinds: str) -> Iterator[WarmWorker]:
    """A worker whose mailbox holds some hundred items of these kinds, not backed up yet."""
    cloud.reset(users=3, messages=40, seed=SEED % 100)
    cloud.bulk(cloud.admin, 60, size=3_000, folders=3, seed=SEED % 1000)
    settings = {"EVERKEEP_MICROSOFT_RETRY_SECONDS": "0.01", "EVERKEEP_TEST_KINDS": kinds}
    with WarmWorker(data, cloud.url, **settings) as worker:
        worker.order(
            "prepare", mailbox=cloud.admin, tenant=cloud.tenant_id, client=cloud.manual.client_id,
            secret=cloud.manual.secret,
        )  # fmt: skip
        yield worker


@pytest.fixture
def worker(sandbox_cloud: SandboxCloud, tmp_path: Path) -> Iterator[WarmWorker]:
    """One whose mails are backed up."""
    with working(sandbox_cloud, tmp_path, "mail") as worker:
        assert worker.order("backup").answer["verdict"] == "success"
        yield worker


@pytest.fixture
def mixed(sandbox_cloud: SandboxCloud, tmp_path: Path) -> Iterator[WarmWorker]:
    """One whose mails, events with files, contacts and tasks are backed up."""
    with working(sandbox_cloud, tmp_path, "mail calendars contacts tasks") as worker:
        worker.order(f"{ORDERS}:seed", number=6)
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
KINDS = ("events", "contacts", "tasks")


def place(cloud: SandboxCloud) -> Any:
    """What `whole` compares a mailbox by."""
    return SimpleNamespace(cloud=cloud, bob=SimpleNamespace(remote_id=cloud.admin))


def mails_in(cloud: SandboxCloud) -> list[dict[str, Any]]:
    """Return all but what is in the bins, which take what a restore replaces and an undo removes."""
    return [m for m in cloud.export(cloud.admin)["messages"] if not m["folder"].startswith(BINS)]


def counts(cloud: SandboxCloud) -> Counter[str]:
    found = cloud.export(cloud.admin)
    return Counter({kind: len(found[kind]["items"]) for kind in KINDS} | {"mails": len(mails_in(cloud))})


def change_some(cloud: SandboxCloud) -> None:
    """Since the backup a part of each kind but tasks was deleted, and the rest edited."""
    mails = mails_in(cloud)
    for number, mail in enumerate(mails):
        gone = number < len(mails) // 3
        graph(cloud, f"messages/{quote(mail['id'])}", None if gone else {"categories": [CHANGED]})
    found = cloud.export(cloud.admin)
    for path, name, seeded, edit in (
        ("events", "subject", "Standup", "subject"),
        ("contacts", "displayName", "Latteria Colli", "jobTitle"),
    ):
        mine = [each["id"] for each in found[path]["items"] if each["document"][name] == seeded]
        assert len(mine) == 6
        graph(cloud, f"{path}/{quote(mine[0])}", None)
        for remote_id in mine[1:]:
            graph(cloud, f"{path}/{quote(remote_id)}", {edit: CHANGED})


def graph(cloud: SandboxCloud, path: str, fields: dict[str, Any] | None) -> None:
    """Change an item, or delete it."""
    url = f"{cloud.graph_url}/v1.0/users/{cloud.admin}/{path}"
    headers = {"Authorization": f"Bearer {cloud.token()}", "Content-Type": "application/json",
               "Prefer": 'IdType="ImmutableId"'}  # fmt: skip
    body = None if fields is None else json.dumps(fields).encode()
    with urlopen(Request(url, body, headers, method="PATCH" if fields else "DELETE"), timeout=30) as answer:
        assert answer.status in (200, 204)


@pytest.mark.timeout(900)
def test_restores_and_their_undos_killed_fifty_times_leave_nothing_twice(
    mixed: WarmWorker, sandbox_cloud: SandboxCloud
) -> None:
    mails, backed_up = mails_in(sandbox_cloud), counts(sandbox_cloud)
    assert all(backed_up[kind] >= 6 for kind in KINDS)
    change_some(sandbox_cloud)
    before, counted = whole(place(sandbox_cloud)), counts(sandbox_cloud)
    sandbox_cloud.switch(latency_ms=15)
    kills = rounds = 0
    killed: Counter[str] = Counter()
    while rounds < len(MODES) or (kills < 50 and rounds < 5 * len(MODES)):
        mode = MODES[rounds % len(MODES)]
        rounds += 1
        job = mixed.order(f"{ORDERS}:start", kind="restore", mode=mode).answer
        answer, times = work_and_be_killed(mixed, job["job"], usual=2.0)
        assert (answer["state"], answer["failed"]) == ("succeeded", 0), f"seed {SEED}: {mode} {answer}"
        assert answer["result"]["drift"] == [], f"seed {SEED}: {mode} {answer}"
        now = mails_in(sandbox_cloud)
        if mode in ("new_root", "duplicate"):
            assert counts(sandbox_cloud) == counted + backed_up, f"seed {SEED}: {mode}"
        else:
            assert counts(sandbox_cloud) == backed_up, f"seed {SEED}: {mode}"
        if mode == "new_root":
            root = answer["result"]["root"] + "/"
            new = Counter((m["folder"].removeprefix(root), *as_it_was(m)) for m in now if root in m["folder"])
            assert new == Counter((m["folder"], *as_it_was(m)) for m in mails), f"seed {SEED}"
        assert any(CHANGED in line for line in whole(place(sandbox_cloud))) == (mode != "replace")
        undo = mixed.order(f"{ORDERS}:undo", job=job["job"]).answer
        undone, more = work_and_be_killed(mixed, undo["job"], usual=2.0)
        assert (undone["state"], undone["done"]) == ("succeeded", undo["items"]), (
            f"seed {SEED}: {mode} {undone}"
        )
        after = whole(place(sandbox_cloud))
        assert (before - after, after - before) == (Counter(), Counter()), f"seed {SEED}: {mode}"
        kills, killed[mode] = kills + times + more, killed[mode] + times + more
    assert kills >= 50 and all(killed[mode] for mode in MODES), f"seed {SEED}: killed {dict(killed)} times only"


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
