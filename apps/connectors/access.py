"""From an id in a request to a connection. Missing and foreign are one answer; a weak right is another."""

from uuid import UUID

from apps.core.errors import NotFound
from apps.core.permissions import Permission, require

from .models import Connection


def connection_for(public_id: UUID, permission: Permission = Permission.MODIFY) -> Connection:
    """Return the account's connection. Raises NotFound, or PermissionMissing without `permission`."""
    connection = Connection.objects.filter(public_id=public_id).first()
    if connection is None:
        raise NotFound("There is no such connection.", do="Open it from the page of its backup task.")
    require(permission)
    return connection
