"""Connections: the authorisation for one cloud tenant, its credentials sealed."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from .enums import ConnectionState, CredentialKind


class Connection(AccountModel):
    """One tenant of one cloud. Several backup tasks may use it."""

    provider = models.CharField(max_length=20, default="microsoft")
    name = models.CharField(max_length=200, blank=True)
    tenant_id = models.CharField(max_length=100)
    client_id = models.CharField(max_length=100, blank=True)
    credential_kind = models.CharField(max_length=20, choices=CredentialKind)
    sealed_credential = models.BinaryField(default=bytes)
    credential_expires_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=15, choices=ConnectionState, default=ConnectionState.CONNECTED)
    state_reason = models.TextField(blank=True)
    state_since = models.DateTimeField(default=clock.now)
    missing = models.JSONField(default=list)  # permissions for reading that were refused when last asked
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "connection"
        indexes = [models.Index(fields=["account", "id"], name="connection_account")]

    def __str__(self) -> str:
        return self.name or self.tenant_id
