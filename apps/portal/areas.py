"""The areas of the portal's own, in the order of the navigation."""

from apps.core.navigation import Area, register_area, register_link, sections
from apps.core.permissions import Permission, allowed


def register_areas() -> None:
    """Home, Health, Settings and Support are the portal's own; the other areas come from apps."""
    backups = Permission.BACKUPS_PAGE
    at_home = ("/tasks/", "/connections/")
    register_area(Area("home", "Home", "home", 10, "home", prefixes=at_home, permission=backups))
    register_area(Area("health", "Health", "shield", 55, "health", permission=Permission.VIEW))
    register_area(Area("settings", "Settings", "sliders", 60, "settings", open_to=_has_settings))
    register_area(Area("support", "Support", "help", 80, "support", prefixes=("/help/",)))
    register_link("sign_in", "account_login")
    register_link("log_out", "account_logout")


def _has_settings() -> bool:
    return allowed(Permission.ACCOUNT_SETTINGS) or bool(sections())
