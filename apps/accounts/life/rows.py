"""Deletes all rows of one account from every table, whichever app made them.

The tables are found, not listed, so that a new model cannot be forgotten: whatever has a column `account_id`,
and whatever hangs on such a row. Batches are small transactions: killed anywhere, the next call goes on.
"""

from collections.abc import Iterator
from typing import Any, Final

from django.apps import apps
from django.db import connection, models

from ..models import Account
from ..registry import closing_steps

BATCH: Final = 2000
Paths = dict[type[models.Model], str]


def rows_delete(account_id: int) -> int:
    """Delete the rows of an account, all but the account's own; returns how many."""
    done = {label for step in closing_steps() for label in step.empties}
    paths = {model: path for model, path in owned().items() if model._meta.label not in done}
    return sum(_empty(model, {paths[model]: account_id}) for model in children_first(paths))


def owned() -> Paths:
    """How each model whose rows belong to an account says which: the lookup of the account's id."""
    tables = [model for model in apps.get_models(include_auto_created=True) if _has_table(model)]
    paths: Paths = {model: "account_id" for model in tables if _has_account_column(model)}
    while True:
        found = {
            model: f"{key.name}__{paths[key.related_model]}"
            for model in tables
            if model not in paths and model is not Account
            for key in _keys(model)
            if key.related_model in paths and not key.null
        }
        if not found:
            return paths
        paths |= found


def children_first(paths: Paths) -> list[type[models.Model]]:
    """What points comes before what it points to. Rings are cut anywhere: keys are checked at the commit."""
    order: list[type[models.Model]] = []
    visited: set[type[models.Model]] = set()

    def visit(model: type[models.Model]) -> None:
        if model in visited:
            return
        visited.add(model)
        for other in paths:
            if any(key.related_model is model for key in _keys(other)):
                visit(other)
        order.append(model)

    for model in paths:
        visit(model)
    return order


def _empty(model: type[models.Model], mine: dict[str, Any]) -> int:
    manager = model._base_manager
    deleted = 0
    while keys := list(manager.filter(**mine).values_list("pk", flat=True)[:BATCH]):
        for pointing, field in _pointing(model):
            pointing._base_manager.filter(**{f"{field}__in": keys}).update(**{field: None})
        # Not delete(): it would load the rows to look for signals and for what protects them.
        manager.filter(pk__in=keys)._raw_delete(using=connection.alias)
        deleted += len(keys)
    return deleted


def _pointing(model: type[models.Model]) -> Iterator[tuple[type[models.Model], str]]:
    """Rows that outlive what they point to: keys that may be empty."""
    for other in apps.get_models(include_auto_created=True):
        if not _has_table(other):
            continue
        for key in _keys(other):
            if key.related_model is model and key.null:
                yield other, key.name


def _has_table(model: type[models.Model]) -> bool:
    return bool(model._meta.managed) and not model._meta.proxy


def _has_account_column(model: type[models.Model]) -> bool:
    """A library may call something else an account (allauth's SocialToken.account is a SocialAccount)."""
    ours = model.__module__.startswith("apps.")
    return any(
        field.attname == "account_id" and (ours or field.related_model is Account)
        for field in model._meta.concrete_fields
    )


def _keys(model: type[models.Model]) -> Iterator[models.ForeignKey[Any, Any]]:
    return (field for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey))
