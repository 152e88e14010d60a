"""SIGKILL in the middle of indexing: what is found afterwards is all there is, once."""

import random
from pathlib import Path

import pytest

from apps.sandbox.testing import SandboxCloud
from tests.seeds import new_seed
from tests.warm_worker import WarmWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SEED = new_seed()
ORDERS = "tests.search.orders"
KILLS = 8


def test_an_indexer_killed_at_any_moment_loses_and_doubles_nothing(
    sandbox_cloud: SandboxCloud, tmp_path: Path
) -> None:
    source, manual = random.Random(SEED), sandbox_cloud.manual
    sandbox_cloud.reset(users=3, messages=40, seed=SEED % 100)
    sandbox_cloud.bulk(sandbox_cloud.admin, 150, size=3_000, folders=3, seed=SEED % 1000)
    with WarmWorker(tmp_path, sandbox_cloud.url) as worker:
        worker.order(
            "prepare", mailbox=sandbox_cloud.admin, tenant=sandbox_cloud.tenant_id, client=manual.client_id,
            secret=manual.secret,
        )  # fmt: skip
        assert worker.order("backup").answer["verdict"] == "success"
        kills = 0
        for number in range(1, KILLS + 1):  # soon at first: a quick machine is through in half a second
            moment = source.uniform(0.02, 0.05 * number)
            kills += worker.order(f"{ORDERS}:index", kill_after=moment).killed
            worker.order(f"{ORDERS}:forgive")
        worker.order(f"{ORDERS}:index", seconds=20)
        found = worker.order(f"{ORDERS}:found").answer
    assert kills, f"seed {SEED}: no indexer was killed at work"
    assert found.pop("items") == found.pop("counted") > 150, f"seed {SEED}"
    assert found == {"twice": [], "missing": 0, "unnamed": [], "lost_words": 0}, f"seed {SEED}"
