"""When active entities run."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.backups.enums import Frequency
from apps.backups.schedule import next_start

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_daily_backup_starts_at_its_hour_today_or_tomorrow() -> None:
    assert next_start(Frequency.DAILY, 14, NOON) == NOON.replace(hour=14)
    assert next_start(Frequency.DAILY, 2, NOON) == datetime(2026, 11, 21, 2, tzinfo=UTC)


def test_the_hour_that_is_now_means_tomorrow() -> None:
    assert next_start(Frequency.DAILY, 12, NOON) == NOON + timedelta(days=1)


def test_three_a_day_are_eight_hours_apart() -> None:
    assert next_start(Frequency.THREE_PER_DAY, 2, NOON) == NOON.replace(hour=18)


@pytest.mark.parametrize("frequency", [Frequency.WEEKLY, Frequency.EVERY_3_DAYS])
def test_a_first_backup_never_waits_longer_than_a_day(frequency: Frequency) -> None:
    assert next_start(frequency, 2, NOON) - NOON <= timedelta(days=1)


moments = st.datetimes(datetime(2025, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.sampled_from(Frequency.values), st.integers(0, 23), moments)
def test_a_start_always_lies_ahead_and_on_the_hour(frequency: str, hour: int, after: datetime) -> None:
    start = next_start(frequency, hour, after)
    assert after < start <= after + timedelta(days=1)
    assert (start.minute, start.second) == (0, 0) and (start.hour - hour) % 8 == 0
