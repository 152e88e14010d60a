"""How we present ourselves to an account's identity provider: our addresses, python3-saml's settings."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from .metadata import Config


def acs_url(account_id: UUID) -> str:
    """Where the provider sends people back to. Always at PORTAL_URL: who asks chooses the request's host."""
    return f"{settings.PORTAL_URL}{reverse('saml_acs', args=[account_id])}"


def entity_id(account_id: UUID) -> str:
    """Our name towards this account's provider: another one for each account, so that no answer fits two."""
    return f"{settings.PORTAL_URL}{reverse('saml_metadata', args=[account_id])}"


def sign_in_url(account_id: UUID) -> str:
    """The account's own sign-in link."""
    return f"{settings.PORTAL_URL}{reverse('saml_start', args=[account_id])}"


def saml_settings(account_id: UUID, config: Config | None) -> OneLogin_Saml2_Settings:
    """What python3-saml needs to know; without `config` only enough for our own metadata."""
    facts: dict[str, Any] = {
        "strict": True,
        "debug": False,
        "sp": {
            "entityId": entity_id(account_id),
            "assertionConsumerService": {"url": acs_url(account_id), "binding": Names.BINDING_HTTP_POST},
            "NameIDFormat": Names.NAMEID_EMAIL_ADDRESS,
        },
        "security": {
            "wantAssertionsSigned": True,
            "wantAttributeStatement": False,
            "rejectDeprecatedAlgorithm": True,
            "requestedAuthnContext": False,
            "allowSingleLabelDomains": True,
            "metadataValidUntil": "",  # it does not change by itself
            "metadataCacheDuration": "",
        },
    }
    if config:
        facts["idp"] = {
            "entityId": config.entity_id,
            "singleSignOnService": {"url": config.sso_url, "binding": Names.BINDING_HTTP_REDIRECT},
            "x509certMulti": {"signing": list(config.certificates)},
        }
    return OneLogin_Saml2_Settings(facts, sp_validation_only=config is None)


def metadata(account_id: UUID) -> bytes:
    """Our metadata for this id, whether or not such an account exists."""
    found = saml_settings(account_id, None).get_sp_metadata()
    return found if isinstance(found, bytes) else str(found).encode()


def request_url(account_id: UUID, config: Config, *, anew: bool = False) -> tuple[str, str]:
    """Where to send a browser, and the id that the answer must name. `anew`: the provider must ask again."""
    auth = OneLogin_Saml2_Auth(here(account_id), saml_settings(account_id, config))
    url = auth.login(return_to="", force_authn=anew, set_nameid_policy=False)
    return url, auth.get_last_request_id()


def here(account_id: UUID) -> dict[str, Any]:
    """The request as python3-saml wants it told: by our own address, not by what the client says of it."""
    parts = urlsplit(acs_url(account_id))
    return {
        "https": "on" if parts.scheme == "https" else "off",
        "http_host": parts.netloc,
        "script_name": parts.path,
        "get_data": {},
        "post_data": {},
    }
