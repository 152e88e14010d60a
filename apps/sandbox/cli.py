"""`python -m apps.sandbox serve|seed|advance|load|bulk`: the cloud from the command line, without Django."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import server
from .cloud import Cloud
from .people import advance, bulk, load, seed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Shared with `manage.py sandbox`."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--state", type=Path, required=True, help="folder that keeps the tenant")
    size = argparse.ArgumentParser(add_help=False)
    size.add_argument("--users", type=int, default=12)
    size.add_argument("--messages", type=int, default=400, help="messages of the whole tenant")
    size.add_argument("--seed", type=int, default=1)

    about = "answer requests; an empty tenant is seeded first"
    _add_serve(verbs.add_parser("serve", parents=[common, size], help=about))
    fresh = verbs.add_parser("seed", parents=[common, size], help="replace the tenant by a new one")
    fresh.add_argument(
        "--now", default="today", help="when the tenant's mail ends: 'today' or an ISO 8601 time"
    )
    days = verbs.add_parser("advance", parents=[common], help="let people work")
    days.add_argument("--days", type=int, default=1)
    days.add_argument("--seed", type=int)
    files = verbs.add_parser("load", parents=[common], help="load .eml files into a mailbox")
    files.add_argument("--mailbox", required=True)
    files.add_argument(
        "--folder", type=Path, required=True, help="where the files are; sub-folders become folders"
    )
    files.add_argument("--target", default="inbox", help="well-known folder that they go into")
    many = verbs.add_parser("bulk", parents=[common], help="fill a mailbox for measurements")
    many.add_argument("--mailbox", required=True)
    many.add_argument("--messages", type=int, default=20000)
    many.add_argument("--size", type=int, default=15000)
    many.add_argument("--folders", type=int, default=1)
    many.add_argument("--seed", type=int, default=1)


def _add_serve(run: argparse.ArgumentParser) -> None:
    run.add_argument("--host", default="127.0.0.1")
    run.add_argument("--port", type=int, default=0)
    run.add_argument("--public-url", help="what links start with, when a proxy stands before the sandbox")
    run.add_argument("--base-path", default="", help="serve everything below this path")
    run.add_argument("--certificate", type=Path, help="PEM file: serve https")
    run.add_argument("--key", type=Path)
    run.add_argument("--contract", type=Path, help="validator of the official description: record violations")
    run.add_argument("--empty", action="store_true", help="do not seed an empty tenant")


def run(options: argparse.Namespace) -> Any:
    """Does what was asked; returns what to print."""
    if options.verb == "serve":
        server.serve(
            server.Options(
                state=options.state,
                host=options.host,
                port=options.port,
                public_url=options.public_url,
                base_path=options.base_path,
                certificate=options.certificate,
                key=options.key,
                users=options.users,
                messages=options.messages,
                seed=options.seed,
                seed_if_empty=not options.empty,
                contract=options.contract,
            )
        )
        return None
    cloud = Cloud.open(options.state)
    try:
        return _on_state(cloud, options)
    finally:
        cloud.db.close()


def _on_state(cloud: Cloud, options: argparse.Namespace) -> Any:
    if options.verb == "seed":
        now = seed.this_morning() if options.now == "today" else options.now
        return seed.seed(cloud, users=options.users, messages=options.messages, number=options.seed, now=now)
    if options.verb == "advance":
        return advance.advance(cloud, days=options.days, number=options.seed)
    if options.verb == "load":
        return {"loaded": load.load_folder(cloud, options.folder, options.mailbox, options.target)}
    made = bulk.fill(
        cloud,
        options.mailbox,
        messages=options.messages,
        size=options.size,
        folders=options.folders,
        number=options.seed,
    )
    return {"made": made}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    add_arguments(parser)
    answer = run(parser.parse_args(arguments))
    if answer is not None:
        sys.stdout.write(json.dumps(answer, indent=1) + "\n")
    return 0
