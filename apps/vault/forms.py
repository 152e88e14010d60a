"""Forms of the vault's pages."""

from typing import Any

from django import forms


class GroupsForm(forms.Form):
    """The groups of the recovery key that the owner types as proof; `asked` are their numbers."""

    def __init__(self, data: Any = None, *, asked: list[int]) -> None:
        super().__init__(data)
        self._names = [f"group_{number}" for number in asked]
        attributes = {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        for name, number in zip(self._names, asked, strict=True):
            self.fields[name] = forms.CharField(
                label=f"Group {number} after EVK1", max_length=20, widget=forms.TextInput(attrs=attributes)
            )

    @property
    def typed(self) -> list[str]:
        """The groups in the order in which they were asked for."""
        return [self.cleaned_data[name] for name in self._names]
