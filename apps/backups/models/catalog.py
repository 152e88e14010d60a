"""The catalog: one bitemporal table of node versions.

A node's state at snapshot S is the version with `first <= S and (gone is null or gone > S)`. A run therefore
costs O(changes), and any day is one indexed range query (docs/architecture.md, data model).
"""

import hashlib
from functools import lru_cache

from django.db import models


@lru_cache(4096)  # a run asks for the same id at each of its steps, and for a folder with each of its items
def hash_of(remote_id: str) -> int:
    """Return the first 8 bytes of SHA-256 of a remote id as a signed integer: short enough to index."""
    return int.from_bytes(hashlib.sha256(remote_id.encode()).digest()[:8], "big", signed=True)


@lru_cache(4096)
def key_of(remote_id: str) -> str:
    """Return the name of a node where its id must not stand: 32 hex digits that begin with `hash_of`."""
    return hashlib.sha256(remote_id.encode()).hexdigest()[:32]


class SortKey(models.Func):
    """The first letters of a text without regard to case: what lists are sorted by and indexes hold.

    The length stands in the SQL itself, since SQLite does not match an index to a bound parameter.
    """

    template = "LOWER(SUBSTR(%(expressions)s, 1, 40))"
    output_field = models.TextField()


class NodeVersion(models.Model):
    """One state of one folder or item, valid from snapshot `first` until before snapshot `gone`.

    Not an AccountModel: rows come by the million, written and read only by `backups.catalog`, where every
    statement carries account and entity. `remote_hash` is `hash_of(remote_id)` (remote ids are long; equality
    is always checked on `remote_id` too). `content` lists the blobs of an item (`vault.api.decode_content`:
    for mail one MIME part); `props` is what is kept beside it, the connector's canonical JSON as it is.
    """

    account_id = models.BigIntegerField()
    entity_id = models.BigIntegerField()
    sub_service = models.CharField(max_length=20)
    remote_hash = models.BigIntegerField()
    remote_id = models.TextField()
    parent_hash = models.BigIntegerField(null=True)
    parent_id = models.TextField(null=True)
    is_folder = models.BooleanField(default=False)
    well_known = models.CharField(max_length=40, default="", blank=True)
    name = models.TextField()
    author = models.TextField(default="", blank=True)
    recipients = models.TextField(default="", blank=True)
    time = models.DateTimeField(null=True)
    size = models.BigIntegerField(default=0)
    has_attachments = models.BooleanField(default=False)
    etag = models.TextField(default="", blank=True)
    content = models.BinaryField(default=bytes)
    props = models.BinaryField(default=bytes)
    first = models.PositiveIntegerField()
    gone = models.PositiveIntegerField(null=True)
    run_id = models.BigIntegerField()

    class Meta:
        db_table = "node_version"
        indexes = [
            # A page of a folder at any snapshot, newest first, decided inside the index.
            models.Index(
                fields=[
                    "entity_id",
                    "sub_service",
                    "parent_hash",
                    "is_folder",
                    "-time",
                    "-id",
                    "first",
                    "gone",
                ],
                name="node_page",
            ),
            # The same for the other orders a person may choose.
            *(
                models.Index(
                    "entity_id",
                    "sub_service",
                    "parent_hash",
                    "is_folder",
                    key,
                    "id",
                    "first",
                    "gone",
                    name=name,
                )
                for name, key in (
                    ("node_by_author", SortKey("author")),
                    ("node_by_name", SortKey("name")),
                    ("node_by_size", models.F("size")),
                )
            ),
            # The tree of any day without looking at items.
            models.Index(
                fields=["entity_id", "sub_service"], name="node_folders", condition=models.Q(is_folder=True)
            ),
            models.Index(fields=["entity_id", "sub_service", "remote_hash"], name="node_key"),
            # What one snapshot added and ended, without a look at the rest of the mailbox.
            models.Index(fields=["entity_id", "sub_service", "first"], name="node_first"),
            models.Index(
                fields=["entity_id", "sub_service", "gone"],
                name="node_gone",
                condition=models.Q(gone__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name
