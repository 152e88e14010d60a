from django.apps import AppConfig

from apps.activity.registry import register_codes


class SearchConfig(AppConfig):
    name = "apps.search"
    label = "search"

    def ready(self) -> None:
        """Take the place of search in the navigation, give its acts words; follow what comes and goes."""
        _register_pages()
        _register_index()


def _register_pages() -> None:
    from apps.core.navigation import Area, register_area  # noqa: PLC0415 - urls are not loaded before
    from apps.core.permissions import may_name_contents  # noqa: PLC0415

    register_area(Area("search", "Search", "search", 30, "search", open_to=may_name_contents))
    register_codes("Search", {"search.done": "Searched", "search.exported": "Search results downloaded"})


def _register_index() -> None:
    """Hear of snapshots that come and of versions that go; let an account's index end with it."""
    from django.db.models.signals import post_save, pre_delete  # noqa: PLC0415 - models come first

    from apps.accounts import registry as accounts  # noqa: PLC0415
    from apps.backups import registry as backups  # noqa: PLC0415
    from apps.backups.models import Entity, Snapshot  # noqa: PLC0415

    from . import rewriting, services  # noqa: PLC0415

    post_save.connect(services.snapshot_came, sender=Snapshot, dispatch_uid="search")
    pre_delete.connect(services.entity_goes, sender=Entity, dispatch_uid="search")
    backups.register_forgetter("search", services.versions_go)
    backups.register_eraser("search", rewriting.note_erased)
    backups.register_remains("search", rewriting.remains)
    accounts.register_closing_step(accounts.ClosingStep(30, "search", services.close_index))
    register_codes("Backup tasks", {services.CODE: "Indexing for search switched"})
    _register_switch()


def _register_switch() -> None:
    from apps.backups.task_switches import Switch, register_switch  # noqa: PLC0415 - models come first

    from . import services  # noqa: PLC0415

    register_switch(
        Switch(
            "indexed",
            "Let people search in it",
            "Off: what the index holds of this task is deleted. On again: all of it is read anew.",
            services.is_indexed,
            services.task_index_set,
        )
    )
