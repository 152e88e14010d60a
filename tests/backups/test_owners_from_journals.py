"""Whoever holds a recovery key can write journals: what they say must not open anybody's mailboxes."""

import uuid

import pytest

from apps.backups.journals.owners import entity_from
from apps.connectors.enums import ConnectionState, CredentialKind
from apps.connectors.services import connection_renew_consent, connection_test, identity_of
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import ConsentLost
from apps.core.scope import account_scope
from tests.cast import Cast

pytestmark = pytest.mark.django_db

TENANT = "0f5ab0c4-1111-4222-8333-444455556666"  # of another customer, who has consented to Everkeep's app


def said(kind: str) -> dict[str, object]:
    return {
        "connection": {"public_id": str(uuid.uuid4()), "tenant_id": TENANT, "credential_kind": kind},
        "task": {"public_id": str(uuid.uuid4()), "service": "exchange", "name": "Mail"},
        "entity": {"public_id": str(uuid.uuid4()), "remote_id": "boss", "kind": "user_mailbox", "name": "Boss"},
    }


@pytest.mark.parametrize("kind", CredentialKind.values)
def test_a_connection_that_a_journal_names_signs_in_nowhere_until_somebody_reconnects_it(
    cast: Cast, kind: str, settings: pytest.FixtureRequest
) -> None:
    settings.MICROSOFT_CLIENT_ID, settings.MICROSOFT_CLIENT_SECRET = "everkeep", "ours"  # type: ignore[attr-defined]
    with account_scope(cast.account.pk), acting_as(SYSTEM):
        connection = entity_from(said(kind), cast.account.pk).task.connection
        with pytest.raises(ConsentLost, match="nothing to sign in with"):
            identity_of(connection)
        assert connection_test(connection).refused
        assert connection.state == ConnectionState.DISCONNECTED
        connection_renew_consent(connection=connection, tenant_id=TENANT)  # after an administrator's sign-in
        assert identity_of(connection).tenant_id == TENANT
