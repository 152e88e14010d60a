"""The vault beside restic and borg: the same data, the same folder for packs, in turn, in the same run.

    make bench BENCH=vault                              everything, about eight minutes
    make bench BENCH=vault.generated BENCH_SCALE=0.1    a tenth of the corpus, once
    BENCH_ROUNDS=3      rounds of all three (2 by default, 1 when scaled down); medians count
    BENCH_FOLDER=/path  where corpus and packs lie; the corpus stays there for the next time

`ratio` compares with the better of the two in the same figure: how many times as fast we are, or our share of
what it needs. docs/benchmarks.md says what is measured and how it is fair.
"""

import filecmp
import os
import shutil
import statistics
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from tests.fixtures.sandbox import CORPUS as REAL_MAIL
from tests.warm_worker import Done, WarmWorker

from .corpus import Day, ensure_corpus
from .peers import Peer, ensure_peers

Line = dict[str, Any]
PHASES: Final = ("ingest", "nochange", "change", "restore", "check")
OURS: Final = "everkeep"
INDEXED, READS = 1_000_000, 2_000


class Tool(Protocol):
    def ingest(self, folder: Path) -> Done: ...
    def restore(self, target: Path) -> Done: ...
    def check(self) -> Done: ...
    def stored(self) -> int: ...
    def close(self) -> None: ...


class Everkeep:
    """A worker with an empty data folder; each order runs in a fork of it, as jobs do."""

    def __init__(self, work: Path) -> None:
        (work / "data").mkdir()
        self._worker = WarmWorker(work / "data", "http://127.0.0.1:9")
        self.order("prepare")

    def ingest(self, folder: Path) -> Done:
        return self.order("ingest", folder=str(folder))

    def restore(self, target: Path) -> Done:
        return self.order("restore", target=str(target))

    def check(self) -> Done:
        return self.order("check")

    def stored(self) -> int:
        return int(self.order("sizes").answer["store"])

    def close(self) -> None:
        self._worker.__exit__(None, None, None)

    def order(self, name: str, **arguments: Any) -> Done:
        return self._worker.order(f"tests.bench.folder:{name}", **arguments)


class Figures:
    """What was measured, per tool and phase, over the rounds."""

    def __init__(self, peers: list[str]) -> None:
        self.peers = peers
        self.done: dict[tuple[str, str], list[Done]] = {}
        self.stored: dict[str, int] = {}

    def add(self, tool: str, phase: str, done: Done) -> None:
        self.done.setdefault((tool, phase), []).append(done)

    def seconds(self, tool: str, phase: str) -> float:
        return statistics.median(done.seconds for done in self.done[tool, phase])

    def cpu(self, tool: str, phase: str) -> float:
        return statistics.median(done.cpu for done in self.done[tool, phase])

    def memory(self, tool: str) -> int:
        return max(done.rss for (name, _), runs in self.done.items() for done in runs if name == tool)

    def faster(self, phase: str) -> Line:
        """Our wall time, the peers', and how many times as fast as the faster we are."""
        line: Line = {"seconds": round(self.seconds(OURS, phase), 2)}
        line |= {f"{peer}_s": round(self.seconds(peer, phase), 2) for peer in self.peers}
        if self.peers:
            best = min(self.seconds(peer, phase) for peer in self.peers)
            line["ratio"] = round(best / self.seconds(OURS, phase), 2)
        return line

    def smaller(self, ours: float, theirs: dict[str, float], unit: str, digits: int = 1) -> Line:
        """Our amount, the peers', and ours as a share of the least of theirs."""
        line: Line = {unit: round(ours, digits)} | {f"{k}_{unit}": round(v, digits) for k, v in theirs.items()}
        return line | ({"ratio": round(ours / min(theirs.values()), 2)} if theirs else {})


def generated() -> Iterator[Line]:
    """All phases over the generated corpus."""
    scale = float(os.environ.get("BENCH_SCALE") or 1)
    rounds = int(os.environ.get("BENCH_ROUNDS") or (2 if scale >= 1 else 1))
    with _scratch() as scratch, tempfile.TemporaryDirectory(prefix="restored-", dir=scratch) as restored:
        about = ensure_corpus(scratch / f"corpus-{scale:g}", scale=scale)
        figures = Figures(ensure_peers())
        for number in range(rounds):
            names = [OURS, *figures.peers]
            for name in names[number % len(names) :] + names[: number % len(names)]:
                target = Path(restored) / f"{number}-{name}"
                _measure(figures, name, scratch, scratch / f"corpus-{scale:g}", target)
    yield from _lines(figures, about, rounds)


def real() -> Iterator[Line]:
    """What real mails take in the store."""
    archive = next((each for each in (REAL_MAIL, *_beside()) if each.exists()), None)
    if archive is None:
        print("vault.size.real is skipped: the corpus of real mails is not here.")  # noqa: T201
        return
    with _scratch() as scratch:
        with tarfile.open(archive) as packed:
            packed.extractall(scratch / "real", filter="data")
        for path in [path for path in (scratch / "real").rglob("*.txt") if path.is_file()]:
            path.rename(path.with_suffix(".eml"))
        raw = sum(path.stat().st_size for path in (scratch / "real").rglob("*.eml"))
        figures = Figures(ensure_peers())
        for name in [OURS, *figures.peers]:
            with _tool(name, scratch) as tool:
                figures.add(name, "ingest", tool.ingest(scratch / "real"))
                figures.stored[name] = tool.stored()
        shutil.rmtree(scratch / "real")
    stored = {peer: figures.stored[peer] / 1e6 for peer in figures.peers}
    line = figures.smaller(figures.stored[OURS] / 1e6, stored, "mb", 2)
    if figures.peers:
        line["ingest_ratio"] = figures.faster("ingest")["ratio"]
    yield {"bench": "vault.size.real", "raw_mb": round(raw / 1e6, 1)} | line


def read_one() -> Iterator[Line]:
    """One mail out of a million, its pack not in memory."""
    scale = float(os.environ.get("BENCH_SCALE") or 1)
    with _scratch() as scratch:
        ensure_corpus(scratch / f"corpus-{scale:g}", scale=scale)
        with _tool(OURS, scratch) as tool:
            assert isinstance(tool, Everkeep)
            tool.ingest(scratch / f"corpus-{scale:g}" / "base")
            tool.order("crowd", blobs=INDEXED)
            os.sync()
            done = tool.order("read_one", count=READS)
            database = tool.order("sizes").answer["database"]
    took = sorted(done.answer)
    yield {
        "bench": "vault.read_one",
        "indexed": INDEXED,
        "reads": READS,
        "p50_ms": round(statistics.median(took), 2),
        "p95_ms": round(took[len(took) * 95 // 100], 2),
        "max_ms": round(took[-1], 1),
        "index_bytes_per_blob": round(database / INDEXED),
    }


def _measure(figures: Figures, name: str, scratch: Path, corpus: Path, target: Path) -> None:
    """One tool, all phases, from an empty repository. `target`: where it may restore to."""
    with _tool(name, scratch) as tool:

        def ingest(phase: str) -> None:
            os.sync()
            figures.add(name, phase, tool.ingest(corpus / "base"))

        ingest("ingest")
        figures.stored[name] = tool.stored()
        ingest("nochange")
        with Day(corpus):
            ingest("change")
            target.mkdir(parents=True)
            os.sync()
            figures.add(name, "restore", tool.restore(target))
            _compare(corpus / "base", target)
            _empty(target)
        os.sync()
        figures.add(name, "check", tool.check())


def _lines(figures: Figures, about: Line, rounds: int) -> Iterator[Line]:
    megabytes, items = about["bytes"] / 1e6, about["items"]
    seconds, cpu = figures.seconds(OURS, "ingest"), figures.cpu(OURS, "ingest")
    yield (
        {"bench": "vault.ingest", "items": items, "raw_mb": round(megabytes), "rounds": rounds}
        | {
            "mb_per_s": round(megabytes / seconds, 1),
            "items_per_s": round(items / seconds),
            "items_per_cpu_s": round(items / cpu),
        }
        | figures.faster("ingest")
    )
    used = {peer: figures.cpu(peer, "ingest") for peer in figures.peers}
    yield {"bench": "vault.cpu", "mb_per_cpu_s": round(megabytes / cpu, 1)} | figures.smaller(
        cpu, used, "cpu_s", 2
    )
    for phase in ("nochange", "change", "restore", "check"):
        line = {"bench": f"vault.{phase}", "cpu_s": round(figures.cpu(OURS, phase), 2)} | figures.faster(phase)
        yield line | {"mb_per_s": round(megabytes / line["seconds"], 1)}
    stored = {peer: figures.stored[peer] / 1e6 for peer in figures.peers}
    size = figures.smaller(figures.stored[OURS] / 1e6, stored, "mb")
    yield {"bench": "vault.size.generated", "of_raw": round(size["mb"] / megabytes, 3)} | size
    memory = {peer: figures.memory(peer) / 1e6 for peer in figures.peers}
    yield {"bench": "vault.memory"} | figures.smaller(figures.memory(OURS) / 1e6, memory, "rss_mb", 0)


def _compare(corpus: Path, restored: Path) -> None:
    """What came back is what was there, byte for byte."""
    paths = [str(path.relative_to(corpus)) for path in corpus.rglob("*") if path.is_file()]
    _, wrong, lost = filecmp.cmpfiles(corpus, restored, paths, shallow=False)
    assert not wrong and not lost, (wrong + lost)[:5]


def _empty(folder: Path) -> None:
    """Give the room back, but delete no file before the end of the run.

    ext4 keeps clear of inodes freed in the last minutes, and looks at each of them again for every file that it
    creates: who restores after 20,000 were deleted pays ten seconds of CPU for it.
    """
    for path in folder.rglob("*"):
        if path.is_file():
            os.truncate(path, 0)


@contextmanager
def _tool(name: str, scratch: Path) -> Iterator[Tool]:
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=scratch) as folder:
        tool = Everkeep(Path(folder)) if name == OURS else Peer(name, Path(folder))
        try:
            yield tool
        finally:
            tool.close()


@contextmanager
def _scratch() -> Iterator[Path]:
    if kept := os.environ.get("BENCH_FOLDER"):
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept)
    else:
        with tempfile.TemporaryDirectory(prefix="everkeep-bench-") as folder:
            yield Path(folder)


def _beside() -> list[Path]:
    return [folder / "shared" / "corpus" / REAL_MAIL.name for folder in Path(__file__).resolve().parents[3:]]


CASES = {"vault.generated": generated, "vault.size.real": real, "vault.read_one": read_one}
