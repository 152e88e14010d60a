"""What people type to connect a tenant by an app registration of their own."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator

from apps.core.errors import InvalidRequest

from .microsoft.credentials import CertificateCredential, Credential, SecretCredential

PEM_LIMIT = 64 * 1024
GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_DOMAIN = r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
_MONO = {"autocomplete": "off", "spellcheck": "false", "class": "ek-mono"}


class RegistrationForm(forms.Form):
    """Tenant, client, and a secret or a certificate. `credential` is built by `clean`."""

    tenant_id = forms.CharField(
        label="Directory (tenant) ID",
        max_length=100,
        validators=[RegexValidator(rf"^({GUID}|{_DOMAIN})$", "Enter the tenant's id, or one of its domains.")],
        widget=forms.TextInput(attrs=_MONO),
    )
    client_id = forms.CharField(
        label="Application (client) ID",
        max_length=100,
        validators=[RegexValidator(rf"^{GUID}$", "Enter the id as the app registration shows it.")],
        widget=forms.TextInput(attrs=_MONO),
    )
    client_secret = forms.CharField(
        label="Client secret",
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="The secret's value, not its id. It is sealed and never shown again.",
    )
    certificate = forms.FileField(
        label="Or a certificate",
        required=False,
        widget=forms.FileInput(attrs={"accept": ".pem,.crt,.key"}),
        help_text="A PEM file with the certificate and its private key.",
    )
    passphrase = forms.CharField(
        label="Passphrase of the key",
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    secret_ends_on = forms.DateField(
        label="The secret ends on",
        required=False,
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
        help_text="Microsoft shows the day beside the secret and does not tell us. We warn before it comes.",
    )

    def clean(self) -> dict[str, Any]:
        """Make the credential of what was given. Exactly one of secret and certificate."""
        fields = super().clean() or {}
        secret, certificate = fields.get("client_secret"), fields.get("certificate")
        if bool(secret) == bool(certificate):
            self.add_error("client_secret", "Enter a client secret or choose a certificate: one of them.")
            return fields
        fields["credential"] = self._certificate(fields) if certificate else SecretCredential(str(secret))
        return fields

    def _certificate(self, fields: dict[str, Any]) -> Credential | None:
        file = fields["certificate"]
        if file.size > PEM_LIMIT:
            self.add_error("certificate", "The file is too large to be a certificate with its key.")
            return None
        try:
            return CertificateCredential.from_pem(file.read(), fields.get("passphrase") or "")
        except InvalidRequest as error:
            self.add_error("certificate", f"{error.what} {error.do}".strip())
            return None


class SecretEndForm(forms.Form):
    """The day on which a client secret that is kept already ends."""

    ends_on = forms.DateField(
        label="The secret ends on",
        required=False,
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
        help_text="Microsoft shows the day beside the secret and does not tell us. We warn before it comes.",
    )
