"""Rules of activation: what they choose by, whom they hold, and what they did."""

import hashlib

from django.db import models

from apps.backups.models import BackupTask, Entity, Tag, entity_sight, task_sight
from apps.core import clock
from apps.core.models import AccountModel

from ..enums import Leaving, Mode, Outcome, RuleKind, RuleState


class Rule(AccountModel):
    """One choice of mailboxes of a task: made once, or followed every day.

    A draft is a choice that nobody has confirmed; `replaces` names the rule that it will change.
    `revision` counts changes: an evaluation that began before one writes nothing more. `asks`: so many who left
    would be deleted at once that a person is asked; `asked`: their ids; `allowed`: the ids a person allowed.
    """

    task = models.ForeignKey(BackupTask, on_delete=models.CASCADE, related_name="activation_rules")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=RuleKind)
    mode = models.CharField(max_length=6, choices=Mode, default=Mode.ONCE)
    leaving = models.CharField(max_length=6, choices=Leaving, default=Leaving.KEEP)
    state = models.CharField(max_length=8, choices=RuleState, default=RuleState.DRAFT)
    conditions = models.JSONField(default=dict)
    tag = models.ForeignKey(Tag, on_delete=models.SET_NULL, null=True, related_name="+")
    replaces = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="drafts")
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.CharField(max_length=200, blank=True)
    checked_at = models.DateTimeField(null=True)
    asks = models.PositiveIntegerField(default=0)
    asked = models.JSONField(default=list)
    allowed = models.JSONField(default=list)
    problem = models.TextField(blank=True)

    class Meta:
        db_table = "activation_rule"
        indexes = [
            models.Index(fields=["task", "state"], name="rule_of_task"),
            models.Index(fields=["checked_at"], name="rule_in_force", condition=models.Q(state="active")),
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        return task_sight("task")

    def __str__(self) -> str:
        return self.name

    @property
    def asked_mark(self) -> str:
        """Stands for exactly those whom the rule asks about."""
        return hashlib.sha256(",".join(map(str, self.asked)).encode()).hexdigest()


class RuleList(AccountModel):
    """The long list of a rule: addresses that were handed in, each with its line, or ids of groups' members.

    Beside addresses stand those whom they met, by their ids (`plan.met_key`).

    `problems`: [line, what stood there, why it was not taken] of a list that was handed in.
    """

    rule = models.OneToOneField(Rule, on_delete=models.CASCADE, related_name="listed")
    values = models.JSONField(default=list)
    problems = models.JSONField(default=list)
    read_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "activation_list"

    @classmethod
    def sight(cls) -> models.Q | None:
        return None if task_sight("task") is None else models.Q(rule__in=Rule.objects.values("pk"))


class RuleMember(AccountModel):
    """One whom a rule met: `outcome` says what it did then. `EXCLUDED`: a person took them out of the rule.

    `tagged`: its tag was put on by rules, so that they may take it off again; what a person put on stays.
    """

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="members")
    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    outcome = models.CharField(max_length=12, choices=Outcome)
    tagged = models.BooleanField(default=False)
    since = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "activation_member"
        constraints = [models.UniqueConstraint(fields=["rule", "entity"], name="member_once_per_rule")]

    @classmethod
    def sight(cls) -> models.Q | None:
        return entity_sight("entity")


class RuleEvent(AccountModel):
    """What a rule did to one mailbox, and why: its history. Outlives the mailbox."""

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="events")
    entity = models.ForeignKey(Entity, on_delete=models.SET_NULL, null=True, related_name="+")
    label = models.CharField(max_length=300)
    address = models.CharField(max_length=320, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome)
    why = models.TextField(blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "activation_event"
        indexes = [
            models.Index(fields=["rule", "at", "id"], name="event_of_rule"),
            models.Index(fields=["entity", "id"], name="event_of_entity"),
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        return entity_sight("entity")
