"""Two-person rule: what destroys backups is proposed by one person and done by a second administrator.

    register_act("entities.delete", do=_delete, words=_words, permission=Permission.DELETE)  # in ready()
    proposed = propose("entities.delete", {"task": …}, "Delete 12 mailboxes")  # in a view, after sudo

Without the rule `propose` does it at once. docs/approvals.md
"""

from .registry import register_act
from .services import Proposed, propose

__all__ = ["Proposed", "propose", "register_act"]
