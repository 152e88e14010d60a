"""What each activity code means. Every app registers its own in `AppConfig.ready()`; rows keep only the code.

A code is never renamed and never used for something else: old rows are read with today's words.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """`words` is what happened ("Restore finished"); `category` the group that the page filters by.

    `is_outcome`: the row ends a backup, restore or export, so that "done" is the green word Success.
    """

    words: str
    category: str
    is_outcome: bool = False


_meanings: dict[str, Meaning] = {}
_services: dict[str, str] = {}
_sub_services: dict[str, str] = {}


def register_codes(category: str, codes: Mapping[str, str], *, outcomes: Collection[str] = ()) -> None:
    """Give the words of some codes: `register_codes("Restore", {"restore.started": "Restore started"})`.

    `outcomes` are those of them that end a backup, restore or export.
    """
    for code, words in codes.items():
        meaning = Meaning(words, category, code in outcomes)
        if _meanings.setdefault(code, meaning) != meaning:
            raise ValueError(f"The activity code {code} has a meaning already: {_meanings[code]}")


def register_services(words: Mapping[str, str], sub_services: Mapping[str, str]) -> None:
    """Give the words of services and sub-services, for pages of apps that know none."""
    _services.update(words)
    _sub_services.update(sub_services)


def meaning_of(code: str) -> Meaning:
    """Return the meaning; a code of an app that is not installed any more is shown as its own words."""
    noun, _, verb = code.partition(".")
    return _meanings.get(code) or Meaning(_readable(f"{noun} {verb}"), _readable(noun))


def registered_codes() -> dict[str, Meaning]:
    """All codes and their meanings."""
    return dict(_meanings)


def categories() -> list[str]:
    """All groups, in the order of the alphabet."""
    return sorted({meaning.category for meaning in _meanings.values()})


def codes_in(category: str) -> list[str]:
    """The codes of one group."""
    return sorted(code for code, meaning in _meanings.items() if meaning.category == category)


def service_words(value: str) -> str:
    """ "exchange" → "Microsoft Exchange", "mail" → "Mail"; an unknown one as it is, readable."""
    return _services.get(value) or _sub_services.get(value) or _readable(value)


def services() -> dict[str, str]:
    """All registered services."""
    return dict(_services)


def _readable(value: str) -> str:
    return value.replace("_", " ").capitalize()
