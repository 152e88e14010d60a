"""Forms of the vault's pages."""

from typing import Any

from django import forms

from apps.accounts.models import User
from apps.activity.services import record


class PasswordAgainForm(forms.Form):
    """Whoever sits at the open session must also know the password. A wrong one is written down."""

    password = forms.CharField(
        label="Your password",
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data)
        self._user = user

    def clean_password(self) -> str:
        if not self._user.check_password(self.cleaned_data["password"]):
            record("recovery_key.refused")
            raise forms.ValidationError("This is not your password.")
        return ""  # nothing needs it any more


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
