"""A reading against its history: what is not as usual, and how bad that is."""

from collections.abc import Iterator
from typing import Final

from .erosion import erosion
from .findings import Finding, Kind, Weight
from .ranges import Range, floor_of, usual
from .readings import History, Metric, Reading
from .silence import silence

HALF: Final = 0.5
QUARTER: Final = 0.25
FAR_BEYOND: Final = 10.0
LEAST_OF_MOST: Final = 50  # items: where half of a mailbox goes at once, nothing needs to be learnt
UNLEARNT_TURNED: Final = 20
RENAMED_ITEMS: Final = 20
REPLACED_ITEMS: Final = 20
OPAQUE: Final = 0.9
COMING: Final = frozenset({Metric.ADDED, Metric.CHANGED, Metric.CAME})
"""Not judged of a reading that is left out: the first backup, a changed rule and a restore bring a lot."""


def judge(history: History, reading: Reading) -> list[Finding]:
    """Return what is not as usual, worst first. The first backup of all is usual whatever it brings."""
    if reading.before is None and not history:
        return []
    found = [*_encryption(history, reading), *_single(history, reading)]
    if not any(each.metric == Metric.REMOVED for each in found):
        found += erosion(history, reading)
    found += silence(history, reading)
    order = list(Weight)
    return sorted(found, key=lambda each: order.index(each.weight), reverse=True)


def odd_metrics(findings: list[Finding]) -> frozenset[str]:
    """Return the metrics that nothing is learnt of."""
    return frozenset(each.mark for each in findings)


def _single(history: History, reading: Reading) -> Iterator[Finding]:
    for metric, kind in (
        (Metric.REMOVED, Kind.MASS_DELETION),
        (Metric.REWRITTEN, Kind.MASS_CHANGE),
        (Metric.CHANGED, Kind.MASS_CHANGE),
        (Metric.ADDED, Kind.FLOOD),
        (Metric.CAME, Kind.GROWTH),
    ):
        if reading.left_out and metric in COMING:
            continue
        value = reading.value(metric)
        if value <= floor_of(history, metric, reading):
            continue
        known = usual(history, metric, reading)
        if known is None:
            yield from _most_of_it(metric, kind, reading)
        elif value > known.limit:
            yield _beyond(metric, kind, reading, known)


def _most_of_it(metric: Metric, kind: Kind, reading: Reading) -> Iterator[Finding]:
    """What needs no history: half of the mailbox goes, or gets other content, from one backup to the next."""
    value = reading.value(metric)
    least = max(LEAST_OF_MOST, reading.items_before * HALF)
    if metric in (Metric.REMOVED, Metric.REWRITTEN) and value >= least:
        yield Finding(kind, metric, Weight.CRITICAL, value, more=_around(reading))


def _beyond(metric: Metric, kind: Kind, reading: Reading, known: Range) -> Finding:
    value = reading.value(metric)
    return Finding(
        kind,
        metric,
        _weight(metric, reading, value, known),
        value,
        known.low,
        known.high,
        known.learnt,
        more=_around(reading) | {"limit": round(known.limit)},
    )


def _weight(metric: Metric, reading: Reading, value: float, known: Range) -> Weight:
    """Growth is a notice. What only changed its state or folder is one too: nothing of it is lost."""
    if metric in COMING:
        return Weight.NOTICE
    much = value >= reading.items_before * QUARTER or value >= known.limit * FAR_BEYOND
    return Weight.CRITICAL if much else Weight.WARNING


def _encryption(history: History, reading: Reading) -> Iterator[Finding]:
    """Files got bytes that do not compress, names or files another ending, or sealed copies came instead."""
    many = reading.turned > floor_of(history, Metric.TURNED, reading)
    known = usual(history, Metric.TURNED, reading) if many else None
    if many and reading.turned > (known.limit if known else UNLEARNT_TURNED):
        low, high, learnt = (known.low, known.high, known.learnt) if known else (0, 0, 0)
        yield Finding(
            Kind.ENCRYPTION, Metric.TURNED, Weight.CRITICAL, reading.turned, low, high, learnt,
            more=_around(reading),
        )  # fmt: skip
        return
    renamed = round(reading.renamed * reading.changed)
    if renamed >= RENAMED_ITEMS and reading.renamed >= HALF:
        more = _around(reading) | {"renamed": renamed}
        yield Finding(Kind.ENCRYPTION, Metric.TURNED, Weight.CRITICAL, renamed, more=more)
    elif reading.other_endings >= RENAMED_ITEMS:
        more = _around(reading) | {"other_endings": reading.other_endings}
        yield Finding(Kind.ENCRYPTION, Metric.TURNED, Weight.CRITICAL, reading.other_endings, more=more)
    elif _is_replaced(history, reading):
        more = _around(reading) | {"replaced": reading.removed}
        yield Finding(Kind.ENCRYPTION, Metric.TURNED, Weight.CRITICAL, reading.removed, more=more)


def _is_replaced(history: History, reading: Reading) -> bool:
    """Tell whether about as much came as went, more than usual, and what came does not compress as it did."""
    if reading.opaque is None or reading.opaque < OPAQUE or reading.left_out:
        return False
    if reading.removed < max(REPLACED_ITEMS, floor_of(history, Metric.REMOVED, reading)):
        return False
    known = usual(history, Metric.REMOVED, reading)
    if known is None or reading.removed <= known.limit:
        return False
    before = sorted(each.opaque for each in history.learnt(Metric.TURNED) if each.opaque is not None)
    usually = before[len(before) // 2] if before else 0.0
    return reading.added >= reading.removed * HALF and usually < OPAQUE - 0.1


def _around(reading: Reading) -> dict[str, object]:
    """What stands beside the value in the same backup."""
    names = ("added", "changed", "rewritten", "refiled", "removed", "items", "turned")
    found: dict[str, object] = {name: getattr(reading, name) for name in names}
    return found | {"opaque": None if reading.opaque is None else round(reading.opaque, 3)}
