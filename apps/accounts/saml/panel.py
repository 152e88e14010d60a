"""The card "Company sign-in (SAML)" of the page about security."""

from typing import Any

from ..http import MemberRequest
from ..life.access import is_administrator
from ..panels import Panel
from .domains import PATH, domains_here
from .forms import DomainForm, RulesForm, SetUpForm
from .metadata import Config
from .provider import acs_url, entity_id, sign_in_url
from .services import may_activate, provider_here


def _context(request: MemberRequest) -> dict[str, Any]:
    provider, account_id = provider_here(), request.account.public_id
    live = Config.of(provider.live) if provider and provider.live else None
    draft = Config.of(provider.draft) if provider and provider.draft else None
    ready = bool(provider and may_activate(provider, request.user.pk))
    return {
        "may": is_administrator(request),
        "provider": provider,
        "live": live,
        "draft": draft,
        "ready": ready,
        "ask_now": ready and request.GET.get("tested") == "saml",
        "copies": [
            ("saml-acs", "Sign-on address (ACS)", acs_url(account_id)),
            ("saml-entity", "Our name (entity ID, audience)", entity_id(account_id)),
            ("saml-metadata", "Our metadata, with all of this", entity_id(account_id)),
        ],
        "sign_in_url": sign_in_url(account_id),
        "form": SetUpForm(),
        "rules": RulesForm.of(provider) if provider else None,
        "domains": domains_here(),
        "domain_form": DomainForm(),
        "domain_path": PATH,
    }


SAML_PANEL = Panel("everyone", 20, "accounts/_saml.html", _context)
