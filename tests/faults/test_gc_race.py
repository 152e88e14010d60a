"""Garbage collection and backups at the same time, in real processes, some of them killed: nothing is lost.

The mails come from a small pool, so that what nothing references any more often comes back while it is
condemned or being removed: the moment in which a writer and the sweep meet (docs/vault-ordering.md, V9-V14).
"""

import random
from pathlib import Path
from typing import Any

import pytest

from apps.sandbox.testing import SandboxCloud
from tests.faults.people import destroy_mail
from tests.seeds import new_seed
from tests.warm_worker import WarmWorker

SEED = new_seed()
ROUNDS = 12
DAYS = 4 * 24 * 60  # minutes that pass in a round: longer than each grace
COLLECT, FORGET, WHOLE = (f"tests.faults.gc_orders:{name}" for name in ("collect", "forget", "whole"))
LIMITS = {"unit": 10, "units_ahead": 2, "batch_items": 60, "seal_items": 5}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_gc_beside_backups_loses_nothing_and_leaves_nothing(
    sandbox_cloud: SandboxCloud, tmp_path: Path
) -> None:
    source = random.Random(SEED)
    sandbox_cloud.reset(users=1, messages=30, seed=SEED % 100)
    sandbox_cloud.switch(latency_ms=15)
    people = _People(sandbox_cloud, source)
    minutes, usual = 0.0, 1.5
    with WarmWorker(tmp_path, sandbox_cloud.url) as worker:
        manual = sandbox_cloud.manual
        worker.order(
            "prepare",
            mailbox=people.mailbox,
            tenant=sandbox_cloud.tenant_id,
            client=manual.client_id,
            secret=manual.secret,
        )
        worker.order("backup")
        for _ in range(ROUNDS):
            people.work()
            minutes += DAYS
            worker.order(FORGET, minutes=minutes)
            at_work = [
                (COLLECT, {"minutes": minutes + 2, "delay": source.uniform(0, usual)}),
                ("backup", {"minutes": minutes + 2, "limits": LIMITS}),
            ]
            done = worker.orders(
                at_work, kill_after=source.uniform(0.2, usual) if source.random() < 0.3 else None
            )
            if not done[1].killed:
                usual = done[1].seconds
            minutes += 30  # leases of the killed are over
            done = worker.orders([(COLLECT, {"minutes": minutes}), ("backup", {"minutes": minutes})])
            assert done[1].answer["verdict"] == "success", f"seed {SEED}: {done[1].answer}"
            _whole(worker, minutes)
        for _ in range(5):
            minutes += DAYS
            worker.order(COLLECT, minutes=minutes)
        found = _whole(worker, minutes)
    print(f"seed {SEED}: {found}")  # noqa: T201
    assert (found["unnamed"], found["marks"]) == (0, 0), f"seed {SEED}"
    assert min(found["removed"], found["rewritten"], found["deleted"]) > 10, f"seed {SEED}: {found}"


def _whole(worker: WarmWorker, minutes: float) -> dict[str, Any]:
    answer: dict[str, Any] = worker.order(WHOLE, minutes=minutes).answer
    return answer


class _People:
    """Write mails from a pool of texts, so that most come back some day, and delete others."""

    def __init__(self, cloud: SandboxCloud, source: random.Random) -> None:
        self.cloud, self.source, self.mailbox = cloud, source, cloud.admin

    def work(self) -> None:
        live = [mail["id"] for mail in self.cloud.export(self.mailbox)["messages"]]
        for mail_id in self.source.sample(live, len(live) * 2 // 3):
            destroy_mail(self.cloud, self.mailbox, mail_id)
        for _ in range(60):
            self.cloud.deliver(self.mailbox, _text(self.source.randrange(200)))


def _text(number: int) -> bytes:
    words = random.Random(number).randbytes(1_200).hex()
    return (
        f"From: a@example.com\r\nTo: b@example.com\r\nSubject: Mail {number}\r\nMessage-ID: <{number}@x>\r\n"
        "Date: Mon, 01 Jun 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n"
        f"{words}\r\n"
    ).encode()
