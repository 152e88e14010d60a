"""Policies: rules that hold for many tasks and entities, written once."""

from django.db import models
from django.db.models.functions import Lower

from apps.core import clock
from apps.core.models import AccountModel


class Policy(AccountModel):
    """A bundle of rules. A part that is null says nothing: the next one asked decides (selectors.policies)."""

    name = models.CharField(max_length=120)
    schedule = models.JSONField(null=True)
    retention = models.JSONField(null=True)
    exclusions = models.JSONField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "policy"
        constraints = [models.UniqueConstraint("account", Lower("name"), name="policy_name_once")]

    def __str__(self) -> str:
        return self.name


class PolicyTag(AccountModel):
    """What has this tag is ruled by this policy. Of several tags of one entity the lowest `rank` counts."""

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="policy_tags")
    tag = models.OneToOneField("backups.Tag", on_delete=models.PROTECT, related_name="policy_tag")
    rank = models.PositiveSmallIntegerField(default=100)

    class Meta:
        db_table = "policy_tag"

    def __str__(self) -> str:
        return f"{self.policy} by {self.tag}"
