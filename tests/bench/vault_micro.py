"""What storing and reading one mail costs: `python -m tests.bench.vault_micro [--items 3000]`.

Generated mails of 15 kB (Zipf prose, zstd-3 ratio about 2.4) go through `put_many` in batches of 100 into a
local folder, with the blob index in a throw-away SQLite database, then back. One JSON line per case; `floor`
is the bare primitives (hash, zstd, AES) on the same bytes in the same run.
"""

import argparse
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SIZE, BATCH = 15_000, 100


def mails(count: int) -> list[bytes]:
    rng = random.Random(20_261_120)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 10))) for _ in range(8_000)]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    return [" ".join(rng.choices(words, weights, k=4_000)).encode()[:SIZE] for _ in range(count)]


def cpu(work: Callable[[], object]) -> tuple[float, float]:
    """Return CPU and wall seconds."""
    wall, used = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - used, time.perf_counter() - wall


def floor(items: list[bytes]) -> None:
    import zstandard
    from blake3 import blake3
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key, compress = os.urandom(32), zstandard.ZstdCompressor(level=3).compress
    cipher = AESGCM(key)
    for number, item in enumerate(items):
        name = blake3(item, key=key).digest()
        cipher.encrypt(number.to_bytes(12, "big"), compress(item), name)


def report(bench: str, count: int, used: float, wall: float, floor_used: float) -> None:
    line = {
        "bench": bench,
        "cpu_us_per_item": round(used / count * 1e6, 1),
        "items_per_s": round(count / wall),
        "mb_per_s": round(count * SIZE / wall / 1e6),
        "ratio": round(used / floor_used, 2),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(line))  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=3_000)
    count = parser.parse_args().items
    with tempfile.TemporaryDirectory(prefix="everkeep-bench-") as folder:
        os.environ["EVERKEEP_DATA"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.embedded"
        run(Path(folder), mails(count))


def run(folder: Path, items: list[bytes]) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from apps.accounts.models import Account
    from apps.vault.api import ContentPart, Role, open_reader, open_writer

    account_id = Account.objects.create(name="Bench", location="DE").pk
    parts: list[ContentPart] = []

    def store() -> None:
        with open_writer(account_id) as writer:
            for start in range(0, len(items), BATCH):
                parts.extend(writer.put_many([(Role.MIME, item) for item in items[start : start + BATCH]]))

    def again() -> None:
        parts.clear()
        store()

    def load() -> None:
        for data, item in zip(open_reader(account_id).read_many(parts), items, strict=True):
            assert data == item

    least = cpu(lambda: floor(items))[0]
    for bench, work in (("vault.put", store), ("vault.put_known", again), ("vault.read", load)):
        report(bench, len(items), *cpu(work), least)


if __name__ == "__main__":
    main()
