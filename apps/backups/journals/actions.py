"""`manage.py vault rebuild`: what the operator sees of it."""

from argparse import ArgumentParser
from typing import Any, Final

from django.core.exceptions import ValidationError

from apps.accounts.models import Account
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import NotFound
from apps.vault.api import Action

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


ACTIONS: Final = (
    Action("rebuild", "make the catalog anew from packs and journals", _rebuild_arguments, _rebuild),
)
