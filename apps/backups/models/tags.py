"""Tags: an account's own words for entities (features TAG-01), and which entity has which."""

import unicodedata
from typing import Any

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from .entities import Entity, entity_sight


def folded(name: str) -> str:
    """What makes two names the same tag: how they look, in any case. Databases fold ASCII letters only."""
    seen = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())


class Tag(AccountModel):
    """A word that people put on entities, to find them and to give them a policy; once per account."""

    name = models.CharField(max_length=60)
    key = models.CharField(max_length=240, editable=False)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "tag"
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="tag_once_per_account")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.key = folded(self.name)
        if (fields := kwargs.get("update_fields")) and "name" in fields:
            kwargs["update_fields"] = {*fields, "key"}
        super().save(*args, **kwargs)


class EntityTag(AccountModel):
    """This entity has this tag. Read from both ends: the tags of a page of rows, the rows of a tag.

    Every read names the account too, and SQLite would take an index of the account alone, which has all rows.
    """

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+", db_index=False)
    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="entity_tags", db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="entity_tags")

    class Meta:
        db_table = "entity_tag"
        constraints = [models.UniqueConstraint(fields=["entity", "tag"], name="entity_tag_once")]
        indexes = [
            models.Index(fields=["account", "entity"], name="entity_tag_by_entity"),
            models.Index(fields=["account", "tag", "entity"], name="entity_tag_by_tag"),
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.entity_id}"
