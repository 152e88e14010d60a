"""Which credentials each kind of store takes, when they are not the operator's own.

Credentials are a plain mapping of names to texts, so that they can be kept sealed and asked for by a form. They
never stand in an address, and no error shows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..errors import StoreRefused


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One text that a person is asked for. `secret` ones are never shown again."""

    name: str
    label: str
    secret: bool = True


_S3: Final = (
    CredentialField("key_id", "Access key ID", secret=False),
    CredentialField("secret", "Secret access key"),
)

# For each kind of address the sets of fields that do, the usual one first: exactly one set is given.
CREDENTIAL_SETS: Final[Mapping[str, tuple[tuple[CredentialField, ...], ...]]] = {
    "s3": (_S3,),
    "azure": (
        (CredentialField("account_key", "Account key"),),
        (CredentialField("sas_token", "SAS token"),),
        (
            CredentialField("tenant_id", "Directory (tenant) ID", secret=False),
            CredentialField("client_id", "Application (client) ID", secret=False),
            CredentialField("client_secret", "Client secret"),
        ),
    ),
    "gs": ((CredentialField("service_account_json", "Service account key (JSON)"),),),
}


def checked_credentials(scheme: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return `given` when it is one whole set for this kind of store. Raises StoreRefused, showing no value."""
    named = {name: value for name, value in given.items() if value}
    sets = CREDENTIAL_SETS.get(scheme, ())
    if any(set(named) == {field.name for field in fields} for fields in sets):
        return named
    choices = " or ".join(", ".join(field.label for field in fields) for fields in sets)
    raise StoreRefused(
        "The credentials do not fit this kind of store.",
        do=f"Give {choices}." if choices else "A folder takes no credentials.",
    )
