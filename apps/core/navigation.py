"""The navigation registry: apps register their area in `AppConfig.ready()`, the frame draws it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from .permissions import Permission, allowed


@dataclass(frozen=True)
class Area:
    """One entry of the side navigation. `order` runs from 10 (Home) to 80 (Support).

    An area is the current one on every address below its own and below `prefixes`. `badge` returns the number
    of things going on for this request (0 shows nothing); `badge_words` says what is counted. Shown to who has
    `permission` and for whom `open_to` says yes: nobody is led to a refusal.
    """

    key: str
    label: str
    icon: str
    order: int
    url_name: str
    url_args: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    badge: Callable[[HttpRequest], int] | None = None
    badge_words: str = "in progress"
    permission: Permission | None = None
    open_to: Callable[[], bool] | None = None

    @property
    def url(self) -> str:
        """Where the entry leads."""
        return reverse(self.url_name, args=self.url_args)

    @property
    def is_open(self) -> bool:
        """Whether the actor in force could open it."""
        permitted = self.permission is None or allowed(self.permission)
        return permitted and (self.open_to is None or self.open_to())


@dataclass(frozen=True)
class Section:
    """One entry of the settings page: where something of the account is set, shown to who has `permission`.

    `note` returns what needs somebody there now, in a few words, or "".
    """

    key: str
    title: str
    sentence: str
    icon: str
    order: int
    url_name: str
    permission: Permission = Permission.ACCOUNT_SETTINGS
    note: Callable[[], str] | None = None

    @property
    def url(self) -> str:
        """Where the entry leads."""
        return reverse(self.url_name)


@dataclass
class _Registry:
    areas: dict[str, Area] = field(default_factory=dict)
    sections: dict[str, Section] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)


_registry = _Registry()


def register_area(area: Area) -> None:
    """Put an area into the side navigation; the last one to register a key wins."""
    _registry.areas[area.key] = area


def areas() -> list[Area]:
    """All areas in their order."""
    return sorted(_registry.areas.values(), key=lambda area: area.order)


def register_section(section: Section) -> None:
    """Put a section on the settings page; the last one to register a key wins."""
    _registry.sections[section.key] = section


def sections() -> list[Section]:
    """The sections that the actor in force may open, in their order."""
    found = (section for section in _registry.sections.values() if allowed(section.permission))
    return sorted(found, key=lambda section: section.order)


def current_area(path: str) -> Area | None:
    """The area that an address belongs to: the longest matching prefix decides."""
    found: tuple[int, Area | None] = (0, None)
    for area in _registry.areas.values():
        for prefix in (area.url, *area.prefixes):
            exact = path == prefix
            below = prefix != "/" and path.startswith(prefix)
            if (exact or below) and len(prefix) > found[0]:
                found = (len(prefix), area)
    return found[1]


def register_link(key: str, url_name: str) -> None:
    """Tell the frame where a named link leads: `sign_in`, `sign_up`, `log_out`, `my_security`, `add_task`…"""
    _registry.links[key] = url_name


def link(key: str) -> str:
    """The address of a named link, or "" when no app offers it yet."""
    try:
        return reverse(_registry.links.get(key, key))
    except NoReverseMatch:
        return ""
