"""What people type about their own stores. An address is made of checked parts, without any credentials."""

from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.core.validators import RegexValidator

from .store.backends.credentials import CREDENTIAL_SETS
from .store.backends.locks import MAX_DAYS

_MONO: Final = {"autocomplete": "off", "spellcheck": "false", "class": "ek-mono"}
_BUCKET: Final = RegexValidator(r"^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$", "This is not the name of a bucket.")
_FOLDER: Final = RegexValidator(
    r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$", "Use letters, digits, . _ - and /."
)
_WORD: Final = RegexValidator(r"^[a-z0-9-]{1,40}$", "Use letters, digits and hyphens.")
LOCKS: Final = [
    ("", "None: whoever holds the credentials can delete backups"),
    ("governance", "Governance: only who has a special right at the provider can delete"),
    ("compliance", "Compliance: nobody can delete before the time is over"),
]


class _SecretArea(forms.Textarea):
    """Long secrets: what was typed is never sent back, as with a password."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class StoreForm(forms.Form):
    """What all kinds of stores have in common. `kind` is the scheme of the address."""

    scheme = ""
    name = forms.CharField(label="Name", max_length=120, help_text="As it is called on these pages.")

    def __init__(self, *args: Any, known: bool = False, **kwargs: Any) -> None:
        """`known`: the store is kept already, so only its name and credentials can be changed."""
        super().__init__(*args, **kwargs)
        for fields in CREDENTIAL_SETS[self.scheme]:
            for field in fields:
                self.fields[field.name] = self._credential(field.name, field.label, field.secret)
        for name in list(self.fields):
            if known and name not in ("name", *self.credential_names):
                del self.fields[name]
        self._known = known

    @property
    def credential_names(self) -> list[str]:
        return [field.name for fields in CREDENTIAL_SETS[self.scheme] for field in fields]

    @property
    def credentials(self) -> dict[str, str]:
        """What was given of the credentials, {} when nothing was."""
        return {name: self.cleaned_data[name] for name in self.credential_names if self.cleaned_data.get(name)}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        given = {name for name in self.credential_names if data.get(name)}
        sets = [{field.name for field in fields} for fields in CREDENTIAL_SETS[self.scheme]]
        if given not in sets and (given or not self._known) and not self.errors:
            label = " or ".join(", ".join(f.label for f in fields) for fields in CREDENTIAL_SETS[self.scheme])
            self.add_error(None, f"Give one whole set of credentials: {label}.")
        return data

    def address(self) -> str:
        """Return the address that the cleaned fields make."""
        raise NotImplementedError

    def _lock(self) -> dict[str, str]:
        mode, days = self.cleaned_data.get("lock"), self.cleaned_data.get("lock_days")
        return {"lock": mode, "lock_days": str(days)} if mode else {}

    def _credential(self, name: str, label: str, secret: bool) -> forms.CharField:
        hint = "It is sealed and never shown again." if secret else ""
        if name.endswith("_json"):
            widget: forms.Widget = _SecretArea(attrs={**_MONO, "rows": 4})
        elif secret:
            widget = forms.PasswordInput(attrs={"autocomplete": "off"})
        else:
            widget = forms.TextInput(attrs=_MONO)
        return forms.CharField(label=label, required=False, max_length=20_000, widget=widget, help_text=hint)


class _Locked(StoreForm):
    lock = forms.ChoiceField(label="Immutability", required=False, choices=LOCKS)
    lock_days = forms.IntegerField(
        label="Days",
        required=False,
        min_value=1,
        max_value=MAX_DAYS,
        initial=30,
        help_text="From each backup on.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("lock") and not data.get("lock_days"):
            self.add_error("lock_days", "For how many days?")
        return data


class AmazonForm(_Locked):
    """A bucket of Amazon S3."""

    scheme = "s3"
    bucket = forms.CharField(label="Bucket", validators=[_BUCKET], widget=forms.TextInput(attrs=_MONO))
    folder = forms.CharField(label="Folder in it", required=False, max_length=200, validators=[_FOLDER])
    region = forms.CharField(label="Region", validators=[_WORD], widget=forms.TextInput(attrs=_MONO))
    field_order = ("name", "bucket", "folder", "region", "endpoint", "key_id", "secret", "lock", "lock_days")

    def address(self) -> str:
        data = self.cleaned_data
        return _address("s3", data["bucket"], data["folder"], {"region": data["region"], **self._lock()})


class CompatibleForm(AmazonForm):
    """A bucket of a server that speaks like S3: MinIO, Wasabi, Backblaze B2, Ceph…"""

    endpoint = forms.URLField(
        label="Endpoint", max_length=300, assume_scheme="https", widget=forms.TextInput(attrs=_MONO),
        help_text="https://s3.example.com",
    )  # fmt: skip
    region = forms.CharField(label="Region", required=False, validators=[_WORD], initial="us-east-1")

    def clean_endpoint(self) -> str:
        endpoint = str(self.cleaned_data["endpoint"])
        if "@" in endpoint or "?" in endpoint or "#" in endpoint:
            raise forms.ValidationError("Only the server's address: credentials have their own fields.")
        return endpoint

    def address(self) -> str:
        data = self.cleaned_data
        options = {"endpoint": data["endpoint"], "addressing": "path"}
        if data["region"]:
            options["region"] = data["region"]
        return _address("s3", data["bucket"], data["folder"], {**options, **self._lock()})


class AzureForm(_Locked):
    """A container of Azure Blob Storage."""

    scheme = "azure"
    account = forms.CharField(
        label="Storage account",
        validators=[RegexValidator(r"^[a-z0-9]{3,24}$", "3 to 24 small letters and digits.")],
        widget=forms.TextInput(attrs=_MONO),
    )
    container = forms.CharField(label="Container", validators=[_BUCKET], widget=forms.TextInput(attrs=_MONO))
    folder = forms.CharField(label="Folder in it", required=False, max_length=200, validators=[_FOLDER])

    def address(self) -> str:
        data = self.cleaned_data
        return _address(
            "azure", data["account"], "/".join(filter(None, (data["container"], data["folder"]))), self._lock()
        )


class GoogleForm(_Locked):
    """A bucket of Google Cloud Storage."""

    scheme = "gs"
    bucket = forms.CharField(label="Bucket", validators=[_BUCKET], widget=forms.TextInput(attrs=_MONO))
    folder = forms.CharField(label="Folder in it", required=False, max_length=200, validators=[_FOLDER])

    def address(self) -> str:
        return _address("gs", self.cleaned_data["bucket"], self.cleaned_data["folder"], self._lock())


KINDS: Final[dict[str, tuple[str, str, type[StoreForm]]]] = {
    "s3": ("Amazon S3", "A bucket in your own AWS account.", AmazonForm),
    "compatible": ("S3-compatible", "MinIO, Wasabi, Backblaze B2, Ceph, and others.", CompatibleForm),
    "azure": ("Azure Blob Storage", "A container in your own storage account.", AzureForm),
    "google": ("Google Cloud Storage", "A bucket in your own project.", GoogleForm),
}


def form_for(url: str) -> type[StoreForm]:
    """Return the form of a kept store's kind, by its address."""
    scheme = url.partition(":")[0]
    return {"azure": AzureForm, "gs": GoogleForm}.get(scheme, AmazonForm)


class StoreChoiceForm(forms.Form):
    """One of the stores that the account may use, by its public id; "" is none, where that is allowed."""

    store = forms.ChoiceField()

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["store"]
        field.choices, field.required = choices, ("", "None") not in choices  # type: ignore[attr-defined]


def _address(scheme: str, host: str, folder: str, options: dict[str, str]) -> str:
    query = f"?{urlencode(options)}" if options else ""
    return f"{scheme}://{host}{f'/{folder}' if folder else ''}{query}"
