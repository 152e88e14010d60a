"""Run the stand-in: `python -m apps.sandbox.stripe --state FOLDER`, without Django."""

import argparse
import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from . import control, pages
from .api import Api
from .book import Book
from .events import Events
from .intents import Desk
from .webhooks import Courier, Switches

KEY = "sk_test_sandbox"
WEBHOOK_SECRET = "whsec_sandbox"  # noqa: S105  the sandbox's own, known to all
ADDRESS_FILE = "stripe-server.json"


def make_application(book: Book, address: str, key: str, switches: Switches) -> Starlette:
    events = Events(book)
    desk = Desk(book, events, address)
    courier = Courier(switches)
    events.listener = courier.take
    api = Api(desk, key)
    return Starlette(routes=[*control.routes(desk, api, courier), *pages.routes(desk), *api.routes()])


def serve(options: argparse.Namespace) -> None:
    """Blocks. The address is in the state folder as soon as connections are accepted."""
    options.state.mkdir(parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((options.host, options.port))
    listener.listen(256)
    address = f"http://{options.host}:{listener.getsockname()[1]}"
    switches = Switches(url=options.webhook_url, secret=options.webhook_secret)
    book = Book(None if options.forget else options.state)
    application = make_application(book, options.public_url or address, options.key, switches)
    note = options.state / ADDRESS_FILE
    note.with_suffix(".new").write_text(json.dumps({"url": address, "pid": os.getpid()}))
    note.with_suffix(".new").replace(note)
    sys.stdout.write(f"Stripe stand-in on {address}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        application,
        log_level="critical",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
    )
    uvicorn.Server(config).run(sockets=[listener])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="sandbox.stripe", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps what it knows")
    parser.add_argument("--forget", action="store_true", help="keep everything in memory only")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--public-url", default="", help="what links to its pages start with")
    parser.add_argument("--key", default=KEY)
    parser.add_argument("--webhook-url", default="", help="where events are posted to")
    parser.add_argument("--webhook-secret", default=WEBHOOK_SECRET)
    serve(parser.parse_args(arguments))
    return 0
