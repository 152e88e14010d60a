"""Alerts as sentences: what happened, in numbers, and what may be behind it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import strip_tags

from apps.core.permissions import Permission, allowed, may_name_contents
from apps.core.templatetags.everkeep import filesize

from .enums import AlertKind, Severity
from .models import Alert

TONES: Final[dict[str, str]] = {Severity.NOTICE: "", Severity.WARNING: "part", Severity.CRITICAL: "bad"}
METRICS: Final = {
    "added": "new items",
    "changed": "changed items",
    "rewritten": "items with other content",
    "removed": "deleted items",
    "came": "bytes that are new",
    "turned": "items whose files do not compress any more",
    "other_endings": "items whose files have other endings now",
}
# Beside bytes that do not compress: by what else it looks like encryption, under the name of the fact.
_SIGNS: Final = {
    "renamed": "items whose names end otherwise now",
    "other_endings": METRICS["other_endings"],
    "replaced": "items that were replaced by ones whose files do not compress",
}
# What explains most of these without any harm; said where the alert itself names nothing better.
CAUSES: Final[dict[str, tuple[str, ...]]] = {
    AlertKind.MASS_DELETION: (
        "Somebody tidied up, or emptied a folder.",
        "A retention rule of the organisation took old items.",
        "Items were moved to another mailbox or into an archive.",
    ),
    AlertKind.MASS_CHANGE: (
        "Many items were moved, marked or categorised at once.",
        "A restore or a migration wrote items anew.",
    ),
    AlertKind.ENCRYPTION: (
        "Attachments were replaced by compressed or protected files.",
        "A labelling product protects mail after it has arrived.",
        "An archiving product put links in place of attachments.",
    ),
    AlertKind.EROSION: ("A rule that deletes old items took its course.",),
    AlertKind.FLOOD: ("A migration or a restore brought items in.", "A newsletter or a monitor sends more."),
    AlertKind.GROWTH: ("Large attachments arrived.", "A migration or a restore brought items in."),
    AlertKind.SILENCE: ("Somebody is on leave, or has left.", "Mail goes to another mailbox now."),
    AlertKind.TASK_SILENCE: ("A holiday of the whole organisation.",),
    AlertKind.FORWARDING: (
        "Somebody has mail sent on to a colleague or a service, and may.",
        "Nobody knows the rule: then change the password, end all sessions and remove the rule.",
    ),
    AlertKind.FAILURES: ("The provider had a disturbance.", "The mailbox lost its licence or is being moved."),
    AlertKind.OVERDUE: ("First backups of large mailboxes are under way.", "Everkeep's workers were stopped."),
    AlertKind.COVERAGE: (
        "A permission was taken back.",
        "Microsoft hands out marked or damaged items to nobody.",
    ),
}


def about(alert: Alert) -> str:
    """What it is about: a mailbox, a task, or something of the account."""
    if alert.entity is not None:
        return alert.entity.name
    if alert.task is not None:
        return alert.task.name
    return str(alert.facts.get("label") or "The account")


def sentence(alert: Alert) -> str:
    """What happened, in one or two sentences. Names of contents only for who may see them."""
    say = _SENTENCES.get(alert.kind, _learnt)
    return say(alert, alert.facts)


def causes(alert: Alert) -> list[str]:
    """What may be behind it without any harm."""
    named = [str(each) for each in alert.facts.get("causes", [])]
    return named or list(CAUSES.get(alert.kind, ()))


def way(alert: Alert) -> tuple[str, str]:
    """Where to go from here beside the items themselves: address and words; "" when there is nowhere."""
    facts = alert.facts
    if alert.kind in (AlertKind.DISCONNECTED, AlertKind.EXPIRING, AlertKind.QUOTA) and facts.get("connection"):
        may = allowed(Permission.MODIFY)
        return (reverse("connection", args=[facts["connection"]]), "Open the connection") if may else ("", "")
    if alert.kind == AlertKind.QUOTA and alert.task is None:
        may = allowed(Permission.ACCOUNT_SETTINGS)
        return (reverse("storage"), "Open storage") if may else ("", "")
    if alert.kind == AlertKind.DAMAGE:
        return reverse("health"), "Open Health"
    if alert.entity is not None:
        return reverse("entity", args=[alert.entity.public_id]), "Open the mailbox"
    if alert.task is not None:
        status = {AlertKind.FAILURES: "?status=failed", AlertKind.OVERDUE: "?status=overdue"}
        address = reverse("task", args=[alert.task.public_id]) + status.get(AlertKind(alert.kind), "")
        return address, "See which mailboxes"
    return "", ""


def number_words(metric: str, value: Any) -> str:
    """A value of a metric as people read it."""
    if value is None:
        return "unknown"
    if metric == "came":
        return strip_tags(filesize(int(value)))
    return f"{float(value):,.0f}"


def noun_of(metric: str, facts: Mapping[str, Any], otherwise: str = "items") -> str:
    """What a value of a finding counts."""
    sign = next((words for name, words in _SIGNS.items() if name in facts), "")
    return sign or METRICS.get(metric, otherwise)


def _learnt(alert: Alert, facts: dict[str, Any]) -> str:
    noun, days = noun_of(alert.metric, facts), int(facts.get("days") or 0)
    value = facts.get("value")
    if alert.metric == "came":
        said = f"{number_words('came', value)} came in one backup."
    else:
        backups = int(facts.get("backups") or 1)
        one = "in one backup" if backups == 1 else f"in {backups} backups"
        where = f"within {days} days" if days > 1 else one
        said = f"{number_words(alert.metric, value)} {noun} {where}."
    if not facts.get("learnt"):
        return said
    low, high = (number_words(alert.metric, facts.get(name)) for name in ("low", "high"))
    return f"{said} Usual here: {low} to {high}."


def _silence(alert: Alert, facts: dict[str, Any]) -> str:
    days = int(facts.get("days") or 1)
    lasting = f"{days} days" if days > 1 else "a day"
    return (
        f"Backups went well, but nothing came, changed or went for {lasting}. "
        f"Usual here: {facts.get('low', 0):,} to {facts.get('high', 0):,} a day."
    )


def _task_silence(alert: Alert, facts: dict[str, Any]) -> str:
    """Without numbers: they are of all mailboxes, also of those that the reader does not see."""
    return "Backups went well, but for a day nothing came, changed or went in any mailbox, which is not usual."


def _forwarding(alert: Alert, facts: dict[str, Any]) -> str:
    if facts.get("unread"):
        return _unread_rules(facts)
    where = "outside your organisation" if facts.get("outside") else "inside your organisation"
    if not may_name_contents():
        return f"A new rule of the inbox sends mail on to an address {where}."
    return (
        f"“{facts.get('rule', 'A rule')}” is new and sends mail on, {where}: {', '.join(facts.get('to', []))}."
    )


def _unread_rules(facts: dict[str, Any]) -> str:
    count, names = int(facts.get("count") or 0), facts.get("rules") or []
    what = f"{count} of them" if count else "they"
    if names and may_name_contents():
        more = " and others" if count > len(names) else ""
        what += f" (“{'”, “'.join(names)}”{more})"
    return (
        f"Rules of this mailbox changed, but {what} could not be read: whether a new one sends mail on is not "
        "known. Look at the rules of its inbox."
    )


def _disconnected(alert: Alert, facts: dict[str, Any]) -> str:
    since = _day(facts.get("since"))
    return (
        f"The provider has refused our sign-in since {since}: nothing of it is backed up until it is connected "
        f"again. What is kept is safe. {facts.get('why', '')}"
    ).strip()


def _expiring(alert: Alert, facts: dict[str, Any]) -> str:
    what, day = str(facts.get("what", "credential")).lower(), _day(facts.get("ends"))
    if facts.get("is_over"):
        return f"The {what} ended on {day}. Make a new one and connect again, or backups stop."
    days = int(facts.get("days", 0))
    left = f"in {days} days" if days > 1 else "tomorrow" if days == 1 else "within a day"
    return f"The {what} ends {left}, on {day}. Make a new one before and connect again; backups go on."


def _failures(alert: Alert, facts: dict[str, Any]) -> str:
    if "mailboxes" in facts:
        return f"{_which(facts)} could not be backed up several times in a row."
    last = (
        f" The last good backup is of {_day(facts['since'])}." if facts.get("since") else " There is none yet."
    )
    return f"The last {facts.get('runs')} backups all failed.{last} {facts.get('why', '')}".strip()


def _overdue(alert: Alert, facts: dict[str, Any]) -> str:
    if facts.get("is_all"):
        return f"Nothing of this task is backed up though it is due: {_which(facts)}."
    if "mailboxes" in facts:
        return f"{_which(facts)} should have been backed up by now."
    last = f"The last good backup is of {_day(facts['last'])}" if facts.get("last") else "There is none yet"
    return f"{last}; the next was due by {_day(facts.get('due'))}."


def _coverage(alert: Alert, facts: dict[str, Any]) -> str:
    if "mailboxes" in facts:
        return f"Backups of {_which(facts)} hold less than they did."
    return f"Backups hold less than they did. {'; '.join(facts.get('gaps', []))}."


def _damage(alert: Alert, facts: dict[str, Any]) -> str:
    count = int(facts.get("items", 0))
    what = _which(facts) if "mailboxes" in facts else f"{count:,} item{'' if count == 1 else 's'}"
    if alert.severity == Severity.CRITICAL:
        return f"Damaged beyond repair: {what}. Health says which, and the last day they can be opened on."
    return f"Damaged, and fetched again by the next backup: {what}."


def _quota(alert: Alert, facts: dict[str, Any]) -> str:
    if facts.get("concealed"):
        return (
            "Microsoft shows no names in its usage reports, as your organisation has chosen, so nobody is told "
            "when a mailbox is nearly full. Its admin center shows them again: Settings, Org settings, Reports."
        )
    if "mailboxes" in facts:
        what = "take no more mail" if alert.severity == Severity.CRITICAL else "are nearly full"
        return f"{_which(facts)} {what} at Microsoft."
    if alert.task is not None:
        used, limit = (strip_tags(filesize(facts.get(name, 0))) for name in ("used", "limit"))
        what = "takes no more mail" if alert.severity == Severity.CRITICAL else "is nearly full"
        return f"The mailbox {what} at Microsoft: {used} of {limit} are used, {facts.get('share')} %."
    used, planned = (strip_tags(filesize(facts.get(name, 0))) for name in ("used", "planned"))
    return f"{facts.get('share')} % of the storage that you planned is used: {used} of {planned}."


def _which(facts: dict[str, Any]) -> str:
    count, of = int(facts.get("mailboxes", 0)), int(facts.get("of", 0))
    return f"{count:,} of {of:,} mailboxes" if of else f"{count:,} mailboxes"


def _day(moment: Any) -> str:
    if not moment:
        return "unknown"
    return date_format(timezone.localtime(datetime.fromisoformat(str(moment))), "j F Y")


_SENTENCES: Final[dict[str, Callable[[Alert, dict[str, Any]], str]]] = {
    AlertKind.SILENCE: _silence,
    AlertKind.TASK_SILENCE: _task_silence,
    AlertKind.FORWARDING: _forwarding,
    AlertKind.DISCONNECTED: _disconnected,
    AlertKind.EXPIRING: _expiring,
    AlertKind.FAILURES: _failures,
    AlertKind.OVERDUE: _overdue,
    AlertKind.COVERAGE: _coverage,
    AlertKind.DAMAGE: _damage,
    AlertKind.QUOTA: _quota,
}
