"""What a rule asks of a mailbox, as plain values: no database, no provider. Letter case never counts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from apps.connectors.base import DIRECTORY_PROPERTIES
from apps.core.errors import InvalidRequest

MOST_CLAUSES: Final = 10
MOST_VALUES: Final = 500
FIELDS: Final[Mapping[str, str]] = {"name": "Name", "address": "E-mail address", **DIRECTORY_PROPERTIES}


class How(Enum):
    """How a value is compared; the words read "Department is Kitchen or Shops"."""

    IS = "is"
    BEGINS = "begins"
    ENDS = "ends"
    CONTAINS = "contains"

    @property
    def words(self) -> str:
        return {"is": "is", "begins": "begins with", "ends": "ends with", "contains": "contains"}[self.value]

    def fits(self, text: str, wanted: str) -> bool:
        """Compare two texts whose case is folded already."""
        if self is How.IS:
            return text == wanted
        if self is How.BEGINS:
            return text.startswith(wanted)
        return text.endswith(wanted) if self is How.ENDS else wanted in text


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison: any of `values` will do. An empty value (only with IS): the directory says nothing."""

    field: str
    how: How
    values: tuple[str, ...]

    def fits(self, said: Mapping[str, str]) -> bool:
        text = said.get(self.field, "").casefold()
        return any(self.how.fits(text, value.casefold()) for value in self.values)

    @property
    def words(self) -> str:
        shown = [value or "(nothing)" for value in self.values]
        more = f" or {len(shown) - 5} others" if len(shown) > 6 else ""
        return f"{FIELDS[self.field]} {self.how.words} {' or '.join(shown[:5] if more else shown)}{more}"


@dataclass(frozen=True, slots=True)
class Conditions:
    """Several comparisons of which all, or any one, must fit."""

    clauses: tuple[Clause, ...]
    every: bool = True

    def fits(self, said: Mapping[str, str]) -> bool:
        judged = (clause.fits(said) for clause in self.clauses)
        return all(judged) if self.every else any(judged)

    def why(self, said: Mapping[str, str]) -> str:
        """Say which comparisons this one fits, with what stands there: "Department: Kitchen"."""
        fields = dict.fromkeys(clause.field for clause in self.clauses if clause.fits(said))
        return ", ".join(f"{FIELDS[field]}: {said.get(field) or '(nothing)'}" for field in fields)

    @property
    def words(self) -> str:
        return (", and " if self.every else ", or ").join(clause.words for clause in self.clauses)

    def to_json(self) -> dict[str, Any]:
        clauses = [
            {"field": clause.field, "how": clause.how.value, "values": list(clause.values)}
            for clause in self.clauses
        ]
        return {"every": self.every, "clauses": clauses}


def conditions_of(stored: Mapping[str, Any]) -> Conditions:
    """Read what `to_json` wrote, or what a form gathered. Raises InvalidRequest for what makes no sense."""
    clauses = tuple(_clause(each) for each in stored.get("clauses") or ())
    if not 1 <= len(clauses) <= MOST_CLAUSES:
        raise InvalidRequest("A rule needs between one and ten conditions.", do="Fill in at least one.")
    return Conditions(clauses, bool(stored.get("every", True)))


def _clause(stored: Mapping[str, Any]) -> Clause:
    field, values = str(stored.get("field", "")), tuple(_values(stored.get("values") or ()))
    if field not in FIELDS:
        raise InvalidRequest(
            "A condition names something that mailboxes do not have.", do="Choose it from the list."
        )
    try:
        how = How(stored.get("how"))
    except ValueError as error:
        raise InvalidRequest(
            "A condition compares in a way that there is not.", do="Choose it from the list."
        ) from error
    if not values or (how is not How.IS and "" in values):
        raise InvalidRequest("A condition has nothing to compare with.", do="Type a text or choose a value.")
    if len(values) > MOST_VALUES:
        raise InvalidRequest(
            f"A condition has {MOST_VALUES} values at most.", do="Make another rule for the rest."
        )
    return Clause(field, how, values)


def _values(given: Iterable[object]) -> Sequence[str]:
    return list(dict.fromkeys(str(value).strip()[:300] for value in given))
