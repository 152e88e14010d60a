"""Switches of a task that apps above add to its settings. Filled in their `AppConfig.ready()`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms

from .models import BackupTask


@dataclass(frozen=True, slots=True)
class Switch:
    """One check box. `turn` writes its own activity, and tells whether that was a change."""

    key: str
    label: str
    words: str
    is_on: Callable[[BackupTask], bool]
    turn: Callable[..., bool]  # (*, task, on)


_switches: dict[str, Switch] = {}


def register_switch(switch: Switch) -> None:
    """Add a switch; a second call of the same key replaces the first."""
    _switches[switch.key] = switch


class SwitchesForm(forms.Form):
    """All that are registered, as they stand for one task."""

    def __init__(self, data: Any, *, task: BackupTask) -> None:
        super().__init__(data, prefix="switch")
        self.task = task
        for key, switch in _switches.items():
            self.fields[key] = forms.BooleanField(
                label=switch.label, help_text=switch.words, required=False, initial=switch.is_on(task)
            )

    def save(self) -> bool:
        """Turn what was changed; tells whether anything was."""
        changed = False
        for key, switch in _switches.items():
            changed |= switch.turn(task=self.task, on=self.cleaned_data[key])
        return changed
