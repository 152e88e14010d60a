"""Restore drills by hand: `manage.py drill run [TASK] | verify FILE`."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.backups.models import BackupTask
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import InvalidRequest
from apps.core.scope import account_scope, every_account
from apps.recovery.drill.report import verified
from apps.recovery.drill.run import run_drill
from apps.recovery.enums import DrillState


class Command(BaseCommand):
    help = "Restore a sample of a backup task to memory, or verify the signed report of such a drill."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        run = actions.add_parser("run", help="do drills now; exit code 0: all passed, 1: not all")
        run.add_argument("task", nargs="?", default="", help="public id of one task; all when left out")
        verify = actions.add_parser("verify", help="tell whether this installation wrote a report as it is")
        verify.add_argument("file", type=Path)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if action == "verify":
            self._verify(options["file"])
        elif not self._run(options["task"]):
            sys.exit(1)

    def _run(self, only: str) -> bool:
        with every_account("the operator may drill any task"):
            rows = BackupTask.objects.order_by("pk").values_list("account_id", "pk", "public_id", "name")
            chosen = [row for row in rows if only in ("", str(row[2]))]
        if not chosen:
            raise CommandError("There is no such task.")
        passed = True
        for account_id, pk, _, name in chosen:
            with account_scope(account_id), acting_as(SYSTEM):
                drill = run_drill(task_id=pk)
            said = drill.message if drill else "A drill is under way already."
            self.stdout.write(f"{name}: {said}")
            passed &= drill is not None and drill.state == DrillState.PASSED
        return passed

    def _verify(self, file: Path) -> None:
        try:
            report = verified(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        except InvalidRequest as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"This installation wrote it: {report['task']}, {report['finished']}: {report['message']}"
        )
