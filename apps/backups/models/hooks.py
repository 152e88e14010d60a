"""Webhooks of a backup task: what is told and asked before and after its rounds, and what became of it."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from ..enums import HookMoment, LetterState, Otherwise, RoundState
from .entities import BackupTask, task_sight


class Hook(AccountModel):
    """One address. `waits`: the round begins when it answers yes, or as `otherwise` says after `wait_seconds`.

    `whole`: who set it sees every mailbox of the task, so its figures may count those of limited access.
    """

    task = models.ForeignKey(BackupTask, on_delete=models.CASCADE, related_name="hooks")
    moment = models.CharField(max_length=6, choices=HookMoment)
    url = models.CharField(max_length=500)
    waits = models.BooleanField(default=False)
    wait_seconds = models.PositiveIntegerField(default=60)
    otherwise = models.CharField(max_length=4, choices=Otherwise, default=Otherwise.GO)
    active = models.BooleanField(default=True)
    whole = models.BooleanField(default=False)
    sealed_secret = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "hook"
        indexes = [models.Index(fields=["task"], name="hook_in_force", condition=models.Q(active=True))]

    @classmethod
    def sight(cls) -> models.Q | None:
        return task_sight("task")

    def __str__(self) -> str:
        return f"{self.get_moment_display()}: {self.url}"

    @property
    def secret_purpose(self) -> str:
        """The name under which its secret is sealed."""
        return f"backups.hook:{self.public_id}"

    @property
    def asks(self) -> bool:
        return self.waits and self.moment == HookMoment.BEFORE


class HookRound(AccountModel):
    """From the first regular backup of a task that is due until none runs or is due any more."""

    task = models.ForeignKey(BackupTask, on_delete=models.CASCADE, related_name="hook_rounds")
    state = models.CharField(max_length=7, choices=RoundState, default=RoundState.ASKING)
    begun_at = models.DateTimeField(default=clock.now)
    opened_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "hook_round"
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=models.Q(state__in=RoundState.under_way()), name="hook_round_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["state"],
                name="hook_round_under_way",
                condition=models.Q(state__in=RoundState.under_way()),
            )
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        return task_sight("task")


class HookLetter(AccountModel):
    """One request to a hook, sent until it arrives; its public id is in it, the same at each try.

    `decides_by`: an answer is awaited until then, and then the tick goes on without it.
    """

    hook = models.ForeignKey(Hook, on_delete=models.CASCADE, related_name="letters")
    round = models.ForeignKey(HookRound, on_delete=models.SET_NULL, null=True, related_name="letters")
    event = models.CharField(max_length=20)
    body = models.TextField()
    state = models.CharField(max_length=9, choices=LetterState, default=LetterState.WAITING)
    said = models.CharField(max_length=300, blank=True)
    tries = models.PositiveIntegerField(default=0)
    decides_by = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "hook_letter"
        indexes = [
            models.Index(fields=["hook", "-created_at"], name="hook_letter_newest"),
            models.Index(
                fields=["next_try_at"], name="hook_letter_due", condition=models.Q(state=LetterState.WAITING)
            ),
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        return None if task_sight("task") is None else models.Q(hook__in=Hook.objects.values("pk"))
