"""What a person decides before a restore or an export."""

from typing import Any

from django import forms

from apps.backups.models import Entity

from .enums import RestoreMode


class RestoreForm(forms.Form):
    """Where to, and what to do with what is there. `where` empty means back where it was."""

    to = forms.ChoiceField(choices=[("same", "Back where it was"), ("other", "Another mailbox")])
    other = forms.ChoiceField(required=False)
    mode = forms.ChoiceField(choices=RestoreMode)

    def __init__(self, *args: Any, others: list[Entity], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["other"].choices = [  # type: ignore[attr-defined]
            ("", "Choose a mailbox"),
            *((str(e.public_id), f"{e.name} ({e.address})") for e in others),
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("to") == "other" and not cleaned.get("other"):
            self.add_error("other", "Choose the mailbox to restore into.")
        return cleaned
