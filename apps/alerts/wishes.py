"""What an account wants to be alerted of, and how soon."""

from typing import Any, Final

from django.db import transaction
from django.urls import reverse

from apps.accounts.models import Account
from apps.accounts.selectors import administrators
from apps.activity.services import record
from apps.core.actor import current_actor
from apps.core.mails import mail_after_commit
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id

from .enums import AlertKind
from .models import AlertSettings

_WORDS: Final = {
    "quiet_kinds": "what raises no alert",
    "sensitivity": "sensitivity",
    "failures_in_a_row": "failed runs in a row",
    "hold_by_itself": "putting expiry on hold by itself",
    "planned_bytes": "planned storage",
}


def wishes() -> AlertSettings:
    """The settings of the account in force, or those that hold without any. Not locked, not cached."""
    return AlertSettings.objects.first() or AlertSettings(account_id=current_account_id())


def is_wanted(kind: str) -> bool:
    """Tell whether alerts of this kind are raised at all."""
    return kind not in wishes().quiet_kinds


@transaction.atomic
def wishes_save(**fields: Any) -> AlertSettings:
    """Change the settings; what changed stands in the activity and the audit. Raises PermissionMissing.

    All administrators get a mail when alerts are silenced, or put nothing on hold any more.
    """
    require(Permission.ACCOUNT_SETTINGS)
    AlertSettings.objects.get_or_create(account_id=current_account_id())
    kept = AlertSettings.objects.select_for_update().get()
    fields["quiet_kinds"] = sorted(set(fields["quiet_kinds"]) & set(AlertKind.values))
    changed = [name for name, value in fields.items() if getattr(kept, name) != value]
    if not changed:
        return kept
    said = [f"{_WORDS[name]} from {_said(getattr(kept, name))} to {_said(fields[name])}" for name in changed]
    silenced, held = set(fields["quiet_kinds"]) - set(kept.quiet_kinds), kept.hold_by_itself
    for name in changed:
        setattr(kept, name, fields[name])
    kept.save(update_fields=changed)
    audited = f"Changed {'; '.join(said)}"
    record("alerts.changed", audited=audited)
    if silenced or (held and not kept.hold_by_itself):
        _tell_administrators("alerts were switched off" if silenced else "nothing is held by itself", audited)
    return kept


def _tell_administrators(what: str, words: str) -> None:
    """Whoever means harm silences the alarm first: those who run the account hear of it all the same."""
    account_id = current_account_id()
    mail_after_commit(
        "alerts_quieter",
        administrators(account_id),
        link=reverse("alert_settings"),
        link_words="Settings of alerts",
        what=what,
        words=words,
        who=current_actor().label,
        account=Account.objects.get(pk=account_id).name,
    )


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(AlertKind(each).label for each in value if each in AlertKind.values) or "nothing"
    return "none" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
