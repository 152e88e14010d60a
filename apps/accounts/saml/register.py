"""Where company sign-in enters the house; called once, when all apps are there."""

from django.contrib.auth.signals import user_logged_in

from apps.activity.registry import register_codes

from .. import sudo
from ..gates import register_gate
from ..panels import register_panel
from .gate import company_gate, company_way, note_way_around
from .panel import SAML_PANEL

CODES = {
    "saml.activated": "Company sign-in switched on",
    "saml.certificate_ends": "Certificate of company sign-in ends soon",
    "saml.changed": "Rules of company sign-in changed",
    "saml.confirmed": "Proved oneself at the company again",
    "saml.discarded": "Company sign-in: set-up discarded",
    "saml.domain_added": "Mail domain added",
    "saml.domain_proved": "Mail domain proved",
    "saml.domain_removed": "Mail domain removed",
    "saml.metadata_changed": "Identity provider's certificates changed",
    "saml.owner_passed": "Owner signed in without the company",
    "saml.password_refused": "Sign-in without the company refused",
    "saml.person_created": "User made by company sign-in",
    "saml.refresh_failed": "Identity provider's metadata could not be refreshed",
    "saml.refused": "Company sign-in refused",
    "saml.saved": "Company sign-in set up",
    "saml.signed_in": "Signed in at the company",
    "saml.switched_off": "Company sign-in switched off",
    "saml.tested": "Company sign-in tested",
}


def register_company_sign_in() -> None:
    """Codes, gate, card, proof and the note when the owner comes in without the company."""
    register_codes("Company sign-in", CODES)
    register_gate(30, company_gate)
    register_panel(SAML_PANEL)
    sudo.register_way(company_way)
    user_logged_in.connect(note_way_around, dispatch_uid="saml.owner_passed")
