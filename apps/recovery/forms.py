"""What a person decides before a restore or an export."""

from collections.abc import Iterable
from typing import Any

from django import forms

from apps.backups.models import Entity
from apps.core.permissions import Permission, allowed

from .enums import RestoreMode
from .restore.plan import RestoreOptions


class RestoreForm(forms.Form):
    """Where to, what to do with what is there, and the options of RST-07."""

    to = forms.ChoiceField(choices=[("same", "Back where it was"), ("other", "Another mailbox")])
    other = forms.ChoiceField(required=False)
    mode = forms.ChoiceField(choices=RestoreMode)
    tag = forms.BooleanField(required=False)
    mark_folders = forms.BooleanField(required=False)
    backup_first = forms.BooleanField(required=False)
    notify = forms.BooleanField(required=False)

    def __init__(self, *args: Any, source: Entity, others: Iterable[Entity], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not allowed(Permission.EXECUTE):
            del self.fields["backup_first"]
        home = source.task.connection.tenant_id
        self.fields["other"].choices = [  # type: ignore[attr-defined]
            ("", "Choose a mailbox"),
            *((str(each.public_id), _words(each, home)) for each in others),
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("to") == "other" and not cleaned.get("other"):
            self.add_error("other", "Choose the mailbox to restore into.")
        return cleaned

    def options(self) -> RestoreOptions:
        """Return what else is wanted; a mark on folders means nothing where all goes into a new one."""
        data = self.cleaned_data
        return RestoreOptions(
            tag=data["tag"],
            mark_folders=data["mark_folders"] and data["mode"] != RestoreMode.NEW_ROOT,
            backup_first=data.get("backup_first", False),
            notify=data["notify"],
        )


def _words(entity: Entity, home: str) -> str:
    connection = entity.task.connection
    abroad = "" if connection.tenant_id == home else f", in another organisation: {connection}"
    return f"{entity.name} ({entity.address}){abroad}"
