"""Registers addresses, sessions and tokens: their gate, panels and audit words. Called in `ready()`."""

from apps.activity.registry import register_codes

from . import allowed_addresses
from .gates import register_gate
from .panels import Panel, register_panel
from .views import addresses

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
        },
    )
    register_gate(ADDRESS_GATE, allowed_addresses.address_gate)
    register_panel(Panel("everyone", 30, "accounts/_addresses.html", addresses.card))
