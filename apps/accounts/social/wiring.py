"""Registers sign-in providers: their card, their proof and audit words. Called in `ready()`."""

from apps.activity.registry import register_codes

from ..panels import Panel, register_panel
from ..sudo import register_way
from . import proof
from .shown import linked_identities


def register_providers() -> None:
    """Once, when all apps are loaded."""
    register_codes(
        "Sign-in",
        {
            "identity.linked": "Sign-in provider linked",
            "identity.refused": "Linking of a sign-in provider refused",
            "identity.unlinked": "Sign-in provider unlinked",
        },
    )
    register_panel(Panel("me", 40, "accounts/_identities.html", linked_identities))
    register_way(proof.way)
