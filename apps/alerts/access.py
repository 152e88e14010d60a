"""From an id in a request to an alert. Missing, foreign and hidden are one answer; a weak right is another."""

from uuid import UUID

from apps.core.errors import NotFound
from apps.core.permissions import Permission, require

from .models import Alert
from .selectors import alert_by


def alert_for(public_id: UUID, permission: Permission = Permission.VIEW) -> Alert:
    """Return an alert that the actor sees. Raises NotFound, or PermissionMissing without `permission`."""
    alert = alert_by(public_id)
    if alert is None:
        raise NotFound("There is no such alert.", do="Open it from the list of alerts.")
    require(permission)
    return alert
