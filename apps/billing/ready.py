"""What billing adds to the frame. Called by `BillingConfig.ready()`."""

from apps.activity.registry import register_codes
from apps.core import banners, navigation
from apps.core.permissions import Permission

from .pages.trouble import billing_banner


def register_pages() -> None:
    """The area, where Subscribe leads, what must not be overlooked, and the words of what is handed out."""
    register_codes(
        "Billing",
        {
            "billing.invoice_downloaded": "Invoice downloaded",
            "billing.list_downloaded": "List behind a bill taken",
        },
    )
    banners.register_banner(billing_banner)
    navigation.register_area(
        navigation.Area("billing", "Billing", "card", 70, "billing", permission=Permission.BILLING)
    )
    navigation.register_link("subscribe", "billing")
