"""What deletions add to the frame, to gc and to the two-person rule. Called by `BackupsConfig.ready()`."""

from uuid import UUID

from apps.accounts.approvals import register_act
from apps.activity.registry import register_codes
from apps.core.permissions import Permission
from apps.vault.registry import Ordered, register_ordered

from ..models import Deletion
from .facts import dead_lately
from .order import ACT, delete_now, deletion_words


def register() -> None:
    """Codes, the act, what gc need not be surprised by."""
    register_codes(
        "Backup tasks",
        {
            "deletion.ordered": "Deletion ordered",
            "deletion.cancelled": "Deletion taken back",
            "deletion.done": "Deleted",
        },
    )
    register_act(ACT, do=delete_now, words=deletion_words, permission=Permission.DELETE)
    register_ordered("deletion", Ordered(dead=dead_lately, chains=_chains))


def _chains(account_id: int) -> set[tuple[UUID, str]]:
    rows = Deletion.objects.filter(account_id=account_id).exclude(left=[])
    return {(UUID(entity), kind) for left in rows.values_list("left", flat=True) for entity, kind in left}
