"""`manage.py vault rebuild` and `adopt`: what the operator sees of them."""

import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.accounts.models import Account
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import InvalidRequest, NotFound
from apps.vault.api import Action

from .adopt import adopt
from .rebuild import Report, Say, rebuild


def _rebuild_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--account", required=True, help="the account's public id")
    parser.add_argument(
        "--again",
        action="store_true",
        help="throw away what the catalog says first (only where the journals say all of it)",
    )


def _rebuild(options: dict[str, Any], say: Say) -> None:
    try:
        account = Account.objects.filter(public_id=options["account"]).first()
    except ValidationError:
        account = None
    if account is None:
        raise NotFound("There is no account of this id.", do="For a vault without an account: vault adopt.")
    with acting_as(SYSTEM):
        tell(rebuild(account_id=account.pk, again=options["again"], say=say), say)


def tell(report: Report, say: Say) -> None:
    """Say what came of a rebuild."""
    say(
        f"{report.packs.packs:,} packs with {report.packs.blobs:,} blobs recorded; "
        f"{report.snapshots:,} backups of {report.chains:,} lists brought back, {report.versions:,} versions."
    )
    for problem in report.problems:
        say(f"- {problem}")
    say("Something is missing: see above." if report.problems else "Nothing is missing.")
    say("A check of everything begins now; the Health page and `manage.py vault check` say what it finds.")


def _adopt_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--store", required=True, help="address of the store, as in EVERKEEP_VAULT_URL")
    parser.add_argument("--vault", type=uuid.UUID, help="the vault's id, when the store holds several")
    parser.add_argument("--owner", required=True, help="address of the person who shall own the account")
    parser.add_argument("--name", default="", help="name of the account; else the one it had")
    parser.add_argument(
        "--recovery-key",
        type=Path,
        metavar="FILE",
        help="file with the recovery key; else a master key opens it",
    )


def _adopt(options: dict[str, Any], say: Say) -> None:
    try:
        validate_email(options["owner"])
        typed = options["recovery_key"].read_text() if options["recovery_key"] else ""
    except ValidationError as error:
        raise InvalidRequest("The owner's address is not one.") from error
    except OSError as error:
        raise InvalidRequest(f"The file with the recovery key cannot be read: {error.strerror}.") from error
    with acting_as(SYSTEM):
        _, report = adopt(
            url=options["store"],
            vault_id=options["vault"],
            owner=options["owner"],
            name=options["name"],
            typed=typed,
            say=say,
        )
    tell(report, say)
    say("Next: the owner sets a password by “Forgot password” and reconnects the connections.")


ACTIONS: Final = (
    Action("adopt", "take over a vault whose database is gone", _adopt_arguments, _adopt),
    Action("rebuild", "make the catalog anew from packs and journals", _rebuild_arguments, _rebuild),
)
