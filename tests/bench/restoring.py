"""Restores into a mailbox of the sandbox cloud, against a bare client that posts the same messages."""

from collections.abc import Iterator
from typing import Any

from .backup import mailbox_of, worker_for
from .exporting import scaled

ORDERS = "tests.recovery.orders"


def items(messages: int = 10_000) -> Iterator[dict[str, Any]]:
    """A whole mailbox into a new folder: looked up, written, read back and noted, item by item.

    Provider limits are taken away: they, not we, decide how long a real restore takes (restore/pace.py).
    """
    messages = scaled(messages)
    with mailbox_of(messages) as (cloud, address), worker_for(cloud, address) as worker:
        assert worker.order("backup", window=10**9).answer["verdict"] == "success"
        bare = worker.order(f"{ORDERS}:post_bare", mailbox=address).answer
        job = worker.order(f"{ORDERS}:start", kind="restore").answer
        done = worker.order(f"{ORDERS}:work", job=job["job"], unlimited=True)
        assert done.answer["done"] == bare["items"] == messages, done.answer
    yield {
        "bench": "restore.items",
        "messages": messages,
        "seconds": round(done.seconds, 1),
        "items_per_s": round(messages / done.seconds),
        "bare_items_per_s": round(messages / bare["seconds"]),
        "ratio": round(bare["seconds"] / done.seconds, 3),
        "cpu_us_per_item": round(done.cpu / messages * 1e6),
        "rss_mb": round(done.rss / 1e6),
    }


CASES = {"restore.items": items}
