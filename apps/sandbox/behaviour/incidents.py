"""What attackers and accidents do to a mailbox, on request: for alerts, demonstrations and drills.

The same seed strikes the same items. Silence needs no script: let time pass without `advance`.
"""

from collections.abc import Callable
from email import message_from_bytes
from email.encoders import encode_base64
from email.message import Message
from email.policy import compat32
from random import Random
from typing import Any

from ..cloud import Cloud
from ..state import folders as folder_rows
from ..state import messages, things
from ..state.mailboxes import Mailbox

THIEF = "collector@elsewhere.example"
ENDING = ".locked"


def strike(cloud: Cloud, box: Mailbox, kind: str, *, share: float = 0.5, number: int = 1) -> int:
    """Do it to a share of the mailbox's messages; returns to how many. KeyError for an unknown kind."""
    action = INCIDENTS[kind]
    random = Random(f"incident-{kind}-{number}")
    keys = [row[0] for row in cloud.db.all("SELECT id FROM messages WHERE mailbox = ? ORDER BY id", (box.id,))]
    struck = sorted(random.sample(keys, round(len(keys) * share)))
    with cloud.db.transaction():
        done = action(cloud, box, struck, random)
    cloud.forget()
    return done


def _delete(cloud: Cloud, box: Mailbox, keys: list[int], random: Random) -> int:
    """For good, past the bin. With a small share, day by day, this is the slow drip."""
    for key in keys:
        messages.destroy(cloud.db, key)
    return len(keys)


def _bin(cloud: Cloud, box: Mailbox, keys: list[int], random: Random) -> int:
    bin_ = folder_rows.well_known(cloud.db, box.id, "deleteditems").id
    for key in keys:
        messages.move(cloud.db, key, bin_, cloud.clock.stamp())
    return len(keys)


def _overwrite(cloud: Cloud, box: Mailbox, keys: list[int], random: Random) -> int:
    """Other words stand in the messages."""
    return sum(_change(cloud, key, lambda part: _scribble(part, random)) for key in keys)


def _encrypt(cloud: Cloud, box: Mailbox, keys: list[int], random: Random) -> int:
    """Files attached to messages become noise of the same length under another name."""
    return sum(_change(cloud, key, lambda part: _lock(part, random)) for key in keys)


def _lock_as_text(cloud: Cloud, box: Mailbox, keys: list[int], random: Random) -> int:
    """The same with noise that is written as text, so that it compresses."""
    return sum(_change(cloud, key, lambda part: _lock(part, random, as_text=True)) for key in keys)


def _forward(cloud: Cloud, box: Mailbox, keys: list[int], random: Random) -> int:
    """A rule of the inbox sends all mail on to a stranger."""
    rules = things.folder_by_well_known(cloud.db, box.id, "rules", "inboxrules")
    if rules is None:
        raise LookupError("this mailbox has no rules")
    stranger = {"emailAddress": {"name": "Collector", "address": THIEF}}
    rule = {
        "displayName": ".",
        "sequence": len(things.listed(cloud.db, rules)) + 1,
        "isEnabled": True,
        "conditions": {},
        "actions": {"forwardTo": [stranger], "stopProcessingRules": False},
    }
    things.add(cloud.db, rules, rule, cloud.clock.stamp())
    return 1


def _change(cloud: Cloud, key: int, work: Callable[[Message], bool]) -> bool:
    """Let `work` change the parts of a message that came as MIME; tells whether it did."""
    data = messages.mime_bytes(cloud.db, key)
    if data is None:
        return False
    letter = message_from_bytes(data, policy=compat32)
    if not [part for part in letter.walk() if not part.is_multipart() and work(part)]:
        return False
    changed = letter.as_bytes()
    columns = {"mime": messages.store_mime(cloud.db, changed), "size": len(changed)}
    messages.change(cloud.db, key, cloud.clock.stamp(), columns)
    return True


def _lock(part: Message, random: Random, *, as_text: bool = False) -> bool:
    name, content = part.get_filename(), part.get_payload(decode=True)
    if not name or not isinstance(content, bytes):
        return False
    noise = random.randbytes(max(len(content), 64))
    _fill(part, noise.hex().encode() if as_text else noise)
    part.replace_header("Content-Disposition", f'attachment; filename="{name}{ENDING}"')
    if part.get_param("name"):
        part.set_param("name", f"{name}{ENDING}")
    return True


def _scribble(part: Message, random: Random) -> bool:
    if part.get_content_type() != "text/plain" or part.get_filename():
        return False
    _fill(part, f"There was something here once. {random.getrandbits(64):x}\r\n".encode())
    return True


def _fill(part: Message, content: bytes) -> None:
    del part["Content-Transfer-Encoding"]
    part.set_payload(content)
    encode_base64(part)


INCIDENTS: dict[str, Callable[[Cloud, Mailbox, list[int], Random], int]] = {
    "mass_deletion": _delete,
    "mass_move_to_bin": _bin,
    "mass_change": _overwrite,
    "encryption": _encrypt,
    "encryption_as_text": _lock_as_text,
    "forwarding": _forward,
}


def strike_as_asked(cloud: Cloud, wanted: dict[str, Any], box: Mailbox) -> dict[str, int]:
    """`/_control/incident`: `kind`, `share` (of all messages), `seed`."""
    share, number = float(wanted.get("share", 0.5)), int(wanted.get("seed", 1))
    return {"struck": strike(cloud, box, str(wanted["kind"]), share=share, number=number)}
