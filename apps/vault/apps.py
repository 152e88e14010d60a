from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "apps.vault"
    label = "vault"

    def ready(self) -> None:
        """Name the acts on keys and on the vault for lower apps, and what a new master key concerns."""
        from apps.core.banners import register_banner  # noqa: PLC0415 - the app registry is complete only here
        from apps.core.discretion import register_discretion  # noqa: PLC0415
        from apps.core.navigation import Section, register_section  # noqa: PLC0415
        from apps.core.rotation import register_sealed_field  # noqa: PLC0415

        from .banner import recovery_key_banner  # noqa: PLC0415

        words = "Opens your backups without us. Only the owner of the account can have it shown."
        from .storage_page import storage_note  # noqa: PLC0415
        from .stores import discreet_words  # noqa: PLC0415

        where = "Where backups lie, and second copies of them."
        register_section(Section("storage", "Storage", where, "database", 20, "storage", note=storage_note))
        register_section(Section("recovery_key", "Recovery key", words, "key", 30, "recovery_key"))
        register_banner(recovery_key_banner)
        register_discretion(discreet_words)
        register_sealed_field("vault.Store", "sealed_credentials", lambda row: f"vault.store:{row.public_id}")
        register_sealed_field("vault.RecoveryKey", "answer", lambda row: str(row.answer_purpose))
        _register_codes()
        _register_moves()
        _register_heads()
        _register_ending()


def _register_ending() -> None:
    from apps.accounts.registry import ClosingStep, register_closing_step  # noqa: PLC0415

    from . import ending  # noqa: PLC0415 - models are loaded only after this module

    register_closing_step(ClosingStep(20, "keys", ending.destroy_keys))
    places = ("vault.BlobLocation", "vault.CondemnedBlob")
    register_closing_step(ClosingStep(41, "places", ending.forget_places, places))
    register_closing_step(ClosingStep(50, "stores", ending.empty_stores))


def _register_codes() -> None:
    from apps.activity.registry import register_codes  # noqa: PLC0415 - as above

    register_codes(
        "Keys",
        {
            "recovery_key.confirmed": "Recovery key confirmed",
            "recovery_key.refused": "Recovery key asked for with a wrong password",
            "recovery_key.removed": "Old recovery key made useless",
            "recovery_key.shown": "Recovery key shown",
            "vault.shredded": "Keys of all backups destroyed",
            "vault.shredding": "Destruction of the keys of all backups begun",
        },
    )
    register_codes(
        "Vault",
        {
            "vault.collected": "Unused space collected",
            "vault.collection_refused": "Collecting unused space refused",
            "vault.freed": "Space freed",
        },
    )
    register_codes(
        "Health",
        {
            "check.ordered": "Check of the vault ordered",
            "check.cancelled": "Check of the vault: cancel asked for",
            "check.finished": "Check of the vault ended",
        },
    )
    register_codes(
        "Storage",
        {
            "storage.added": "Store added",
            "storage.changed": "Credentials of a store changed",
            "storage.removed": "Store removed",
            "storage.moved": "Backups are moved to another store",
            "storage.assigned": "Store of a backup task changed",
            "storage.replicated": "Second store changed",
        },
    )


def _register_moves() -> None:
    from apps.accounts.approvals import register_act  # noqa: PLC0415
    from apps.core.permissions import Permission  # noqa: PLC0415
    from apps.jobs.enums import JobKind  # noqa: PLC0415 - models are loaded only after this module
    from apps.jobs.registry import register  # noqa: PLC0415

    from .move_orders import MOVE, move_now, move_words  # noqa: PLC0415
    from .moving import after_move, run_move  # noqa: PLC0415

    register_act(MOVE, do=move_now, words=move_words, permission=Permission.DELETE, alone=True)
    # Stopping half-way what was decided in the settings is a decision about the settings.
    register(JobKind.MOVE, run_move, finished=after_move, cancelling=Permission.ACCOUNT_SETTINGS)


def _register_heads() -> None:
    from apps.activity.heads import register_keeper  # noqa: PLC0415

    from .audit_heads import KEEPER  # noqa: PLC0415

    register_keeper(KEEPER)
