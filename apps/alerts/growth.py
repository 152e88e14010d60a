"""Whether an open alert is news again: what it is about has grown since somebody was told.

Each of these gets the facts that an alert has and those that were found now, and returns the facts to keep and
whether they are news: the alert is opened again, and its readers hear of it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

Facts = Mapping[str, Any]
Growth = Callable[[Facts, Facts], tuple[dict[str, Any], bool]]
MORE_AT_LEAST: Final = 10


def latest(before: Facts, now: Facts) -> tuple[dict[str, Any], bool]:
    """Keep what was found last: seen again is no news."""
    return dict(now), False


def mailboxes(before: Facts, now: Facts) -> tuple[dict[str, Any], bool]:
    """News when it is twice as many as were told, or a quarter and ten more."""
    count = int(now.get("mailboxes", 1))
    told = min(int(before.get("told", before.get("mailboxes", 1))), count)
    is_more = count >= min(2 * told, told + max(MORE_AT_LEAST, told // 4)) and count > told
    return {**now, "told": count if is_more else told}, is_more


def addresses(before: Facts, now: Facts) -> tuple[dict[str, Any], bool]:
    """News when mail goes to somebody else too. All who were ever told of stay named."""
    merged = dict(now)
    for name in ("to", "outside"):
        merged[name] = sorted({*before.get(name, ()), *now.get(name, ())})
    return merged, not set(now.get("to", ())) <= set(before.get("to", ()))


def incident(before: Facts, now: Facts) -> tuple[dict[str, Any], bool]:
    """News when another backup shows more of it: counted together, from the first backup to the last."""
    if now["number"] <= before["number"]:
        return dict(before), False
    merged = {**now, "from": min(before["from"], now["from"]), "backups": int(before.get("backups", 1)) + 1}
    if not now.get("days"):  # else the value is a sum over that time already
        merged["value"] = before["value"] + now["value"]
    return merged, True
