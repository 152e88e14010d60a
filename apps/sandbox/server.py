"""Run the cloud: bind, say where, serve until stopped."""

import json
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from .application import make_application
from .behaviour.contract import ContractRecorder, load_contract
from .cloud import Cloud
from .people import seed

ADDRESS_FILE = "server.json"


@dataclass(frozen=True)
class Options:
    """`state` None keeps the tenant in memory; `port` 0 picks a free one."""

    state: Path | None
    host: str = "127.0.0.1"
    port: int = 0
    public_url: str | None = None
    base_path: str = ""
    certificate: Path | None = None
    key: Path | None = None
    users: int = 12
    messages: int = 400
    seed: int = 1
    seed_if_empty: bool = True
    contract: Path | None = None


def bind(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((options.host, options.port))
    listener.listen(1024)
    return listener


def serve(options: Options) -> None:
    """Blocks. The address is in `server.json` of the state folder as soon as connections are accepted."""
    cloud = Cloud.open(options.state)
    if options.seed_if_empty and not cloud.db.one("SELECT 1 FROM users LIMIT 1"):
        today = seed.this_morning()
        seed.seed(cloud, users=options.users, messages=options.messages, number=options.seed, now=today)
    listener = bind(options)
    scheme = "https" if options.certificate else "http"
    address = f"{scheme}://{options.host}:{listener.getsockname()[1]}{options.base_path}"
    if options.state is not None:
        note = options.state / ADDRESS_FILE
        note.with_suffix(".new").write_text(json.dumps({"url": address, "pid": os.getpid()}))
        note.with_suffix(".new").replace(note)
    application: Any = make_application(cloud, options.public_url, options.base_path)
    if options.contract:
        application = cloud.contract = ContractRecorder(application, load_contract(options.contract))
    config = uvicorn.Config(
        application,
        http="httptools",
        loop="uvloop",
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=75,
        ssl_certfile=options.certificate,
        ssl_keyfile=options.key,
    )
    sys.stdout.write(f"Sandbox cloud on {address}\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listener])
    cloud.db.close()
