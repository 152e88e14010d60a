"""Reads back the mails that `core.outbox` wrote, for `/outbox/` while debugging."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

from django.conf import settings

NEWEST = 100


@dataclass(frozen=True)
class WrittenMail:
    """One mail of the outbox, as a person reads it."""

    id: UUID
    subject: str
    sender: str
    to: str
    sent_at: datetime
    text: str
    html: str


def newest_mails() -> list[WrittenMail]:
    """The NEWEST mails, newest first: file names are UUIDs that sort by time."""
    folder = Path(settings.OUTBOX_DIR)
    paths = sorted(folder.glob("*.eml"), reverse=True) if folder.is_dir() else []
    return [_read(path) for path in paths[:NEWEST]]


def mail_of(mail_id: UUID) -> WrittenMail | None:
    """One mail, or None."""
    path = Path(settings.OUTBOX_DIR) / f"{mail_id}.eml"
    return _read(path) if path.is_file() else None


def _read(path: Path) -> WrittenMail:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    return WrittenMail(
        id=UUID(path.stem),
        subject=str(message["Subject"]),
        sender=str(message["From"]),
        to=str(message["To"]),
        sent_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        text=_body(message, "plain"),
        html=_body(message, "html"),
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part else ""
