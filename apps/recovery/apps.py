from django.apps import AppConfig


class RecoveryConfig(AppConfig):
    name = "apps.recovery"
    label = "recovery"

    def ready(self) -> None:
        """Take the place of recovery in the navigation."""
        from apps.core.navigation import Area, register_area  # noqa: PLC0415 - urls are not loaded before
        from apps.core.permissions import Permission  # noqa: PLC0415

        register_area(Area("recovery", "Recovery", "recover", 20, "recovery", permission=Permission.VIEW))
        _register_words()
        _register_jobs()
        _register_ending()
        _register_secrets()
        _register_references()
        _register_reader()
        _register_deleting()
        _register_erasing()


def _register_references() -> None:
    """Tell gc that what undo brings back is live."""
    from apps.vault.api import register_references  # noqa: PLC0415 - models are loaded only after this module

    from .restore.before import live_contents, writers_gone  # noqa: PLC0415

    register_references("undo", contents=live_contents, writers_gone=writers_gone)


def _register_reader() -> None:
    """Tell retention which backups restores and exports read."""
    from apps.backups.registry import Reader, register_reader  # noqa: PLC0415 - models come first

    from .parting import in_use, parting  # noqa: PLC0415

    register_reader("recovery", Reader(in_use, parting))


def _register_deleting() -> None:
    from apps.backups.registry import register_settler  # noqa: PLC0415 - models are loaded only after this module

    from .deleting import settle  # noqa: PLC0415

    register_settler(settle)


def _register_erasing() -> None:
    from apps.backups.registry import register_eraser, register_keeper  # noqa: PLC0415 - models come first

    from .erasing import contents_before, erase  # noqa: PLC0415

    register_eraser("recovery", erase)
    register_keeper("recovery", contents_before)


def _register_secrets() -> None:
    from apps.core.rotation import register_sealed_field  # noqa: PLC0415

    register_sealed_field("recovery.Destination", "sealed_credentials", lambda row: str(row.secret_purpose))


def _register_ending() -> None:
    from apps.accounts.registry import ClosingStep, register_closing_step  # noqa: PLC0415

    from .ending import delete_exports  # noqa: PLC0415 - models are loaded only after this module

    register_closing_step(ClosingStep(30, "exports", delete_exports))


def _register_words() -> None:
    from apps.activity.registry import register_codes  # noqa: PLC0415 - the app registry is complete only here

    register_codes(
        "Recovery",
        {
            "item.previewed": "Message previewed",
            "item.downloaded": "Message downloaded",
            "item.attachment_downloaded": "Attachment downloaded",
            "export.downloaded": "Export downloaded",
            "export.revoked": "Downloads of an export ended",
            "export_destination.added": "Export destination added",
            "export_destination.removed": "Export destination removed",
        },
    )

    register_codes("Health", {"drill.finished": "Restore drill ended"})


def _register_jobs() -> None:
    from apps.core.permissions import Permission  # noqa: PLC0415 - models are loaded only after this module
    from apps.jobs.enums import JobKind  # noqa: PLC0415
    from apps.jobs.registry import register  # noqa: PLC0415
    from apps.notifications.registry import Kind, register_kind  # noqa: PLC0415

    from .exports.links import downloads_url  # noqa: PLC0415
    from .exports.run import run_export  # noqa: PLC0415
    from .mails import tell_initiator  # noqa: PLC0415
    from .repeating import repeat_export, repeat_restore  # noqa: PLC0415
    from .restore.execute import run_restore  # noqa: PLC0415
    from .restore.panel import restore_panel, undo_panel  # noqa: PLC0415
    from .restore.undo import run_undo  # noqa: PLC0415

    register_kind(Kind("recovery", "Recovery", "Restores and exports that ended.", order=20))
    register(JobKind.RESTORE, run_restore, finished=tell_initiator, panel=restore_panel, repeat=repeat_restore)
    register(JobKind.UNDO, run_undo, finished=tell_initiator, panel=undo_panel)
    register(
        JobKind.EXPORT, run_export, results_url=downloads_url, finished=tell_initiator,
        repeat=repeat_export, repeating=Permission.EXPORT,
    )  # fmt: skip
