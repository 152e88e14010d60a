"""Two worker processes at the same mailbox at the same moment: one works, the other leaves it alone."""

from pathlib import Path

from apps.sandbox.testing import SandboxCloud
from tests.warm_worker import WarmWorker


def test_two_processes_never_run_the_same_mailbox(sandbox_cloud: SandboxCloud, tmp_path: Path) -> None:
    sandbox_cloud.switch(latency_ms=150)
    manual = sandbox_cloud.manual
    with WarmWorker(tmp_path, sandbox_cloud.url) as worker:
        worker.order(
            "prepare",
            mailbox=sandbox_cloud.admin,
            tenant=sandbox_cloud.tenant_id,
            client=manual.client_id,
            secret=manual.secret,
        )
        for number in range(1, 4):
            done = worker.orders([("backup", {})] * 4)
            verdicts = sorted(each.answer["verdict"] for each in done)
            assert verdicts.count("not ours") >= 1, "they did not meet"
            assert set(verdicts) == {"not ours", "success"}
            found = worker.order("audit").answer
            assert found["snapshots"] == list(range(1, found["snapshots"][-1] + 1))
            assert (found["overlaps"], found["invisible"], found["running"]) == ([], 0, 0)
            assert found["interrupted"] == 0
            assert len(found["snapshots"]) >= number
