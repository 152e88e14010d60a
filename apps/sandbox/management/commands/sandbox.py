"""`manage.py sandbox …`: the same as `python -m apps.sandbox …`."""

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.sandbox import cli


class Command(BaseCommand):
    help = "The sandbox cloud: serve, seed, advance, load, bulk."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        answer = cli.run(argparse.Namespace(**options))
        if answer is not None:
            self.stdout.write(json.dumps(answer, indent=1))
