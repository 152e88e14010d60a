"""What a text is made of for search: the same words, folded the same way, when it is stored and when asked for.

The index's own tokenizer (Rust) cuts at everything that is no letter and no digit, lowers the case and folds
Latin letters to ASCII. Here is only what it cannot do: other scripts' accents and points, full-width and
composed letters, and runs of Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese, which write no spaces
between words: they become overlapping pairs of letters.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

# Letters longer than this (in bytes of UTF-8) are no word but data that somebody pasted: they are not kept.
LONGEST_WORD: Final = 128

STEMMERS: Final = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "fi": "finnish", "fr": "french", "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian",
    "nb": "norwegian", "nn": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip

_FOREIGN: Final = re.compile(r"[^\x00-\x7f]+")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")
# Accents and points that people leave out: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowels.
_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]"
)
_DENSE_LETTERS: Final = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003fffd\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff"
)
_DENSE: Final = re.compile(f"[{_DENSE_LETTERS}]+")
_SHORT_RUN: Final = 16
_USUAL_PERSON: Final = 200
_ENOUGH, _LANGUAGE_LETTERS = 40, 400


def normalise(text: str) -> str:
    """Return the text as the tokenizer should read it."""
    if text.isascii():
        return text
    return _FOREIGN.sub(_fold, text)


def is_dense(text: str) -> bool:
    """Tell whether letters of a script without spaces are in the text."""
    return _DENSE.search(text) is not None


def has_word(text: str) -> bool:
    """Tell whether there is anything in the text that could be a word."""
    return any(letter.isalnum() for letter in text)


def _fold(match: re.Match[str]) -> str:
    run = match.group()
    # A run is one accented letter in most mails and a paragraph in others: only the former repeats.
    return _folded(run) if len(run) <= _SHORT_RUN else _fold_run(run)


def _fold_run(run: str) -> str:
    apart = unicodedata.normalize("NFKD", run.casefold())
    whole = unicodedata.normalize("NFKC", _MARKS.sub("", apart))
    return _DENSE.sub(_pairs, _SURROGATES.sub(" ", whole))


_folded: Final = lru_cache(maxsize=65_536)(_fold_run)


def _pairs(match: re.Match[str]) -> str:
    letters = "".join(letter for letter in match.group() if letter.isalnum())
    if len(letters) < 2:
        return f" {letters} "
    return " " + " ".join(letters[at : at + 2] for at in range(len(letters) - 1)) + " "


def spread_address(person: str) -> tuple[str, str]:
    """Return the words and the exact parts of "Name <address>", of a name, or of an address alone.

    The words are those of the name and of the part before the @, then the labels of the domain from the last
    to the first: each is found, and no other domain that merely begins alike is taken for it. The exact parts
    are the address, its two sides, and the domains above its own.
    """
    return _spread(person) if len(person) <= _USUAL_PERSON else _spread_one(person)


def _spread_one(person: str) -> tuple[str, str]:
    name, address = split_person(person)
    if not address:
        return normalise(name), ""
    local, _, domain = address.rpartition("@")
    labels = [label for label in domain.split(".") if label]
    parents = [".".join(labels[at:]) for at in range(max(1, len(labels) - 1))]
    words = f"{name} {local} {' '.join(reversed(labels))}"
    return normalise(words), " ".join(dict.fromkeys([address, local, *parents]))


_spread: Final = lru_cache(maxsize=65_536)(_spread_one)


def split_person(person: str) -> tuple[str, str]:
    """Return the name and the address of "Name <address>", in lower case the latter, "" for what is missing."""
    name, bracket, rest = person.rpartition("<")
    address = rest.partition(">")[0].strip() if bracket else person.strip()
    if "@" in address and len(address.split()) == 1:
        return name.strip(), exact(address)
    return person, ""


def exact(text: str) -> str:
    """Return an address or a domain as the index keeps it whole."""
    folded = unicodedata.normalize("NFKC", text.casefold())
    return _SURROGATES.sub("", folded)


def language_of(text: str) -> str | None:
    """Return the two letters of the language that a text is written in, None for too little of it."""
    sample = text[:_LANGUAGE_LETTERS]
    if len(sample) < _ENOUGH or not has_word(sample):
        return None
    # Loading takes a second and 130 MB, so only what builds indexes pays for it.
    from py3langid import langid  # noqa: PLC0415

    code = langid.classify(_SURROGATES.sub(" ", sample))[0]
    return code if code in STEMMERS else None
