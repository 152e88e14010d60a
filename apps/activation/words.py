"""A rule in a person's words."""

from .conditions import conditions_of
from .enums import RuleKind
from .models import Rule
from .plan import group_names


def rule_words(rule: Rule) -> str:
    """ "Department is Kitchen or Shops", "Members of Delivery", "12 addresses of a list"."""
    if rule.kind == RuleKind.EVERYONE:
        return "Everyone"
    if rule.kind == RuleKind.GROUP:
        return f"Members of {group_names(rule)}"
    if rule.kind == RuleKind.LIST:
        count = int(rule.conditions.get("addresses", 0))
        return f"{count:,} address{'' if count == 1 else 'es'} of a list"
    return conditions_of(rule.conditions).words
