"""The worker is killed at random moments of real backups: nothing is lost, doubled or downloaded twice."""

import random
from pathlib import Path
from typing import Any

import pytest

from apps.backups.engine.run import NOT_OURS
from apps.sandbox.testing import SandboxCloud
from tests.seeds import new_seed
from tests.warm_worker import Done, WarmWorker

KILLS = 42
SEED = new_seed()
LIMITS = {"unit": 10, "units_ahead": 2, "batch_items": 30, "seal_items": 5}
# What a crash may cost: the batch at hand and what is being fetched ahead of it.
ONE_BATCH = 30 + 10 * (2 + 3)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_anywhere_every_snapshot_is_whole_and_nothing_is_fetched_twice(
    sandbox_cloud: SandboxCloud, tmp_path: Path
) -> None:
    source = random.Random(SEED)
    sandbox_cloud.reset(users=4, messages=600, seed=SEED % 100)
    sandbox_cloud.switch(latency_ms=4)
    mailbox = sandbox_cloud.admin
    with WarmWorker(tmp_path, sandbox_cloud.url) as worker:
        manual = sandbox_cloud.manual
        worker.order(
            "prepare",
            mailbox=mailbox,
            tenant=sandbox_cloud.tenant_id,
            client=manual.client_id,
            secret=manual.secret,
        )
        killer = _Killer(worker, sandbox_cloud, source)
        days: list[dict[str, Any]] = []
        while killer.kills < KILLS:
            killer.back_up_one_day()
            days += [sandbox_cloud.export(mailbox)] * (killer.snapshots() - len(days))
            _people_work(sandbox_cloud, mailbox, source)
        for number, live in enumerate(days, 1):
            _assert_same(worker.order("state", number=number).answer, live, number)
        found = worker.order("audit").answer
        assert found["snapshots"] == list(range(1, len(days) + 1))
        assert (found["overlaps"], found["invisible"], found["future_ends"], found["running"]) == ([], 0, 0, 0)
        assert found["interrupted"] > 0, "not one kill met a run at work"
        # R6: the journals alone say the same, beside those that dead runs left.
        assert worker.order("tests.backups.adopt_orders:lose_all_and_rebuild").answer == []
        for number, live in enumerate(days, 1):
            _assert_same(worker.order("state", number=number).answer, live, number)
        again = worker.order("audit").answer
        assert {key: again[key] for key in ("snapshots", "versions", "overlaps", "invisible")} == {
            key: found[key] for key in ("snapshots", "versions", "overlaps", "invisible")
        }
    print(f"seed {SEED}: {killer.kills} kills over {len(days)} days")  # noqa: T201


class _Killer:
    """Runs one day's backup, killed again and again, until it is let through."""

    def __init__(self, worker: WarmWorker, cloud: SandboxCloud, source: random.Random) -> None:
        self.worker, self.cloud, self.source = worker, cloud, source
        self.kills = 0
        self.minutes = 0.0
        self.usual = 1.5  # seconds that a run takes

    def back_up_one_day(self) -> None:
        self.cloud.reset_requests()
        wanted, kills = self.source.randint(4, 10), 0
        while kills < wanted:
            self.minutes += 2
            after = self.source.uniform(0.01, self.usual)
            done = self._run(kill_after=after)
            if not done.killed:
                self.usual = max(0.1, done.seconds)
                assert done.answer["verdict"] == "success", f"seed {SEED}: {done.answer}"
                break
            kills += 1
        else:
            self.minutes += 2
            done = self._run()
            assert done.answer["verdict"] == "success", f"seed {SEED}: {done.answer}"
        self.kills += kills
        fetched = _fetches(self.cloud)
        assert sum(fetched.values()) - len(fetched) <= kills * ONE_BATCH, f"seed {SEED}: refetched too much"

    def snapshots(self) -> int:
        """Count what was committed so far: a run killed between commit and answer has left a day's own."""
        return len(self.worker.order("audit").answer["snapshots"])

    def _run(self, kill_after: float | None = None) -> Done:
        """Run once. After two deaths in a row the engine would rather rest: it is not given the time."""
        for _ in range(2):
            done = self.worker.order("backup", minutes=self.minutes, limits=LIMITS, kill_after=kill_after)
            if done.killed or done.answer["verdict"] != NOT_OURS:
                break
        return done


def _fetches(cloud: SandboxCloud) -> dict[str, int]:
    counts: dict[str, int] = {}
    for entry in cloud.requests(last=20_000)["requests"]:
        if entry["path"].split("?")[0].endswith("/$value"):
            counts[entry["path"]] = counts.get(entry["path"], 0) + 1
    return counts


def _people_work(cloud: SandboxCloud, mailbox: str, source: random.Random) -> None:
    """A lively day: the usual work, and a load of new mail so that a run has something to be killed in."""
    cloud.advance(1)
    cloud.bulk(mailbox, source.randint(60, 200), size=3_000, folders=2, seed=source.randrange(10_000))


def _assert_same(found: dict[str, Any], live: dict[str, Any], number: int) -> None:
    where = f"seed {SEED}, snapshot {number}"
    assert len({mail[0] for mail in found["mails"]}) == len(found["mails"]), f"{where}: a mail is there twice"
    paths = _paths(found["folders"])
    backed_up = {
        mail_id: (paths[parent], name, digest, bool(props.get("isRead")), props.get("categories", []))
        for mail_id, parent, name, digest, props in found["mails"]
    }
    real = {
        mail["id"]: (mail["folder"], mail["subject"], mail["sha256"], mail["isRead"], mail["categories"])
        for mail in live["messages"]
    }
    wrong = [(real.get(key), backed_up.get(key)) for key in real.keys() | backed_up.keys()]
    wrong = [pair for pair in wrong if pair[0] != pair[1]]
    assert not wrong, f"{where}: {len(wrong)} mails differ, such as {wrong[:2]}"
    assert found["items"] == len(real) == sum(items for items, _ in found["totals"].values()), where


def _paths(folders: list[list[str]]) -> dict[str, str]:
    """Return each folder's path below the root of the mailbox."""
    parents = {folder_id: (parent, name) for folder_id, parent, name in folders}

    def path(folder_id: str) -> list[str]:
        parent, name = parents[folder_id]
        return [*path(parent), name] if parent in parents else []

    return {folder_id: "/".join(path(folder_id)) for folder_id in parents}
