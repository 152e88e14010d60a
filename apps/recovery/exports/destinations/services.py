"""Destinations as rows: added once they work, tested, taken out."""

from django.db import IntegrityError, transaction

from apps.activity.services import record
from apps.core import clock
from apps.core.errors import Conflict, EverkeepError
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id
from apps.vault.api import bucket_url
from apps.vault.errors import TriedTooOften

from ...models import Destination
from .base import sender_of
from .s3 import S3Destination, sealed


def destination_add(
    *, name: str, bucket: str, folder: str, endpoint: str, region: str, key_id: str, secret: str
) -> Destination:
    """Test a bucket and keep it. Raises EverkeepError when it does not take files: then nothing is kept.

    Raises Conflict when the name is taken: who exports must know which bucket a name means.
    """
    require(Permission.ACCOUNT_SETTINGS)
    if Destination.objects.filter(name=name).exists():
        raise _taken(name)
    credentials = {"key_id": key_id, "secret": secret}
    url = bucket_url(bucket=bucket, prefix=folder, endpoint=endpoint, region=region)
    row = Destination(account_id=current_account_id(), name=name, kind="s3", url=url)
    S3Destination(row, credentials).test()
    row.sealed_credentials, row.tested_at = sealed(row, credentials), clock.now()
    try:
        with transaction.atomic():
            row.save()
            _record(row, "added")
    except IntegrityError as error:
        raise _taken(name) from error
    return row


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a destination called {name} already.", do="Give another name.")


def destination_test(destination: Destination) -> Destination:
    """Test a destination as it is kept, and note what came of it. Raises TriedTooOften."""
    require(Permission.ACCOUNT_SETTINGS)
    try:
        sender_of(destination).test()
        destination.trouble = ""
    except TriedTooOften:
        raise  # nothing was tried: that tells nothing about the destination
    except EverkeepError as error:
        destination.trouble = str(error)
    destination.tested_at = clock.now()
    destination.save(update_fields=["trouble", "tested_at"])
    return destination


@transaction.atomic
def destination_remove(destination: Destination) -> None:
    """Forget its address and its credentials. What lies there stays there."""
    require(Permission.ACCOUNT_SETTINGS)
    _record(destination, "removed")
    destination.delete()


def _record(destination: Destination, verb: str) -> None:
    record(
        f"export_destination.{verb}",
        item_label=destination.name,
        subject_id=destination.public_id,
        audited=f"{destination.name}, {destination.url}",
        address=destination.url,
    )
