"""What rules of activation order about backups of who left them (deletion.order), and what keeps those."""

from ..deletion.order import delete_of_rule, in_grace_of_rules, put_back_of_rule
from ..holds import on_hold

__all__ = ["delete_of_rule", "in_grace_of_rules", "on_hold", "put_back_of_rule"]
