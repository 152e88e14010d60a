"""One blob in a hundred is lost, at random, in real processes and against the sandbox cloud.

One backup later a check of every byte finds nothing new: all that the source still has is back on every day,
and what it has no more is named. Garbage collection afterwards takes nothing of it away.
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
HURT, CHECK, READABLE = (f"tests.faults.damage_orders:{name}" for name in ("hurt", "check", "readable"))
COLLECT = "tests.faults.gc_orders:collect"
DAY = 24 * 60


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_percent_of_the_blobs_lost_is_back_or_named_one_backup_later(
    sandbox_cloud: SandboxCloud, tmp_path: Path
) -> None:
    sandbox_cloud.reset(users=2, messages=500, seed=SEED % 100)
    mailbox, manual = sandbox_cloud.admin, sandbox_cloud.manual
    with WarmWorker(tmp_path, sandbox_cloud.url) as worker:
        worker.order(
            "prepare",
            mailbox=mailbox,
            tenant=sandbox_cloud.tenant_id,
            client=manual.client_id,
            secret=manual.secret,
        )
        sandbox_cloud.bulk(mailbox, 900, size=3_000, folders=3, seed=SEED % 100)
        _back_up(worker, 0)
        sandbox_cloud.advance(3)  # mails come, change and go
        mails = [mail["id"] for mail in sandbox_cloud.export(mailbox)["messages"]]
        for mail_id in random.Random(SEED).sample(mails, len(mails) // 3):
            destroy_mail(sandbox_cloud, mailbox, mail_id)
        _back_up(worker, 3 * DAY)
        before = [worker.order(READABLE, number=number).answer for number in (1, 2)]
        assert all(digest for day in before for digest in day.values())

        hit = worker.order(HURT, seed=SEED, share=0.01).answer
        found = worker.order(CHECK, minutes=3 * DAY + 10).answer
        assert (found["state"], found["found"]) == ("damaged", hit["hit"]), f"seed {SEED}: {found}"
        assert found["items"], "damage is told in items"
        _back_up(worker, 4 * DAY)

        after = worker.order(CHECK, minutes=4 * DAY + 10).answer
        ended = "lost" if after["items"] else "clean"
        assert (after["state"], after["found"]) == (ended, 0), f"seed {SEED}: {after}"
        _assert_back_or_named(worker, sandbox_cloud.export(mailbox), before, after["items"])
        for day in (20, 24, 28, 32):
            worker.order(COLLECT, minutes=day * DAY)
        _assert_back_or_named(worker, sandbox_cloud.export(mailbox), before, after["items"])
    print(f"seed {SEED}: {hit['hit']} of {hit['of']} blobs hit, {len(after['items'])} items lost")  # noqa: T201


def _back_up(worker: WarmWorker, minutes: float) -> None:
    answer = worker.order("backup", minutes=minutes).answer
    assert answer["verdict"] == "success", f"seed {SEED}: {answer}"


def _assert_back_or_named(
    worker: WarmWorker, live: dict[str, Any], before: list[dict[str, str]], named: list[str]
) -> None:
    at_source = {mail["sha256"] for mail in live["messages"]}
    lost: set[str] = set()
    for number, was in enumerate(before, 1):
        now = worker.order(READABLE, number=number).answer
        for mail_id, digest in was.items():
            if now[mail_id] is None:
                assert digest not in at_source, f"seed {SEED}: the source has it, and it is not back"
                lost.add(mail_id)
            else:
                assert now[mail_id] == digest, f"seed {SEED}: other bytes came back"
    assert len(lost) == len(named), f"seed {SEED}: {len(lost)} mails are lost, {named} are named"
    newest = worker.order(READABLE, number=3).answer
    assert newest == {mail["id"]: mail["sha256"] for mail in live["messages"]}, f"seed {SEED}"
