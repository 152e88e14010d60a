from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "apps.search"
    label = "search"

    def ready(self) -> None:
        """Take the place of search in the navigation, give its acts words."""
        _register_pages()


def _register_pages() -> None:
    from apps.activity.registry import register_codes  # noqa: PLC0415 - the app registry is complete only here
    from apps.core.navigation import Area, register_area  # noqa: PLC0415 - urls are not loaded before

    register_area(Area("search", "Search", "search", 30, "search"))
    register_codes("Search", {"search.done": "Searched", "search.exported": "Search results downloaded"})
