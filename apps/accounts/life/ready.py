"""What the life of accounts adds to the frame. Called by `AccountsConfig.ready()`."""

from apps.activity.registry import register_codes
from apps.core import banners, navigation

from ..approvals import ready as approvals
from ..gates import register_gate
from ..panels import Panel, register_panel
from .gate import closed_gate, life_banner
from .page import address_card


def register() -> None:
    """Codes, gate, banner, section and panel."""
    register_codes(
        "Account",
        {
            "account.closing": "Account cancelled",
            "account.reactivated": "Account reactivated",
            "account.remains": "Something of the account could not be deleted",
            "account.renamed": "Account renamed",
            "account.zone_changed": "Time zone of the account changed",
            "account.relocated": "Location changed by support",
            "account.plan_activated": "Plan activated",
            "account.trial_ended": "Trial ended",
            "account.suspended": "Account suspended",
        },
    )
    register_codes(
        "Sign-in",
        {
            "email.asked": "Change of a sign-in address asked for",
            "email.objected": "Change of a sign-in address taken back by its old owner",
            "email.withdrawn": "Change of a sign-in address withdrawn",
        },
    )
    register_gate(20, closed_gate)
    banners.register_banner(life_banner)
    navigation.register_section(
        navigation.Section(
            "account",
            "Account",
            "Name, owner and location of the account; cancelling it.",
            "user",
            10,
            "account_settings",
        )
    )
    approvals.register()
    register_panel(Panel("me", 5, "accounts/_address.html", address_card))
