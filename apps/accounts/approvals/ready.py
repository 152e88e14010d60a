"""What the two-person rule adds to the frame. Called by `AccountsConfig.ready()`."""

from apps.activity.registry import register_codes
from apps.core import banners, navigation
from apps.core.permissions import Permission

from ..life.closing import close_by_owner, closing_words
from .pages import approvals_banner, note
from .registry import register_act
from .services import two_person_off


def register() -> None:
    """Codes, acts of accounts themselves, section and banner."""
    register_codes(
        "Account",
        {
            "approval.proposed": "Proposed to a second administrator",
            "approval.approved": "Approved by a second administrator",
            "approval.refused": "Proposal refused",
            "approval.withdrawn": "Proposal taken back",
            "approval.expired": "Proposal that nobody approved in time",
            "two_person.on": "Two-person rule switched on",
            "two_person.off": "Two-person rule switched off",
        },
    )
    register_act(
        "two_person.off",
        do=two_person_off,
        words=lambda payload: "From then on one administrator alone may order all of this, with its grace.",
        permission=Permission.ACCOUNT_SETTINGS,
    )
    register_act(
        "account.close", do=close_by_owner, words=closing_words, permission=Permission.ACCOUNT_SETTINGS
    )
    banners.register_banner(approvals_banner)
    sentence = "The two-person rule, and what waits for a second administrator."
    navigation.register_section(
        navigation.Section("approvals", "Approvals", sentence, "users", 16, "approvals", note=note)
    )
