"""Connections: made, tested, marked, opened. Every change of state leaves a row in the activity."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import transaction

from apps.activity.services import record
from apps.core import clock
from apps.core.errors import ConsentLost, EverkeepError, Forbidden, InvalidRequest
from apps.core.scope import current_account_id
from apps.core.sealing import seal, unseal

from .base import CallCounter, Connector, Unreachable
from .enums import ConnectionState, CredentialKind, EntityKind, SubService
from .microsoft.auth import AppIdentity
from .microsoft.client import GraphClient
from .microsoft.connector import MicrosoftConnector, MicrosoftWriter
from .microsoft.consent import Proof, administrator_of
from .microsoft.credentials import CertificateCredential, Credential, SecretCredential, credential_from_bytes
from .microsoft.exchange.settings_read import FORWARDS, RULE, addresses_of
from .microsoft.patience import Patience
from .microsoft.unreachable import UNREACHABLE
from .models import Connection
from .permissions_needed import READING, Need, microsoft_needs, missing_for_reading, writing_name
from .registry import tell_lost
from .writing import Writer

QUICK: Final = Patience(tries=2, first_wait=0.5, throttled_for=10.0)
OTHER_TENANT: Final = "This is another tenant than the one this connection backs up."
_GUID: Final = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


@dataclass(frozen=True, slots=True)
class TestResult:
    """What a test of a connection found: the tenant, or what is wrong and what to do.

    `refused`: our sign-in or a permission is refused; otherwise what is wrong may pass by itself.
    """

    tenant_name: str = ""
    tenant_id: str = ""
    what: str = ""
    do: str = ""
    refused: bool = False
    missing: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.what


@dataclass(frozen=True, slots=True)
class Permitted:
    """One permission, and whether it was consented to; None when the provider does not say."""

    need: Need
    granted: bool | None


def open_connector(connection: Connection) -> Connector:
    """Open the read side of a connection; use with `async with`. Raises ConsentLost, SealBroken."""
    return MicrosoftConnector(identity_of(connection))


def open_writer(connection: Connection) -> Writer:
    """Open the write side of a connection; use with `async with`. Raises ConsentLost, SealBroken."""
    return MicrosoftWriter(identity_of(connection))


def unreachable_of(kind: str) -> tuple[Unreachable, ...]:
    """Return what belongs to an entity of this kind, but cannot be read through the provider's interface."""
    return UNREACHABLE[EntityKind(kind)]


def identity_of(connection: Connection) -> AppIdentity:
    """Unseal who we are at the provider. Raises ConsentLost with nothing to sign in with, SealBroken."""
    if connection.credential_kind == CredentialKind.ADMIN_CONSENT:
        return own_identity(connection.tenant_id)
    if not connection.sealed_credential:
        raise ConsentLost("There is nothing to sign in with.", do="Reconnect this connection.")
    kept = unseal(
        account_id=connection.account_id,
        purpose=credential_purpose(connection.public_id),
        sealed=bytes(connection.sealed_credential),
    )
    return AppIdentity(connection.tenant_id, connection.client_id, credential_from_bytes(kept))


def credential_from(*, secret: str = "", pem: bytes = b"") -> Credential:
    """Make a credential of what somebody holds: a client secret, or a PEM file with certificate and key.

    Raises InvalidRequest when neither is there or the file cannot be read.
    """
    if pem:
        return CertificateCredential.from_pem(pem)
    if not secret:
        raise InvalidRequest("There is neither a client secret nor a certificate.")
    return SecretCredential(secret)


def credentials_test(*, tenant_id: str, client_id: str, credential: Credential) -> TestResult:
    """Sign in with credentials that are not kept (yet)."""
    return async_to_sync(_test)(AppIdentity(tenant_id, client_id, credential))


def registration_test(fields: dict[str, Any]) -> TestResult:
    """Sign in with the cleaned fields of a RegistrationForm."""
    return credentials_test(
        tenant_id=fields["tenant_id"], client_id=fields["client_id"], credential=fields["credential"]
    )


def registration_save(
    fields: dict[str, Any], *, connection: Connection | None = None
) -> Connection | TestResult:
    """Keep an app registration that works, as a new connection or in place of what one had.

    Returns the failed test instead when it does not work. The same registration is never kept twice.
    """
    result = registration_test(fields)
    if not result.passed:
        return result
    client_id, credential = fields["client_id"].lower(), fields["credential"]
    ends_on = fields.get("secret_ends_on")
    known = connection or Connection.objects.filter(tenant_id=result.tenant_id, client_id=client_id).first()
    if known is None:
        return connection_create_from_credentials(
            tenant_id=result.tenant_id,
            client_id=client_id,
            credential=credential,
            name=result.tenant_name,
            secret_ends_on=ends_on,
        )
    if known.tenant_id != result.tenant_id:
        return TestResult(what=OTHER_TENANT, do="Use an app of the same tenant, or add a new connection.")
    connection_renew_credentials(
        connection=known, client_id=client_id, credential=credential, secret_ends_on=ends_on
    )
    return known


def tenant_of_consent(answer: dict[str, str]) -> str | None:
    """Read Microsoft's way back from the consent page; None when consent was not given."""
    tenant = answer.get("tenant", "")
    if answer.get("error") or answer.get("admin_consent", "").lower() != "true":
        return None
    return tenant.lower() if re.fullmatch(_GUID, tenant) else None


def connection_finish_consent(
    *, tenant_id: str, code: str, redirect_uri: str, proof: Proof, connection: Connection | None = None
) -> Connection:
    """Make or renew a connection for the tenant whose administrator just consented and signed in.

    Raises ConsentLost, Forbidden or Unavailable when that cannot be proved, and InvalidRequest when the
    connection belongs to another tenant.
    """
    identity = own_identity(tenant_id)
    async_to_sync(administrator_of)(identity, code=code, redirect_uri=redirect_uri, proof=proof)
    result = async_to_sync(_test)(identity)
    if not result.passed:
        raise ConsentLost(result.what, do=result.do)
    known = (
        connection
        or Connection.objects.filter(tenant_id=tenant_id, credential_kind=CredentialKind.ADMIN_CONSENT).first()
    )
    if known is None:
        return connection_create_from_consent(tenant_id=tenant_id, name=result.tenant_name)
    connection_renew_consent(connection=known, tenant_id=tenant_id)
    return known


def own_identity(tenant_id: str) -> AppIdentity:
    """Return Everkeep's own app in a tenant. Raises ConsentLost when this installation has none."""
    if not (settings.MICROSOFT_CLIENT_ID and settings.MICROSOFT_CLIENT_SECRET):
        raise ConsentLost(
            "This installation has no app of its own to sign in with.",
            do="Set EVERKEEP_MICROSOFT_CLIENT_ID and EVERKEEP_MICROSOFT_CLIENT_SECRET.",
        )
    credential = SecretCredential(settings.MICROSOFT_CLIENT_SECRET)
    return AppIdentity(tenant_id, settings.MICROSOFT_CLIENT_ID, credential)


@transaction.atomic
def connection_create_from_credentials(
    *,
    tenant_id: str,
    client_id: str,
    credential: Credential,
    name: str = "",
    secret_ends_on: date | None = None,
) -> Connection:
    """Keep an app registration of the customer's own."""
    connection = Connection(
        account_id=current_account_id(), tenant_id=tenant_id, client_id=client_id, name=name
    )
    _keep(connection, credential, secret_ends_on)
    connection.save()
    _record(connection, "created")
    return connection


@transaction.atomic
def connection_create_from_consent(*, tenant_id: str, name: str = "") -> Connection:
    """Keep a consent that an administrator gave to Everkeep's own app."""
    connection = Connection(
        account_id=current_account_id(),
        tenant_id=tenant_id,
        credential_kind=CredentialKind.ADMIN_CONSENT,
        name=name,
    )
    connection.save()
    _record(connection, "created")
    return connection


@transaction.atomic
def connection_renew_credentials(
    *,
    connection: Connection,
    client_id: str,
    credential: Credential,
    secret_ends_on: date | None = None,
) -> None:
    """Replace what a connection signs in with, in place: its backup tasks go on."""
    connection.client_id = client_id
    _keep(connection, credential, secret_ends_on)
    connection.save(
        update_fields=["client_id", "credential_kind", "sealed_credential", "credential_expires_at"]
    )
    _record(connection, "reauthenticated")
    connection_mark_connected(connection=connection)


@transaction.atomic
def connection_renew_consent(*, connection: Connection, tenant_id: str) -> None:
    """Take a new consent for a connection. Raises InvalidRequest for another tenant than before."""
    if connection.tenant_id != tenant_id:
        raise InvalidRequest(OTHER_TENANT, do="Sign in to the right tenant, or add a new connection.")
    connection.client_id, connection.sealed_credential = "", b""
    connection.credential_kind, connection.credential_expires_at = CredentialKind.ADMIN_CONSENT, None
    connection.save(
        update_fields=["client_id", "credential_kind", "sealed_credential", "credential_expires_at"]
    )
    _record(connection, "reauthenticated")
    connection_mark_connected(connection=connection)


@transaction.atomic
def connection_set_secret_end(*, connection: Connection, ends_on: date | None) -> None:
    """Note the day on which its client secret ends: the provider does not tell. Raises InvalidRequest."""
    if connection.credential_kind != CredentialKind.CLIENT_SECRET:
        raise InvalidRequest("This connection has no client secret.", do="Load the page again.")
    connection.credential_expires_at = _end_of(ends_on)
    connection.save(update_fields=["credential_expires_at"])
    _record(connection, "noted", ends=f"ends on {ends_on:%-d %B %Y}" if ends_on else "end not known")


def connection_test(connection: Connection) -> TestResult:
    """Sign in with what is kept and note the outcome on the connection."""
    try:
        identity = identity_of(connection)
    except EverkeepError as error:
        result = TestResult(what=error.what, do=error.do, refused=True)
    else:
        result = async_to_sync(_test)(identity)
    if result.passed:
        connection_mark_connected(connection=connection, name=result.tenant_name)
        Connection.objects.filter(pk=connection.pk).update(missing=list(result.missing))
    elif result.refused:
        connection_mark_disconnected(connection=connection, reason=f"{result.what} {result.do}".strip())
    return result


def permissions_of(connection: Connection) -> list[Permitted]:
    """Sign in anew and tell of each permission that reading needs whether we have it.

    Raises ConsentLost and whatever else signing in raises.
    """
    granted = async_to_sync(_granted)(identity_of(connection))
    return [
        Permitted(need, None if granted is None else bool(granted & {need.name, writing_name(need.name)}))
        for need in microsoft_needs(write=False)
    ]


def forwarded_to(remote_id: str, document: Mapping[str, Any]) -> frozenset[str]:
    """Return to whom a rule of a mailbox sends mail on, by its stored document; nobody while it is off."""
    if not remote_id.startswith(RULE) or document.get("isEnabled") is False:
        return frozenset()
    actions = document.get("actions") or {}
    return frozenset(each.lower() for name in FORWARDS for each in addresses_of(actions.get(name)))


def connection_note_kinds(
    *, connection: Connection, refused: Collection[SubService], read: Collection[SubService]
) -> None:
    """Note which permissions a backup lacked, and which it had: the page of the connection says so."""
    had = {READING[kind] for kind in read}
    missing = sorted({READING[kind] for kind in refused} | (set(connection.missing) - had))
    if missing != connection.missing:
        connection.missing = missing
        Connection.objects.filter(pk=connection.pk).update(missing=missing)


@transaction.atomic
def connection_mark_disconnected(*, connection: Connection, reason: str) -> None:
    """Note that our sign-in is refused. Backups that are kept are not touched."""
    was = connection.state
    connection.state, connection.state_reason = ConnectionState.DISCONNECTED, reason
    if was != ConnectionState.DISCONNECTED:
        connection.state_since = clock.now()
    connection.save(update_fields=["state", "state_reason", "state_since"])
    if was != ConnectionState.DISCONNECTED:
        _record(connection, "lost", reason=reason)
        tell_lost(connection)


@transaction.atomic
def connection_mark_connected(*, connection: Connection, name: str = "") -> None:
    """Note that our sign-in works. A name is taken over only when none was chosen."""
    was = connection.state
    connection.state, connection.state_reason = ConnectionState.CONNECTED, ""
    connection.name = connection.name or name[:200]
    if was != ConnectionState.CONNECTED:
        connection.state_since = clock.now()
    connection.save(update_fields=["state", "state_reason", "state_since", "name"])
    if was != ConnectionState.CONNECTED:
        _record(connection, "regained")


def _record(connection: Connection, verb: str, **details: Any) -> None:
    how = CredentialKind(connection.credential_kind).label
    said = [str(connection), *([] if verb in ("lost", "regained") else [how]), *details.values()]
    record(
        f"connection.{verb}",
        item_label=str(connection),
        subject_id=connection.public_id,
        audited=", ".join(said),
        **details,
    )


async def _test(identity: AppIdentity) -> TestResult:
    """Somebody waits in front of a page: two quick tries must do."""
    try:
        async with MicrosoftConnector(identity, open_client=_open_quickly) as connector:
            tenant = await connector.tenant()
            missing = missing_for_reading(await connector.graph.granted())
            return TestResult(tenant_name=tenant.name, tenant_id=tenant.tenant_id, missing=missing)
    except EverkeepError as error:
        refused = isinstance(error, ConsentLost | Forbidden)
        return TestResult(what=error.what, do=error.do, refused=refused)


async def _granted(identity: AppIdentity) -> frozenset[str] | None:
    async with MicrosoftConnector(identity, open_client=_open_quickly) as connector:
        await connector.tenant()
        return await connector.graph.granted()


def _open_quickly(identity: AppIdentity, counter: CallCounter) -> GraphClient:
    graph = GraphClient(identity, counter=counter, patience=QUICK)
    graph.sign_in_anew()
    return graph


def _end_of(day: date | None) -> datetime | None:
    """The beginning of that day in UTC: a warning that comes a day early does no harm."""
    return datetime.combine(day, time(), tzinfo=UTC) if day else None


def _keep(connection: Connection, credential: Credential, secret_ends_on: date | None) -> None:
    expires_at = _end_of(secret_ends_on)
    if isinstance(credential, CertificateCredential):
        connection.credential_kind, expires_at = CredentialKind.CERTIFICATE, credential.expires_at
    else:
        connection.credential_kind = CredentialKind.CLIENT_SECRET
    connection.credential_expires_at = expires_at
    connection.sealed_credential = seal(
        account_id=connection.account_id,
        purpose=credential_purpose(connection.public_id),
        plaintext=credential.to_bytes(),
    )


def credential_purpose(public_id: UUID) -> str:
    """Return the name under which a connection's credential is sealed."""
    return f"connection.credential:{public_id}"
