"""From an id in a request to a rule. Missing and foreign are one answer; a weak right is another."""

from uuid import UUID

from apps.core.errors import NotFound
from apps.core.permissions import Permission, require

from .enums import RuleState
from .models import Rule


def rule_for(public_id: UUID, permission: Permission = Permission.VIEW) -> Rule:
    """Return the account's rule with its task. Raises NotFound, or PermissionMissing without `permission`."""
    rules = Rule.objects.select_related("task__connection", "replaces", "tag")
    rule = rules.exclude(state=RuleState.REMOVED).filter(public_id=public_id).first()
    if rule is None:
        raise NotFound("There is no such rule.", do="Open it from the page “Activation” of its backup task.")
    require(permission)
    return rule
