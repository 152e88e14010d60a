"""What an attack does to a mailbox's readings from one day on, over a year that is otherwise calm."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from apps.alerts.learning.readings import Reading

Incident = Callable[[Sequence[Reading], int], list[Reading]]


def _struck(
    calm: Sequence[Reading], place: int, change: Callable[[Reading], Reading], lost: int = 0
) -> list[Reading]:
    after = [replace(each, items=max(each.items - lost, 0)) for each in calm[place + 1 :]]
    return [*calm[:place], change(calm[place]), *after]


def mass_deletion(calm: Sequence[Reading], place: int, share: float = 0.4) -> list[Reading]:
    """Two fifths of the mailbox are deleted in one day."""
    lost = round(calm[place].items * share)
    return _struck(
        calm, place, lambda one: replace(one, removed=one.removed + lost, items=one.items - lost), lost
    )


def mass_change(calm: Sequence[Reading], place: int) -> list[Reading]:
    """A third of the mailbox gets other content."""
    many = calm[place].items // 3
    return _struck(
        calm, place, lambda one: replace(one, changed=one.changed + many, rewritten=one.rewritten + many)
    )


def encryption(calm: Sequence[Reading], place: int) -> list[Reading]:
    """The attachments of one message in twenty, of 25 at least, are replaced by what does not compress."""
    many = max(calm[place].items // 20, 25)
    return _struck(calm, place, lambda one: replace(one, changed=one.changed + many, turned=one.turned + many))


def sealed_copies(calm: Sequence[Reading], place: int) -> list[Reading]:
    """A third of the mailbox is replaced by copies that nobody can open."""
    many = calm[place].items // 3
    return _struck(
        calm,
        place,
        lambda one: replace(one, added=one.added + many, removed=one.removed + many, opaque=0.99),
    )


def other_endings(calm: Sequence[Reading], place: int) -> list[Reading]:
    """A quarter of the items are called *.locked from now on."""
    many = calm[place].items // 4
    share = many / max(calm[place].changed + many, 1)
    return _struck(calm, place, lambda one: replace(one, changed=one.changed + many, renamed=share))


def silence(calm: Sequence[Reading], place: int) -> list[Reading]:
    """Nothing arrives any more and nobody does anything."""
    return [
        *calm[:place],
        *(
            replace(
                each,
                added=0,
                changed=0,
                rewritten=0,
                refiled=0,
                removed=0,
                came=0,
                turned=0,
                opaque=None,
                items=calm[place].items,
            )
            for each in calm[place:]
        ),
    ]


def mail_bomb(calm: Sequence[Reading], place: int) -> list[Reading]:
    """So many messages arrive as the mailbox holds, in one day."""
    many = max(calm[place].items, 500)
    return _struck(calm, place, lambda one: replace(one, added=one.added + many, items=one.items + many), -many)


def drip(calm: Sequence[Reading], place: int, *, start: float, faster: float = 1.0) -> list[Reading]:
    """From one day on a share of the mailbox goes with every backup, each time `faster` times as much."""
    found, lost, share = list(calm[:place]), 0, start
    for each in calm[place:]:
        there = max(each.items - lost, 0)
        more = min(round(there * min(share, 1.0)), there)
        lost, share = lost + more, share * faster
        found.append(replace(each, removed=each.removed + more, items=max(each.items - lost, 0)))
    return found


AT_ONCE: dict[str, tuple[Incident, set[str]]] = {
    "mass deletion": (mass_deletion, {"mass_deletion"}),
    "mass change": (mass_change, {"mass_change"}),
    "encryption": (encryption, {"encryption"}),
    "sealed copies": (sealed_copies, {"encryption", "mass_deletion"}),
    "other endings": (other_endings, {"encryption"}),
    "mail bomb": (mail_bomb, {"flood"}),
}
