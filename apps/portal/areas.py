"""The areas of the portal, in the order of the navigation, and what is said where one is not built."""

from dataclasses import dataclass

from apps.core.navigation import Area, register_area, register_default_area, register_link


@dataclass(frozen=True)
class Unbuilt:
    """An area that is not built yet: what will be there, and what one can do now."""

    key: str
    title: str
    icon: str
    will_be: str
    today: str
    way_url: str
    way_words: str


UNBUILT = {
    entry.key: entry
    for entry in (
        Unbuilt(
            "billing",
            "Billing is not built yet",
            "card",
            "Your plan, what is counted, and your invoices will be here.",
            "Nothing is charged. All that is built works without limits.",
            "home",
            "Go to the backup tasks",
        ),
    )
}


def register_areas() -> None:
    """Home and Support are the portal's own, most areas come from apps; the rest is not built yet."""
    register_area(Area("home", "Home", "home", 10, "home", prefixes=("/tasks/", "/connections/")))
    register_default_area(Area("billing", "Billing", UNBUILT["billing"].icon, 70, "unbuilt", ("billing",)))
    register_area(Area("settings", "Settings", "sliders", 60, "settings"))
    register_area(Area("health", "Health", "shield", 55, "health"))
    register_link("sign_in", "account_login")
    register_link("log_out", "account_logout")
    register_area(Area("support", "Support", "help", 80, "support", prefixes=("/help/",)))
