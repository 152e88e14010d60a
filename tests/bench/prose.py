"""Text that is as hard to compress and to deduplicate as what people write, seeded and quick to make."""

import random
from itertools import accumulate
from typing import Final

_PIECES: Final = """
b c d f g h j k l m n p r s t v w z br ch cl cr dr fl fr gl gr pl pr sch sh sl sp st str th tr
a e i o u au ea ei ie oo ou y
l m n r s t ck ng nd rt st
the of and to a in is that for on with as be at by this we you not are have from or it will can please our
"""
_HEADS, _HEARTS, _TAILS, _SMALL = (line.split() for line in _PIECES.strip().splitlines())
_ENDS: Final = (". ", ". ", ". ", ". ", "? ", "! ", ": ", "; ")
_WORDS, _PHRASES, _FLAT = 30_000, 9_000, 3.0
_DRAWN: Final = 4_096  # tokens drawn at a time: a call for each would cost ten times as much


class Prose:
    """Sentences over one vocabulary. Words and standing phrases are as frequent as their rank says (Zipf)."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        made = list(dict.fromkeys(_word(rng) for _ in range(_WORDS)))
        self.words = _SMALL + [word for word in made if word not in _SMALL]
        tokens = self.words.copy()
        by_rank = list(accumulate(1 / (rank + _FLAT) for rank in range(len(tokens))))
        phrases = [
            " ".join(rng.choices(tokens, cum_weights=by_rank, k=rng.randint(2, 7))) for _ in range(_PHRASES)
        ]
        # A phrase stands somewhere among the words: the first ones are heard every day, most hardly ever.
        for number, phrase in enumerate(phrases):
            tokens.insert(60 + 3 * number, phrase)
        self._tokens = tokens
        self._by_rank = list(accumulate(1 / (rank + _FLAT) for rank in range(len(tokens))))
        self._ready: list[str] = []

    def few(self, count: int) -> str:
        """Return about that many words."""
        if len(self._ready) < count:
            self._ready = self._rng.choices(self._tokens, cum_weights=self._by_rank, k=_DRAWN + count)
        taken, self._ready = self._ready[-count:], self._ready[:-count]
        return " ".join(taken)

    def paragraph(self, size: int) -> str:
        """Return about `size` letters of sentences."""
        said, length = [], 0
        while length < size:
            sentence = self.few(self._rng.randint(4, 15))
            if self._rng.random() < 0.2:
                sentence += f" {self._rng.randint(1, 99_999)}"
            if self._rng.random() < 0.3:
                sentence = sentence.replace(" ", ", ", 1)
            said.append(sentence[0].upper() + sentence[1:] + self._rng.choice(_ENDS))
            length += len(said[-1])
        return "".join(said).rstrip()

    def text(self, size: int) -> str:
        """Return about `size` letters of paragraphs."""
        said, length = [], 0
        while length < size:
            said.append(self.paragraph(min(size - length, self._rng.randint(120, 800))))
            length += len(said[-1]) + 2
        return "\n\n".join(said)


def _word(rng: random.Random) -> str:
    syllables = rng.choices((1, 2, 3, 4), (3, 8, 6, 2))[0]
    return "".join(
        rng.choice(_HEADS) + rng.choice(_HEARTS) + rng.choice(["", *_TAILS]) for _ in range(syllables)
    )
