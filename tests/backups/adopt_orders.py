"""What a warm worker does in tests of `vault adopt` and `rebuild`: each order in a process of its own."""

import io
from datetime import timedelta
from typing import Any


def migrate() -> None:
    """Make an empty database."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def strangers() -> None:
    """Somebody has signed up already, so the numbers of accounts are not those of before."""
    from apps.accounts.services import account_open

    account_open(account_name="First", location="DE", name="F", email="first@example.org", password="x" * 12)


def recovery_key() -> str:
    """Have a recovery key shown to the owner."""
    from apps.accounts.models import Account
    from apps.vault.recovery import recovery_key_make

    return recovery_key_make(account_id=Account.objects.get().pk).text


def adopt(*, arguments: list[str]) -> str:
    """Run `manage.py vault adopt`; returns what it says, or the words of its refusal."""
    from django.core.management import CommandError, call_command

    said = io.StringIO()
    try:
        call_command("vault", "adopt", *arguments, stdout=said)
    except CommandError as error:
        return f"REFUSED {error}"
    return said.getvalue()


def claim(*, arguments: list[str]) -> str:
    """Run `manage.py vault claim`; returns what it says."""
    from django.core.management import call_command

    said = io.StringIO()
    call_command("vault", "claim", *arguments, stdout=said)
    return said.getvalue()


def look() -> dict[str, Any]:
    """Return what a person finds after an adoption."""
    from apps.accounts.models import Membership
    from apps.backups.models import Entity, Run, Snapshot
    from apps.connectors.models import Connection
    from apps.core.scope import every_account
    from apps.vault.models import Pack

    with every_account("the test looks at everything"):
        connection, entity = Connection.objects.get(), Entity.objects.get()
        run = Run.objects.order_by("id").last()
        return {
            "owners": list(Membership.objects.filter(is_owner=True).values_list("user__email", flat=True)),
            "connection": connection.state,
            "entity": [entity.state, entity.address, entity.items],
            "snapshots": list(Snapshot.objects.order_by("number").values_list("number", flat=True)),
            "packs": Pack.objects.count(),
            "stored": [run.items_stored, run.items_reused, run.bytes_stored] if run else [],
        }


def reconnect(*, client: str, secret: str) -> None:
    """An administrator gives the connection its credentials again."""
    from apps.connectors.microsoft.credentials import SecretCredential
    from apps.connectors.models import Connection
    from apps.connectors.services import connection_renew_credentials
    from apps.core.scope import account_scope, every_account

    with every_account("the test has one"):
        connection = Connection.objects.get()
    with account_scope(connection.account_id):
        connection_renew_credentials(
            connection=connection, client_id=client, credential=SecretCredential(secret)
        )


def rewrap() -> int:
    """Bring the keys under the newest master key, as `vault rotate` does."""
    from apps.core.scope import every_account
    from apps.vault.envelopes import keys_rewrap
    from apps.vault.models import VaultKey

    with every_account("the test has one"):
        accounts = list(VaultKey.objects.values_list("account_id", flat=True))
    return sum(keys_rewrap(account_id=account) for account in accounts)


def export() -> dict[str, str]:
    """Export the newest backup; returns SHA-256 by name in the archive."""
    import hashlib
    import zipfile

    from apps.core import clock
    from apps.core.scope import every_account
    from apps.jobs.models import Job
    from apps.recovery.exports.files import folder_of, parts_of
    from tests.recovery import orders

    started = orders.start(kind="export")
    with clock.travel(clock.now() + timedelta(minutes=1)):
        assert orders.work(job=started["job"])["state"] == "succeeded"
    with every_account("the test has one"):
        job = Job.objects.get(pk=started["job"])
        found = {}
        for part in parts_of(job):
            with zipfile.ZipFile(folder_of(job) / part.name) as archive:
                for name in archive.namelist():
                    if name.endswith(".eml"):
                        found[name] = hashlib.sha256(archive.read(name)).hexdigest()
    return found


def lose_all_and_rebuild() -> list[str]:
    """Forget everything but account and keys, and rebuild it; returns what the rebuild misses."""
    from apps.backups.journals.rebuild import rebuild
    from apps.backups.models import BackupTask, Entity, NodeVersion, Run, RunIssue, Snapshot
    from apps.connectors.models import Connection
    from apps.core.scope import every_account
    from apps.vault.models import BlobLocation, Pack, VaultKey

    with every_account("the test has one"):
        for model in (NodeVersion, RunIssue, Snapshot, Run, Entity, BackupTask, Connection, BlobLocation, Pack):
            model.objects.all().delete()
        account_id = VaultKey.objects.get().account_id
    return rebuild(account_id=account_id).problems
