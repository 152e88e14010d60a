"""What a person decides before a restore or an export."""

from typing import Any

from django import forms

from apps.backups.models import Entity
from apps.core.errors import NotFound
from apps.core.permissions import Permission, allowed

from .access import target_for
from .enums import RestoreMode
from .restore.plan import RestoreOptions


class RestoreForm(forms.Form):
    """Where to, what to do with what is there, and the options of RST-07."""

    to = forms.ChoiceField(choices=[("same", "Back where it was"), ("other", "Another mailbox")])
    other = forms.CharField(required=False)
    mode = forms.ChoiceField(choices=RestoreMode)
    tag = forms.BooleanField(required=False)
    mark_folders = forms.BooleanField(required=False)
    backup_first = forms.BooleanField(required=False)
    notify = forms.BooleanField(required=False)

    def __init__(self, *args: Any, source: Entity, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._source = source
        if not allowed(Permission.EXECUTE):
            del self.fields["backup_first"]

    def clean(self) -> dict[str, Any]:
        """Look the target up: `target` of what is cleaned."""
        cleaned = super().clean() or {}
        cleaned["target"] = self._source
        if cleaned.get("to") == "other":
            try:
                cleaned["target"] = target_for(cleaned.get("other", ""), self._source)
            except NotFound:
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
