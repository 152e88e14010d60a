"""What a person must not overlook, on top of every page until it is dealt with. Apps register in `ready()`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Banner:
    """One fact in bold, its reason, one way forward. Not shown on the page `url` and below it.

    `url` "": there is nothing that this person could do about it.
    """

    strong: str
    text: str
    url: str
    words: str
    icon: str = "key"


BannerOf = Callable[[HttpRequest], Banner | None]
_banners: Final[list[BannerOf]] = []


def register_banner(banner_of: BannerOf) -> None:
    """Ask `banner_of` at each page of a signed-in person; it answers None when there is nothing to say."""
    _banners.append(banner_of)


def banners(request: HttpRequest) -> list[Banner]:
    """What to show on this page: nothing that leads to where one is already."""
    found = [banner for banner_of in _banners if (banner := banner_of(request))]
    return [banner for banner in found if not banner.url or not request.path.startswith(banner.url)]
