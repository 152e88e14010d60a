"""Fill a mailbox for measurements: thousands of messages a second, each different, none parsed."""

import hashlib
from datetime import datetime, timedelta
from email.utils import format_datetime
from random import Random

import orjson

from ..cloud import Cloud
from ..mail.parse import digest_id
from ..state import folders as folder_rows
from ..state.clock import stamp
from ..state.mailboxes import Mailbox
from ..state.messages import INSERT
from .letters import CLOSINGS, SENTENCES, TOPICS
from .tenant import mailbox_named

BATCH = 1000


class _Writer:
    """Makes mails of one size from a pool of paragraphs, so that they compress as mails do."""

    def __init__(self, random: Random, owner: str, size: int) -> None:
        self.random, self.owner, self.size = random, owner, size
        # Half of a body is words, half is noise as in tracking links and pictures.
        self.words = [" ".join(random.choices(SENTENCES, k=12)) for _ in range(200)]
        self.noise = [random.randbytes(1500).hex() for _ in range(200)]

    def body(self, number: int) -> str:
        lines, length = [f"Message {number}"], 0
        while length < self.size - 700:
            line = self.random.choice(self.words if len(lines) % 2 else self.noise)
            lines += [line[at : at + 90] for at in range(0, len(line), 90)]
            length += len(line)
        text = "\r\n".join(lines)[: max(40, self.size - 700)]
        return f"{text}\r\n{self.random.choice(CLOSINGS)}\r\n"

    def write(self, number: int, when: datetime) -> tuple[bytes, dict[str, object], str, str]:
        """(MIME, props, subject, message id)."""
        subject = f"{self.random.choice(TOPICS)} {number}"
        internet_id = f"<{number:x}.{self.random.getrandbits(64):x}@bulk.example>"
        body = self.body(number)
        head = (
            f"From: Bulk Sender <sender{number % 97}@bulk.example>\r\nTo: <{self.owner}>\r\n"
            f"Subject: {subject}\r\n"
            f"Date: {format_datetime(when)}\r\nMessage-ID: {internet_id}\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
        )
        sender = {"emailAddress": {"name": "Bulk Sender", "address": f"sender{number % 97}@bulk.example"}}
        props: dict[str, object] = {
            "from": sender,
            "sender": sender,
            "bodyPreview": body[:255].replace("\r\n", " ").strip(),
            "isDeliveryReceiptRequested": False,
            "isReadReceiptRequested": False,
            "toRecipients": [{"emailAddress": {"name": self.owner, "address": self.owner}}],
            "ccRecipients": [],
            "bccRecipients": [],
            "replyTo": [],
        }
        return (head + body).encode(), props, subject, internet_id


def fill(
    cloud: Cloud, mailbox: str, *, messages: int, size: int = 15000, folders: int = 1, number: int = 1
) -> int:
    """Add `messages` mails of about `size` bytes to the Inbox and `folders - 1` folders beside it."""
    box, random = mailbox_named(cloud, mailbox), Random(f"bulk-{number}")
    writer, now = _Writer(random, mailbox, size), cloud.clock.now()
    keys = _folders(cloud, box, folders)
    for start in range(0, messages, BATCH):
        with cloud.db.transaction():
            _insert(cloud, box, keys, writer, range(start, min(start + BATCH, messages)), now)
    return messages


def _folders(cloud: Cloud, box: Mailbox, count: int) -> list[int]:
    inbox = folder_rows.well_known(cloud.db, box.id, "inbox").id
    known = {folder.name: folder.id for folder in folder_rows.children(cloud.db, box.id, inbox)}
    names = [f"Bulk {index}" for index in range(1, count)]
    return [inbox, *(known.get(name) or folder_rows.create(cloud.db, box.id, inbox, name).id for name in names)]


def _insert(
    cloud: Cloud, box: Mailbox, keys: list[int], writer: _Writer, numbers: range, now: datetime
) -> None:
    first = cloud.db.next_seq(len(numbers))
    mime = int(cloud.db.one("SELECT COALESCE(MAX(id), 0) FROM mime")[0])
    bodies, rows = [], []
    for offset, number in enumerate(numbers):
        when = now - timedelta(minutes=7 * number + 1)
        data, props, subject, internet_id = writer.write(number, when)
        mime, seq, time = mime + 1, first + offset, stamp(when)
        bodies.append((mime, hashlib.sha256(data).digest(), data))
        rows.append(
            (box.id, keys[number % len(keys)], seq, seq, seq, time, time, time, time, number % 5 != 0, False,
             False,
             "normal", subject, internet_id, digest_id(internet_id), props["from"]["emailAddress"]["address"],  # type: ignore[index]
             len(data), mime, None, None, orjson.dumps(props), None)
        )  # fmt: skip
    cloud.db.executemany("INSERT INTO mime VALUES (?, ?, ?)", bodies)
    cloud.db.executemany(INSERT, rows)
