"""Several letters that go out as one: a list of what they say."""

from collections.abc import Sequence
from typing import Final

from .letters import Written, opened, whole_address
from .models import Delivery
from .registry import kind_of

LISTED: Final = 50


def digest_of(deliveries: Sequence[Delivery]) -> Written:
    """One letter that lists all; the first LISTED by their subjects, the others by their number."""
    first = opened(deliveries[0])
    kind = kind_of(deliveries[0].kind)
    lines = [f"- {one.subject}" for one in deliveries[:LISTED]]
    more = len(deliveries) - LISTED
    if more > 0:
        lines.append(f"- and {more:,} more")
    count = len(deliveries)
    return Written(
        subject=f"{kind.label}: {count:,} notifications",
        body=f"{count:,} notifications in one letter, so that nothing drowns:\n\n" + "\n".join(lines),
        link=whole_address(first.link),
        link_words=first.link_words,
        name=first.name,
        facts={"count": count, "subjects": [one.subject for one in deliveries[:LISTED]]},
    )
