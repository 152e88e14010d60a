"""Bringing sealed values under the newest master key. Apps register what they seal in `AppConfig.ready()`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.db.models import F, Value

from .scope import account_scope, every_account
from .sealing import Keyring, key_id_of, keyring


@dataclass(frozen=True, slots=True)
class SealedField:
    """A column of sealed bytes of an AccountModel; `purpose` says under which name a row's value was sealed.

    `of_person`: the row hangs on a user and belongs to no account; it is sealed for account 0.
    """

    model: str
    field: str
    purpose: Callable[[Any], str]
    of_person: bool = False


_fields: Final[list[SealedField]] = []


def register_sealed_field(
    model: str, field: str, purpose: Callable[[Any], str], *, of_person: bool = False
) -> None:
    """Let `reseal_all` find a column: `register_sealed_field("app.Model", "column", purpose_of_row)`."""
    _fields.append(SealedField(model, field, purpose, of_person))


def reseal_all(ring: Keyring | None = None) -> int:
    """Bring every registered value under the first master key; return how many were moved.

    May be stopped and started again. Raises SealBroken or MasterKeyMissing at a value that does not open.
    """
    ring = ring or keyring()
    return sum(_reseal_field(entry, ring) for entry in _fields)


def _reseal_field(entry: SealedField, ring: Keyring) -> int:
    model: Any = apps.get_model(entry.model)
    with every_account("a new master key concerns all accounts"):
        account = Value(0) if entry.of_person else F("account_id")
        rows = list(model.objects.exclude(**{entry.field: b""}).values_list("pk", account))
    return sum(_reseal_row(model, entry, pk, account_id, ring) for pk, account_id in rows)


def _reseal_row(model: Any, entry: SealedField, pk: int, account_id: int, ring: Keyring) -> bool:
    with account_scope(account_id):
        row = model.objects.filter(pk=pk).first()
        sealed = bytes(getattr(row, entry.field)) if row else b""
        if not sealed or key_id_of(sealed) == ring.sealing_id:
            return False
        moved = ring.reseal(account_id=account_id, purpose=entry.purpose(row), sealed=sealed)
        # Only if nobody wrote a new secret meanwhile: that one is sealed under the first key already.
        changed: int = model.objects.filter(pk=pk, **{entry.field: sealed}).update(**{entry.field: moved})
        return bool(changed)
