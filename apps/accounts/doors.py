"""Registers addresses, sessions and tokens: their gate, panels and audit words. Called in `ready()`."""

from allauth.account import signals
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_save

from apps.activity.registry import register_codes
from apps.core import navigation
from apps.core.permissions import Permission

from . import allowed_addresses, sessions
from .gates import register_gate
from .models import User
from .panels import Panel, register_panel
from .views import addresses, tokens
from .views import sessions as session_views

ADDRESS_GATE = 10


def register_doors() -> None:
    """Once, when all apps are loaded."""
    register_codes(
        "Security",
        {
            "address.denied": "Kept out by address",
            "addresses.added": "Allowed address added",
            "addresses.changed": "Allowed address changed",
            "addresses.removed": "Allowed address removed",
            "addresses.switched_on": "Restriction to addresses switched on",
            "addresses.switched_off": "Restriction to addresses switched off",
            "session.ended": "Session ended",
            "session.others_ended": "Other sessions ended",
            "token.created": "API token made",
            "token.revoked": "API token revoked",
        },
    )
    register_gate(ADDRESS_GATE, allowed_addresses.address_gate)
    register_panel(Panel("everyone", 30, "accounts/_addresses.html", addresses.card))
    register_panel(Panel("me", 50, "accounts/_sessions.html", session_views.card, outside=True))
    register_panel(Panel("me", 60, "accounts/_tokens.html", tokens.card))
    sentence = "Programs that act in this account through the API, and who let them in."
    navigation.register_section(
        navigation.Section("tokens", "API tokens", sentence, "key", 16, "account_tokens", Permission.USERS)
    )
    user_logged_in.connect(sessions.session_opened)
    user_logged_out.connect(sessions.session_closed)
    post_save.connect(sessions.inactive_closed, sender=User)
    for changed in (signals.password_changed, signals.password_set, signals.password_reset):
        changed.connect(sessions.others_close)
