"""A naive index: reads the catalog and the texts that a test gives it, and looks at each row."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from apps.backups.models import NodeVersion, Snapshot
from apps.backups.selectors.browse import read_nodes
from apps.search.language import tree
from apps.search.results import FacetCounts, Results, Row


@dataclass
class FakeIndex:
    """`texts` are what stands inside items, by remote id. `asked` keeps every scope that came."""

    texts: dict[str, str] = field(default_factory=dict)
    scopes: list[tree.Query] = field(default_factory=list)

    def matching(self, account_id: int, query: tree.Query, scope: tree.Query) -> list[NodeVersion]:
        self.scopes.append(scope)
        rows = NodeVersion.objects.filter(account_id=account_id, is_folder=False).order_by("-time", "-first")
        newest: dict[tuple[int, str, str], NodeVersion] = {}
        for row in rows:
            if self.holds(query, row) and self.holds(scope, row):
                newest.setdefault((row.entity_id, row.sub_service, row.remote_id), row)
        return list(newest.values())

    def holds(self, query: tree.Query, row: NodeVersion) -> bool:  # noqa: PLR0911 - one for each kind of leaf
        match query:
            case tree.All(parts):
                return all(self.holds(part, row) for part in parts)
            case tree.Some(parts):
                return any(self.holds(part, row) for part in parts)
            case tree.Not(part):
                return not self.holds(part, row)
            case tree.Word(text, where) | tree.Phrase(text, where):
                return text.lower() in self.field(row, where).lower()
            case tree.Part(pattern, where):
                return pattern.strip("*").lower() in self.field(row, where).lower()
            case tree.Kind(kind):
                return row.sub_service == kind
            case tree.Attached():
                return row.has_attachments
            case tree.Deleted():
                return self.is_deleted(row)
            case tree.Times(low, high):
                return row.time is not None and (not low or low <= row.time) and (not high or row.time < high)
            case tree.Ids(column, values):
                of = {"entity": row.entity_id, "parent": row.parent_hash, "version": row.pk}
                return of[column] in values
            case tree.Everything():
                return True
            case tree.Kept(at):
                days = Snapshot.objects.filter(
                    entity_id=row.entity_id, sub_service=row.sub_service, taken_at__lte=at
                )
                number = max((day.number for day in days), default=0)
                return row.first <= number and (row.gone is None or row.gone > number)
        raise AssertionError(query)

    def field(self, row: NodeVersion, where: tree.Field) -> str:
        fields = {
            tree.Field.NAME: row.name, tree.Field.FROM: row.author, tree.Field.TO: row.recipients,
            tree.Field.TEXT: self.texts.get(row.remote_id, ""),
        }  # fmt: skip
        return " ".join(fields.values()) if where == tree.Field.ANY else fields.get(where, "")

    def is_deleted(self, row: NodeVersion) -> bool:
        later = NodeVersion.objects.filter(entity_id=row.entity_id, remote_id=row.remote_id, gone=None)
        return row.gone is not None and not later.exists()

    def search(
        self, account_id: int, query: tree.Query, *, scope: tree.Query, sort: Any = None,
        after: str | None = None, limit: int = 50,
    ) -> Results:  # fmt: skip
        found = self.matching(account_id, query, scope)
        at = int(after or 0)
        rows = [
            Row(row.entity_id, row.sub_service, read_nodes(NodeVersion.objects.filter(pk=row.pk))[0])
            for row in found[at : at + limit]
        ]
        return Results(rows, str(at + limit) if len(found) > at + limit else None)

    def count(self, account_id: int, query: tree.Query, *, scope: tree.Query) -> int:
        return len(self.matching(account_id, query, scope))

    def facets(self, account_id: int, query: tree.Query, *, scope: tree.Query) -> FacetCounts:
        found = self.matching(account_id, query, scope)
        return FacetCounts(
            total=len(found),
            kinds=Counter(row.sub_service for row in found),
            entities=Counter(row.entity_id for row in found),
            years=Counter(row.time.year for row in found if row.time),
            attached=sum(row.has_attachments for row in found),
            deleted=sum(map(self.is_deleted, found)),
        )

    def months(self, account_id: int, query: tree.Query, *, scope: tree.Query) -> dict[str, int]:
        found = self.matching(account_id, query, scope)
        return dict(Counter(f"{row.time:%Y-%m}" for row in found if row.time))


@contextmanager
def fake_index(**texts: str) -> Iterator[FakeIndex]:
    """Put it in the place of the real one."""
    fake = FakeIndex(texts)
    names = ("search", "count", "facets", "months")
    with patch.multiple("apps.search.selectors", **{name: getattr(fake, name) for name in names}):
        yield fake
