"""The governor keeps a mailbox below Microsoft's limits, over tasks and threads."""

import asyncio
import threading

import pytest

from apps.connectors.microsoft.governor import MAILBOX_REQUESTS, MAILBOX_SLOTS, LocalGovernor, Pool

POOL, OTHER = Pool("tenant", "ann"), Pool("tenant", "bob")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_four_requests_of_a_mailbox_run_at_once_and_no_more() -> None:
    clock = Clock()
    governor = LocalGovernor(now=lambda: clock.now)
    running, most = 0, 0

    async def work() -> None:
        nonlocal running, most
        async with governor.admit(POOL, slots=1, cost=1, sleep=clock.sleep):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert most == MAILBOX_SLOTS


async def test_a_batch_takes_the_whole_mailbox_but_not_the_neighbours() -> None:
    clock = Clock()
    governor = LocalGovernor(now=lambda: clock.now)
    async with governor.admit(POOL, slots=4, cost=20, sleep=clock.sleep):
        second = asyncio.create_task(_enter(governor, POOL, clock))
        neighbour = asyncio.create_task(_enter(governor, OTHER, clock))
        await asyncio.wait_for(neighbour, 5)
        assert not second.done()
    await asyncio.wait_for(second, 5)


async def test_requests_above_the_window_wait_until_the_first_ones_have_left_it() -> None:
    clock = Clock()
    governor = LocalGovernor(now=lambda: clock.now)
    for _ in range(MAILBOX_REQUESTS // 20):
        await _enter(governor, POOL, clock, cost=20)
    assert clock.now == 0
    assert await _enter(governor, POOL, clock, cost=1) == pytest.approx(600)
    assert await _enter(governor, OTHER, clock, cost=1) == 0


async def test_a_fence_falls_when_its_time_has_come() -> None:
    clock = Clock()
    governor = LocalGovernor(now=lambda: clock.now)
    governor.fence(POOL, 12.5)
    assert await _enter(governor, OTHER, clock) == 12.5
    assert await _enter(governor, Pool("another tenant", "x"), clock) == 0


def test_a_slot_given_back_in_one_thread_wakes_a_waiter_in_another() -> None:
    governor = LocalGovernor()
    held, done = threading.Event(), threading.Event()
    release = threading.Event()

    async def hold() -> None:
        async with governor.admit(POOL, slots=4, cost=1, sleep=asyncio.sleep):
            held.set()
            await asyncio.to_thread(release.wait, 10)

    async def wait() -> None:
        async with governor.admit(POOL, slots=1, cost=1, sleep=asyncio.sleep):
            done.set()

    first = threading.Thread(target=lambda: asyncio.run(hold()))
    second = threading.Thread(target=lambda: asyncio.run(wait()))
    first.start()
    assert held.wait(10)
    second.start()
    release.set()
    second.join(10)
    first.join(10)
    assert done.is_set()


async def _enter(governor: LocalGovernor, pool: Pool, clock: Clock, cost: int = 1) -> float:
    async with governor.admit(pool, slots=1, cost=cost, sleep=clock.sleep) as waited:
        return waited
