"""Readings one after the other, each judged by those before it: a stretch of history, or all of it anew."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from .findings import Finding
from .readings import History, Reading
from .rules import judge, odd_metrics


@dataclass(frozen=True, slots=True)
class Judged:
    """A reading with what was found; `reading.odd` says the same in metrics."""

    reading: Reading
    findings: list[Finding]


def follow(
    readings: Iterable[Reading], before: Iterable[Reading] = (), *, scale: float = 1.0
) -> Iterator[Judged]:
    """Judge readings in their order. `before` were judged already, and stay as they are.

    A reading that a person accepted as normal is learnt whatever is found.
    """
    known = list(before)
    for each in readings:
        history = History(known, scale)
        findings = judge(history, each)
        judged = replace(each, odd=odd_metrics(findings))
        known = [*history.readings, judged]
        yield Judged(judged, findings)
