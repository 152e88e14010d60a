"""What a person decides before an export, and about the places that exports go to."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.validators import RegexValidator

from ..models import Destination
from .options import GIGABYTE, PART_SIZES, Options

_MONO = {"autocomplete": "off", "spellcheck": "false", "class": "ek-mono"}
DOWNLOAD = ""


class ExportForm(forms.Form):
    """`where` is a destination by its id, or "" for a download."""

    where = forms.ChoiceField(required=False)
    part_size = forms.ChoiceField(
        label="Size of a part",
        choices=[(size, f"{size} GB") for size in PART_SIZES],
        initial=2,
        required=False,
        help_text="The ZIP goes on in a further numbered file beyond this size.",
    )
    deleted = forms.BooleanField(
        label="Include what was deleted earlier",
        required=False,
        help_text="What older backups hold and this one does not, in folders named “Deleted earlier”.",
    )

    def __init__(self, *args: Any, places: list[Destination], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = places
        named = [(value, name) for value, name, _ in self.choices]
        self.fields["where"].choices = named  # type: ignore[attr-defined]

    @property
    def choices(self) -> list[tuple[str, str, str]]:
        """Return value, name and place of each destination: of two buckets a name alone may mean either."""
        own = [(str(each.public_id), each.name, f"{each.bucket} at {each.endpoint}") for each in self.places]
        return [(DOWNLOAD, "Download", "For 72 hours. We mail you the link."), *own]

    @property
    def options(self) -> Options:
        size = int(self.cleaned_data.get("part_size") or 0)
        return Options(deleted=self.cleaned_data["deleted"], part_bytes=size * GIGABYTE)

    @property
    def destination(self) -> Destination | None:
        wanted = self.cleaned_data.get("where") or ""
        return next((place for place in self.places if wanted and place.public_id == UUID(wanted)), None)


class DestinationForm(forms.Form):
    """A bucket of Amazon S3, or of a server that speaks like it when an endpoint is given."""

    name = forms.CharField(label="Name", max_length=120, help_text="As it is called on these pages.")
    endpoint = forms.URLField(
        label="Endpoint", required=False, max_length=300, assume_scheme="https",
        widget=forms.TextInput(attrs=_MONO),
        help_text="Only for storage that is compatible with S3: https://s3.example.com. Empty for Amazon S3.",
    )  # fmt: skip
    bucket = forms.CharField(
        label="Bucket",
        validators=[
            RegexValidator(r"^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$", "This is not the name of a bucket.")
        ],
        widget=forms.TextInput(attrs=_MONO),
    )
    folder = forms.CharField(
        label="Folder in it",
        required=False,
        max_length=200,
        validators=[RegexValidator(r"^[A-Za-z0-9_-][A-Za-z0-9._/-]*$", "Use letters, digits, . _ - and /.")],
        widget=forms.TextInput(attrs=_MONO),
    )
    region = forms.CharField(
        label="Region",
        required=False,
        validators=[RegexValidator(r"^[a-z0-9-]{1,40}$", "Use letters, digits and hyphens.")],
        widget=forms.TextInput(attrs=_MONO),
    )
    key_id = forms.CharField(label="Access key", max_length=300, widget=forms.TextInput(attrs=_MONO))
    secret = forms.CharField(
        label="Secret key", max_length=1000, widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="It is sealed and never shown again.",
    )  # fmt: skip

    def clean_endpoint(self) -> str:
        endpoint = str(self.cleaned_data["endpoint"])
        if "@" in endpoint or "?" in endpoint or "#" in endpoint:
            raise forms.ValidationError("Only the server's address: credentials have their own fields.")
        return endpoint

    def clean_folder(self) -> str:
        folder = str(self.cleaned_data["folder"]).strip("/")
        if ".." in folder.split("/"):
            raise forms.ValidationError("A folder cannot be called “..”.")
        return folder
