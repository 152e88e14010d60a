"""Who somebody is at a provider, made of claims that were checked before (`provider.py`)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.core.errors import Malformed

from .configured import MICROSOFT

LONGEST_KEY = 191


@dataclass(frozen=True, slots=True)
class Identity:
    """`issuer` and `subject` say who it is, for ever; `email` and `name` how they are called today.

    Only a `verified` address is one that the provider has proved to be the person's.
    """

    provider: str
    issuer: str
    subject: str
    email: str = ""
    verified: bool = False
    name: str = ""

    @property
    def key(self) -> str:
        """What we know the identity by: the issuer is part of it, a subject is unique nowhere else."""
        plain = f"{self.issuer}|{self.subject}"
        return plain if len(plain) <= LONGEST_KEY else hashlib.sha256(plain.encode()).hexdigest()


def identity_of(provider: str, claims: Mapping[str, Any]) -> Identity:
    """Read checked claims. Raises Malformed when they do not say who it is."""
    email = _email(claims)
    return Identity(
        provider=provider,
        issuer=_text(claims, "iss"),
        subject=_text(claims, "oid" if provider == MICROSOFT else "sub"),
        email=email,
        verified=bool(email) and _is_verified(provider, claims),
        name=str(claims.get("name") or "")[:200],
    )


def issuer_for(template: str, claims: Mapping[str, Any]) -> str:
    """The issuer that a token must name; Microsoft's for many tenants is a template for the tenant's id."""
    if "{tenantid}" not in template:
        return template
    try:
        tenant = UUID(_text(claims, "tid"))
    except ValueError as error:
        raise Malformed("The provider named no organisation.", do="Sign in with a work account.") from error
    return template.replace("{tenantid}", str(tenant))


def _is_verified(provider: str, claims: Mapping[str, Any]) -> bool:
    """Whether the address is proved. Any administrator of a tenant of Microsoft's may write any address there.

    Only `xms_edov` ("email domain owner verified") tells; `email_verified` means nothing in its tokens.
    """
    told = claims.get("xms_edov" if provider == MICROSOFT else "email_verified")
    return told is True or (isinstance(told, int | str) and str(told).lower() in ("true", "1"))


def _email(claims: Mapping[str, Any]) -> str:
    email = str(claims.get("email") or "").strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(
            f"The provider did not say who you are: {name} is missing.", do="Try another way to sign in."
        )
    return value
