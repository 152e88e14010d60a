"""Several letters that go out as one: a list of what they say, and for programs the facts of each."""

import json
from collections.abc import Sequence
from typing import Any, Final

from django.urls import reverse

from .enums import Way
from .letters import Written, opened, whole_address
from .models import Delivery
from .registry import kind_of

LISTED: Final = 50
TOLD: Final = 200
"""Letters whose facts a webhook gets; of more it gets the number, and the link to where they stand."""
LARGEST: Final = 500_000
"""Characters of those facts: servers refuse large requests, and a refused digest loses all of it."""


def digest_of(deliveries: Sequence[Delivery]) -> Written:
    """One letter that lists all; the first LISTED by their subjects, the others by their number."""
    first = opened(deliveries[0])
    kind = kind_of(deliveries[0].kind)
    lines = [f"- {one.subject}" for one in deliveries[:LISTED]]
    more = len(deliveries) - LISTED
    if more > 0:
        lines.append(f"- and {more:,} more")
    count = len(deliveries)
    facts: dict[str, Any] = {"count": count, "subjects": [one.subject for one in deliveries[:LISTED]]}
    if deliveries[0].way == Way.WEBHOOK:
        letters = _letters(deliveries)
        facts |= {"letters": letters, "more": count - len(letters)}
    return Written(
        subject=f"{kind.label}: {count:,} notifications",
        body=f"{count:,} notifications in one letter, so that nothing drowns:\n\n" + "\n".join(lines),
        link=whole_address(reverse(kind.page)) if kind.page else first.link,
        link_words="Open the list" if kind.page else first.link_words,
        name=first.name,
        facts=facts,
    )


def _letters(deliveries: Sequence[Delivery]) -> list[dict[str, Any]]:
    """What each would have said to a program by itself, the first of them, within bounds."""
    letters: list[dict[str, Any]] = []
    left = LARGEST
    for one in deliveries[:TOLD]:
        words = opened(one)
        left -= len(json.dumps(dict(words.facts), default=str))
        if letters and left < 0:
            break
        letters.append(
            {
                "id": str(one.public_id),
                "at": one.created_at.isoformat(),
                "subject": words.subject,
                "link": words.link,
                "facts": dict(words.facts),
            }
        )
    return letters
