"""What erasures add to the frame, to gc and to the two-person rule. Called by `BackupsConfig.ready()`."""

from apps.accounts.approvals import register_act
from apps.activity.registry import register_codes
from apps.core.navigation import Section, register_section
from apps.core.permissions import Permission
from apps.vault.api import Followed, register_followed
from apps.vault.registry import Ordered, register_ordered

from .order import ACT, erase_now, erasure_words
from .proof import dead_lately, follow_open, packs_to_empty


def register() -> None:
    """Codes, the act, what gc need not be surprised by and what it has to empty."""
    register_codes(
        "Backups",
        {
            "erasure.ordered": "Erasure of items ordered",
            "erasure.cancelled": "Erasure taken back",
            "erasure.done": "Items erased",
        },
    )
    words = "Items that leave every backup on somebody's demand, and the certificate of each."
    register_section(Section("erasures", "Erasures", words, "trash", 24, "erasures", Permission.ERASE))
    register_act(ACT, do=erase_now, words=erasure_words, permission=Permission.ERASE)
    register_ordered("erasure", Ordered(dead=dead_lately, chains=lambda account_id: ()))
    register_followed("erasure", Followed(follow=follow_open, packs=packs_to_empty))
