"""What the page of an onboarding shows."""

from dataclasses import dataclass
from datetime import date, timedelta

from apps.backups.models import BackupTask
from apps.backups.selectors.elsewhere import twice
from apps.core import clock
from apps.core.sight import sees_everything

from ..models import Onboarding, OnboardingDay, OnboardingStart
from .pacing import going_on, pace_now, waiting_of
from .quota import Pace

LARGE = 1000
DAYS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class OnboardingView:
    """`onboarding` is None before it begins. `ends_on` is the forecast as it is today."""

    onboarding: Onboarding | None
    waiting: int
    going_on: int
    done: int
    pace: Pace
    ends_on: date | None
    days: list[OnboardingDay]

    @property
    def total(self) -> int:
        return self.waiting + self.going_on + self.done

    @property
    def is_large(self) -> bool:
        return self.total > LARGE


def view_of(task: BackupTask) -> OnboardingView:
    """Figures, plan and days of one task, for what the actor in force sees."""
    found = Onboarding.objects.filter(task=task).first()
    idle = waiting_of(task)
    pace, waiting = pace_now(found), idle.count() - twice(task, idle).count()
    busy = going_on(found).count() if found else 0
    starts = OnboardingStart.objects.filter(onboarding=found) if found else OnboardingStart.objects.none()
    left = waiting + busy
    return OnboardingView(
        onboarding=found,
        waiting=waiting,
        going_on=busy,
        done=starts.filter(entity__first_snapshot_at__isnull=False).count(),
        pace=pace,
        ends_on=clock.now().date() + timedelta(days=max(0, pace.days(left) - 1)) if left else None,
        days=_days_of(found),
    )


def _days_of(onboarding: Onboarding | None) -> list[OnboardingDay]:
    """Their numbers were counted over everybody, so they are for who sees everybody."""
    if onboarding is None or not sees_everything():
        return []
    return list(OnboardingDay.objects.filter(onboarding=onboarding).order_by("-day")[:DAYS_SHOWN])
