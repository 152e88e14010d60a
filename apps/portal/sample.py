"""Try Everkeep with the sandbox's invented organisation, where the installation runs a sandbox."""

import json
import urllib.request
from contextlib import closing

from django.conf import settings

from apps.backups.models import BackupTask
from apps.backups.services.tasks import create_task
from apps.connectors.enums import ConnectionState, CredentialKind, Service
from apps.connectors.models import Connection
from apps.connectors.services import connection_create_from_consent, connection_renew_consent
from apps.core.errors import NotFound, Unavailable

CONNECTION_NAME = "Sample organisation"
TASK_NAME = "Sample mailboxes"


def sample_offered() -> bool:
    """Tell whether this installation has an invented organisation to try things with."""
    return bool(settings.SANDBOX_TENANT_ID)


def sample_task() -> BackupTask:
    """Return the account's task of sample data, connected and made on the first call.

    Twice makes one. Raises NotFound where no sandbox is run, Unavailable when it does not answer.
    """
    if not sample_offered():
        raise NotFound("There is no sample organisation here.", do="Connect an organisation of your own.")
    ours = Connection.objects.filter(
        tenant_id=settings.SANDBOX_TENANT_ID, credential_kind=CredentialKind.ADMIN_CONSENT
    )
    connection = ours.order_by("id").first()
    if connection is None:
        _consent()
        connection = connection_create_from_consent(tenant_id=settings.SANDBOX_TENANT_ID, name=CONNECTION_NAME)
    elif connection.state != ConnectionState.CONNECTED:
        _consent()
        connection_renew_consent(connection=connection, tenant_id=settings.SANDBOX_TENANT_ID)
    known = BackupTask.objects.filter(connection=connection, service=Service.EXCHANGE).order_by("id").first()
    return known or create_task(connection=connection, service=Service.EXCHANGE, name=TASK_NAME)


def _consent() -> None:
    """Let the sandbox's administrator consent to our app: nobody's data, so nobody needs to be asked."""
    asked = urllib.request.Request(  # noqa: S310 - the address is the installation's own setting
        f"{settings.MICROSOFT_GRAPH_URL}/_control/consent",
        json.dumps({"client_id": settings.MICROSOFT_CLIENT_ID, "at_once": False}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with closing(urllib.request.urlopen(asked, timeout=10)):  # noqa: S310
            pass
    except OSError as problem:
        raise Unavailable("The sample organisation does not answer.", do="Try again in a minute.") from problem
