"""What people type about recipients, and the filters of the deliveries."""

from typing import Any

from django import forms

from .enums import DeliveryState, Way
from .models import Recipient
from .recipients import Wanted
from .registry import offered_kinds
from .selectors import kind_choices

_URL_HELP = {
    Way.WEBHOOK: "Gets a signed POST with JSON. Any server that the internet can reach by HTTPS.",
    Way.SLACK: "From Slack: Apps, Incoming Webhooks, Add to Slack. Begins with https://hooks.slack.com/.",
    Way.TEAMS: "From Teams: Workflows, “Post to a channel when a webhook request is received”.",
}


class RecipientForm(forms.Form):
    """One recipient of one way; a known one keeps its address unless a hook is given another."""

    address = forms.EmailField(label="E-mail", max_length=254)
    url = forms.CharField(label="Address", max_length=1000, widget=forms.URLInput({"placeholder": "https://"}))
    name = forms.CharField(label="Display name", max_length=100, required=False)
    kinds = forms.MultipleChoiceField(label="Is told of", required=False, widget=forms.CheckboxSelectMultiple)
    new_secret = forms.BooleanField(
        label="Make a new secret", required=False, help_text="Shown once. The one before counts no longer."
    )

    def __init__(self, data: Any = None, *, way: str, recipient: Recipient | None = None) -> None:
        begins = [kind.key for kind in offered_kinds() if kind.begins]
        known = {"name": recipient.name, "kinds": recipient.kinds} if recipient else {"kinds": begins}
        super().__init__(data, initial=known)
        self.way, self.recipient = way, recipient
        self.fields["kinds"].choices = [(kind.key, kind.label) for kind in offered_kinds()]  # type: ignore[attr-defined]
        is_mail = way == Way.MAIL
        self.fields["name"].help_text = (
            "The letter begins with it: Hello Karim," if is_mail else "Such as: Channel of the night desk"
        )
        if not is_mail:
            self.fields["url"].help_text = _URL_HELP[Way(way)]
        gone = {"url"} if is_mail else {"address"}
        if recipient is not None:
            gone.add("address")
            self.fields["url"].required = False
            self.fields["url"].label = "Another address"
            self.fields["url"].help_text = "Empty keeps the one that is set, which nobody is shown again."
        if recipient is None or way != Way.WEBHOOK:
            gone.add("new_secret")
        for name in gone:
            del self.fields[name]

    def wanted(self) -> Wanted:
        """What was chosen, once the form is valid."""
        data = self.cleaned_data
        return Wanted(
            way=self.way,
            name=data["name"],
            kinds=data["kinds"],
            address=data.get("address", ""),
            url=data.get("url", "").strip(),
        )


class DeliveryFilterForm(forms.Form):
    """The filters of the deliveries, all optional."""

    state = forms.ChoiceField(
        required=False, label="Result", choices=[("", "Any result"), *DeliveryState.choices]
    )
    kind = forms.ChoiceField(required=False, label="Kind")
    before = forms.UUIDField(required=False, widget=forms.HiddenInput)
    after = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", "Any kind"), *kind_choices()]  # type: ignore[attr-defined]
        for name in ("state", "kind"):
            self.fields[name].widget.attrs.update(
                {"class": "form-select", "aria-label": self.fields[name].label}
            )
