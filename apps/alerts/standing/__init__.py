"""Alerts that are no statistics: what stands wrong in an account, looked at every quarter of an hour."""

from ..registry import Check, register_check
from . import connections, mailboxes, room, storage


def register() -> None:
    """Add the checks. Called in `ready()`."""
    register_check(Check("connection", "Connections that are lost", connections.lost))
    register_check(Check("expiring", "Secrets and certificates that end", connections.expiring))
    register_check(Check("failures", "Backups that fail one after the other", mailboxes.failing))
    register_check(Check("overdue", "Backups that do not come", mailboxes.overdue))
    register_check(Check("coverage", "Coverage that dropped", mailboxes.uncovered))
    register_check(Check("damage", "Damage in what is kept", storage.damaged))
    register_check(Check("room", "Mailboxes that are nearly full", room.nearly_full))
    register_check(Check("quota", "Planned storage that is used up", storage.filling))
