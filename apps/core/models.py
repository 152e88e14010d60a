"""Base of every row that belongs to a customer."""

from typing import Any, ClassVar, Self, TypeVar

from django.db import models

from .ids import new_public_id
from .scope import ScopeViolated, _Everything, current_scope

M = TypeVar("M", bound=models.Model)


class ScopedManager(models.Manager[M]):
    """Filters by the account in force, raises ScopeMissing where none is; and by what the actor sees of it."""

    def get_queryset(self) -> models.QuerySet[M]:
        scope = current_scope()
        rows = super().get_queryset()
        sight: models.Q | None = self.model.sight()  # type: ignore[attr-defined]
        if sight is not None:
            rows = rows.filter(sight)
        if isinstance(scope, frozenset):
            return rows.filter(account_id__in=scope)
        return rows if isinstance(scope, _Everything) else rows.filter(account_id=scope)


class AccountModel(models.Model):
    """A row inside the tenancy boundary. `public_id` is what pages, the API and logs show."""

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        scope = current_scope()
        if not isinstance(scope, _Everything) and self.account_id != scope:
            raise ScopeViolated(f"{type(self).__name__} of account {self.account_id} in scope {scope}")
        super().save(*args, **kwargs)

    @classmethod
    def sight(cls) -> models.Q | None:
        """Which rows of the account the actor in force sees (`core.sight`); None hides nothing."""
        return None
