"""One onboarding of a backup task, and its days."""

from django.db import models

from apps.backups.models import BackupTask, Entity, entity_sight, task_sight
from apps.core import clock
from apps.core.models import AccountModel


class OnboardingState(models.TextChoices):
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    DONE = "done", "Done"


class Onboarding(AccountModel):
    """First backups in daily batches. At most one of a task; started again it goes on with who is left."""

    task = models.OneToOneField(BackupTask, on_delete=models.CASCADE, related_name="onboarding")
    state = models.CharField(max_length=7, choices=OnboardingState, default=OnboardingState.RUNNING)
    started_at = models.DateTimeField(default=clock.now)
    started_by = models.CharField(max_length=200, blank=True)
    worked_on = models.DateField(null=True)  # the last day that was given its batch

    class Meta:
        db_table = "onboarding"

    @classmethod
    def sight(cls) -> models.Q | None:
        return task_sight("task")


class OnboardingDay(AccountModel):
    """One day as it was planned and as it came out; `finished` is written when the day is over."""

    onboarding = models.ForeignKey(Onboarding, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    planned = models.PositiveIntegerField()
    started = models.PositiveIntegerField(default=0)
    finished = models.PositiveIntegerField(null=True)
    left = models.PositiveIntegerField()  # not started when the day began
    ends_on = models.DateField(null=True)  # the forecast of that day
    binds = models.TextField()

    class Meta:
        db_table = "onboarding_day"
        constraints = [models.UniqueConstraint(fields=["onboarding", "day"], name="onboarding_day_once")]

    @classmethod
    def sight(cls) -> models.Q | None:
        return None if task_sight("task") is None else models.Q(onboarding__in=Onboarding.objects.values("pk"))


class OnboardingStart(AccountModel):
    """One whose first backup an onboarding started, and when."""

    onboarding = models.ForeignKey(Onboarding, on_delete=models.CASCADE, related_name="starts")
    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()

    class Meta:
        db_table = "onboarding_start"
        constraints = [models.UniqueConstraint(fields=["onboarding", "entity"], name="onboarded_once")]

    @classmethod
    def sight(cls) -> models.Q | None:
        return entity_sight("entity")
