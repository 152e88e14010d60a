"""Connections that the provider refuses, and credentials that will end."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models import QuerySet

from apps.backups.models import BackupTask
from apps.connectors.enums import ConnectionState
from apps.connectors.models import Connection
from apps.core import clock

from ..enums import AlertKind, Severity
from ..registry import Found

# From the last step back: how many days before its end, and how bad that is.
STEPS: Final = ((1, Severity.CRITICAL), (7, Severity.WARNING), (30, Severity.NOTICE))


def lost() -> Iterator[Found]:
    """One for a connection and service, however many mailboxes wait for it."""
    for connection, service in _used(Connection.objects.filter(state=ConnectionState.DISCONNECTED)):
        yield Found(
            kind=AlertKind.DISCONNECTED,
            key=f"connection:{connection.public_id}:{service}",
            severity=Severity.CRITICAL,
            service=service,
            facts={
                "label": str(connection),
                "connection": str(connection.public_id),
                "since": connection.state_since.isoformat(),
                "why": connection.state_reason[:500],
            },
        )


def expiring() -> Iterator[Found]:
    """One for each credential that ends within a month; it grows worse a week and a day before."""
    soon = clock.now() + timedelta(days=STEPS[-1][0])
    for connection, service in _used(Connection.objects.filter(credential_expires_at__lte=soon)):
        ends_at = connection.credential_expires_at
        assert ends_at is not None, "the query asks for it"
        days = max((ends_at - clock.now()).days, 0)
        yield Found(
            kind=AlertKind.EXPIRING,
            key=f"expiring:{connection.public_id}:{service}",
            severity=next(severity for step, severity in STEPS if days <= step),
            service=service,
            facts={
                "label": str(connection),
                "connection": str(connection.public_id),
                "what": connection.get_credential_kind_display(),
                "ends": ends_at.isoformat(),
                "is_over": ends_at <= clock.now(),
                "days": days,
            },
        )


def _used(rows: "QuerySet[Connection]") -> Iterator[tuple[Connection, str]]:
    """Each with every service that backs up by it: who does not see a service hears nothing of it."""
    for connection in rows.order_by("pk"):
        tasks = BackupTask.objects.filter(connection=connection).order_by("service")
        for service in tasks.values_list("service", flat=True).distinct():
            yield connection, service
