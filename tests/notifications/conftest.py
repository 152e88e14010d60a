"""Servers that letters go to, and a kind of letter of the tests' own."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from apps.core.scope import account_scope
from apps.notifications import registry
from apps.notifications.letters import Letter
from apps.notifications.models import Recipient
from apps.notifications.registry import Kind
from tests.cast import Cast
from tests.listener import Listener
from tests.servers import free_port, listens, running

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Post:
    """An SMTP server process and what it took."""

    port: int
    folder: Path

    def mails(self) -> list[EmailMessage]:
        read = [path.read_bytes() for path in sorted(self.folder.glob("*.eml"))]
        return [message_from_bytes(data, policy=policy.default) for data in read]


@pytest.fixture(scope="session")
def smtp_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    post = Post(free_port(), tmp_path_factory.mktemp("post"))
    command = [sys.executable, "-m", "tests.smtp_server", str(post.port), str(post.folder)]
    with running(command, ready=lambda: listens(post.port)):
        yield post


@pytest.fixture
def post(smtp_process: Post, settings: Any) -> Iterator[Post]:
    """Mails of this test go to the server process."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", smtp_process.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    yield smtp_process
    for path in smtp_process.folder.glob("*.eml"):
        path.unlink()


@pytest.fixture
def listener(settings: Any) -> Iterator[Listener]:
    settings.HOOK_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    with Listener() as made:
        yield made


@pytest.fixture(autouse=True)
def weather(monkeypatch: pytest.MonkeyPatch) -> str:
    """A kind that no app registers."""
    monkeypatch.setattr(registry, "_kinds", dict(registry._kinds))
    registry.register_kind(Kind("weather", "Weather", "What falls from the sky."))
    return "weather"


def letter(**fields: Any) -> Letter:
    return Letter("notification_test", {"who": "Olivia"}, **fields)


def recipient(cast: Cast, address: str = "desk@partner.example", **fields: Any) -> Recipient:
    """One on the list; an outsider sees what has no limited access."""
    with account_scope(cast.account.pk):
        seen = {"kinds": ["weather"], "view": True, "services": None}
        return Recipient.objects.create(account=cast.account, address=address, **{**seen, **fields})
