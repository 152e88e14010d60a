"""`manage.py connectors smoke`: try a real tenant, step by step, without the portal's database."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import BaseCommand, CommandError

from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.credentials import CertificateCredential, Credential, SecretCredential
from apps.connectors.smoke import Wanted, smoke
from apps.core.errors import EverkeepError


class Command(BaseCommand):
    help = "Try a connection to a real tenant: sign in, discover, read changes, fetch, and on request write."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        run = verbs.add_parser("smoke", help="docs/connecting-microsoft-365.md says what to prepare")
        run.add_argument("--tenant", required=True, help="directory (tenant) id or a domain of it")
        run.add_argument("--client-id", required=True)
        proof = run.add_mutually_exclusive_group(required=True)
        proof.add_argument("--secret-env", help="name of the variable that holds the client secret")
        proof.add_argument("--certificate", type=Path, help="PEM file with the certificate and its key")
        run.add_argument("--passphrase-env", default="", help="name of the variable with the key's passphrase")
        run.add_argument("--mailbox", required=True, help="address of the mailbox to read")
        run.add_argument("--items", type=int, default=10, help="how many messages to fetch")
        run.add_argument(
            "--write", action="store_true", help="write one message into a new folder and read it back"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        identity = AppIdentity(options["tenant"], options["client_id"], _credential(options))
        wanted = Wanted(options["mailbox"], options["items"], options["write"])
        try:
            async_to_sync(smoke)(identity, wanted, self.stdout.write)
        except EverkeepError as error:
            raise CommandError(f"{type(error).__name__}: {error}") from error


def _credential(options: dict[str, Any]) -> Credential:
    """Take secrets from the environment or a file: command lines are seen by others and kept by shells."""
    if options["certificate"]:
        passphrase = os.environ.get(options["passphrase_env"], "") if options["passphrase_env"] else ""
        try:
            return CertificateCredential.from_pem(options["certificate"].read_bytes(), passphrase)
        except OSError as error:
            raise CommandError(f"The certificate cannot be read: {error.strerror}") from error
        except EverkeepError as error:
            raise CommandError(str(error)) from error
    secret = os.environ.get(options["secret_env"], "")
    if not secret:
        raise CommandError(f"The variable {options['secret_env']} is empty.")
    return SecretCredential(secret)
