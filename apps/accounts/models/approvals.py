"""What one person proposed and a second administrator has to approve."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from ..enums import ApprovalState


class Approval(AccountModel):
    """One proposal: `act` names what is done (`approvals.registry`), `payload` is all that it needs, in JSON.

    People are plain ids and names: the row outlives who left. `label` and `words` are what was read by who
    proposed it, kept as they were. `services` and `limited` say what those words name: who does not see all of
    that reads neither (`approvals.sight`).
    """

    act = models.CharField(max_length=40)
    payload = models.JSONField(default=dict)
    label = models.CharField(max_length=300)
    words = models.TextField(blank=True)
    services = models.JSONField(default=list)
    limited = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=ApprovalState, default=ApprovalState.PENDING)
    proposer_id = models.BigIntegerField()
    proposer_label = models.CharField(max_length=200)
    proposed_at = models.DateTimeField(default=clock.now)
    opens_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "approval"
        indexes = [models.Index(fields=["account", "state", "-proposed_at"], name="approval_newest")]

    def __str__(self) -> str:
        return self.label

    @property
    def is_open(self) -> bool:
        return self.state == ApprovalState.PENDING and clock.now() < self.expires_at

    @property
    def may_be_approved_now(self) -> bool:
        return self.is_open and clock.now() >= self.opens_at
