"""What is indexed: one document for each version of each item, whatever its kind."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Document:
    """One version of one item.

    `version_id` is the row of the catalog (`NodeVersion.id`): the document's only key. `item` is
    `hash_of(remote_id)`, the same for all versions of an item; with `entity_id` and `sub_service` it is what
    results collapse to. `parent` is `hash_of(parent_id)`. `time` is the item's own (sent, starts, due,
    changed). `first_at` is when the snapshot was taken that first held this version, `gone_at` when the first
    one without it was, None while it is there; `deleted` tells that no other version of the item follows.
    `senders` and `recipients` are "Name <address>" or either of both; `attachments` are names of files,
    `place` is where an event happens.
    """

    version_id: int
    entity_id: int
    sub_service: str
    item: int
    parent: int
    name: str
    first_at: datetime
    gone_at: datetime | None = None
    deleted: bool = False
    time: datetime | None = None
    size: int = 0
    has_attachments: bool = False
    senders: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    text: str = ""
    place: str = ""
    attachments: tuple[str, ...] = ()
    attachment_texts: tuple[str, ...] = field(default=(), repr=False)
