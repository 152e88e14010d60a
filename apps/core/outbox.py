"""Mail on the embedded set-up: written to a folder, readable at /outbox/ while debugging."""

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from .ids import new_public_id


class OutboxBackend(BaseEmailBackend):
    """Writes each message as one .eml file whose name sorts by time."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.OUTBOX_DIR)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for message in email_messages:
            (folder / f"{new_public_id()}.eml").write_bytes(message.message().as_bytes())
        return len(email_messages)
