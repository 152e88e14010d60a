"""Keeping vaults sound: checks on a schedule, records of damage, and healing. Public to apps above.

How it goes together, and each code in a user's words: docs/check-and-repair.md.
"""

from .checks import (
    CHECK_EVERY,
    STRUCTURE_EVERY,
    check_after_rebuild,
    check_cancel,
    check_order,
    checks_dispatch,
    checks_schedule,
)
from .damage import damage_report, damage_settle
from .healing import accounts_to_heal, heal, heal_if_possible
from .selectors import VaultHealth, damage_rows, lost_blobs, vault_health
from .work import run_check

__all__ = [
    "CHECK_EVERY",
    "STRUCTURE_EVERY",
    "VaultHealth",
    "accounts_to_heal",
    "check_after_rebuild",
    "check_cancel",
    "check_order",
    "checks_dispatch",
    "checks_schedule",
    "damage_report",
    "damage_rows",
    "damage_settle",
    "heal",
    "heal_if_possible",
    "lost_blobs",
    "run_check",
    "vault_health",
]
