"""What a folder misses by the provider's count: a few may be on their way, but not for two days, nor all."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from apps.backups.engine.gaps import _missing

Ledger = dict[str, int]


def missing(now: Ledger, before: Ledger | None = None) -> list[int]:
    stream = SimpleNamespace(
        sub_service="mail",
        troubles=SimpleNamespace(folders={}),
        before=SimpleNamespace(coverage={"inbox": before}) if before else None,
    )
    return [gap.count for gap in _missing(cast(Any, stream), {"inbox": now})]


@pytest.mark.parametrize(
    ("expected", "captured", "before", "told"),
    [
        (1_000, 995, None, []),
        (1_000, 979, None, [21]),
        (1_000, 995, (1_000, 995), [5]),
        (1_001, 996, (1_000, 995), []),
        (1_000, 996, (1_000, 995), []),
        (10, 0, None, [10]),
        (1, 0, (4, 3), [1]),
        (5, 5, (5, 5), []),
        (5, 7, (5, 7), []),
    ],
)
def test_a_folder_misses_too_much_or_all_or_the_same_as_the_backup_before(
    expected: int, captured: int, before: tuple[int, int] | None, told: list[int]
) -> None:
    known = dict(zip(("expected", "captured"), before, strict=True)) if before else None
    assert missing({"expected": expected, "captured": captured}, known) == told


def test_what_failed_or_was_skipped_is_a_gap_of_its_own() -> None:
    ledger = {"expected": 9, "captured": 5, "failed": 3, "skipped": 1}
    assert missing(ledger, ledger) == []
