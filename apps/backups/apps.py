from django.apps import AppConfig

from apps.activity.registry import register_codes
from apps.core import navigation


class BackupsConfig(AppConfig):
    name = "apps.backups"
    label = "backups"

    def ready(self) -> None:
        """Tell the frame where a backup task is added, the activity what our codes mean, gc what is live."""
        from apps.vault.api import register_action, register_references  # noqa: PLC0415 - models come first

        from .journals.actions import ACTIONS  # noqa: PLC0415
        from .references import live_contents, writers_gone  # noqa: PLC0415

        for action in ACTIONS:
            register_action(action)
        register_references("catalog", contents=live_contents, writers_gone=writers_gone)
        _register_shelves()
        navigation.register_link("add_task", "task_new")
        register_codes(
            "Backup tasks",
            {
                "task.created": "Backup task created",
                "task.changed": "Backup task changed",
                "task.discovered": "Looked for new entities",
                "entity.activated": "Activated",
                "entity.paused": "Paused",
                "entity.resumed": "Resumed",
                "entity.limited": "Limited access set",
                "entity.unlimited": "Limited access taken away",
                "entity.tagged": "Tag put on",
                "entity.untagged": "Tag taken off",
                "backup_policy.created": "Policy created",
                "backup_policy.changed": "Policy changed",
                "backup_policy.deleted": "Policy deleted",
                "tag.created": "Tag created",
                "tag.renamed": "Tag renamed",
                "tag.deleted": "Tag deleted",
            },
        )
        register_codes(
            "Backups",
            {
                "run.ordered": "Backup ordered",
                "run.cancelled": "Backup cancelled",
                "run.finished": "Backup finished",
                "coverage.acknowledged": "Gap of a backup acknowledged",
                "coverage.reopened": "Acknowledged gap opened again",
                "retention.expired": "Old backups let go",
                "retention.changed": "Retention changed",
                "hold.placed": "Put on legal hold",
                "hold.lifted": "Legal hold lifted",
                "catalog.rebuilt": "List of backups rebuilt from the vault",
            },
            outcomes=["run.finished"],
        )
        _register_usage()
        _register_catalog()
        _register_ending()
        _register_sight()
        _register_tabs()
        _register_policies()
        _register_retention()
        _register_hooks()
        _register_order()
        _register_ends()
        _register_reports()


def _register_metering() -> None:
    from .metering import register_metering  # noqa: PLC0415 - models are loaded only here

    register_metering()


def _register_order() -> None:
    register_codes(
        "Backup tasks",
        {
            "entity.comes_first": "Put first among the due",
            "entity.comes_in_turn": "Put in turn among the due",
            "entity.comes_last": "Put last among the due",
        },
    )


def _register_ends() -> None:
    from .deletion.ready import register as register_deletions  # noqa: PLC0415 - models are loaded only here
    from .erasure.ready import register as register_erasures  # noqa: PLC0415

    register_deletions()
    register_erasures()


def _register_reports() -> None:
    from .reports.ready import register  # noqa: PLC0415 - models are loaded only here

    register()


def _register_policies() -> None:
    """Policies that speak of retention go by the two-person rule; a tag of one is not deleted."""
    from apps.accounts.approvals import register_act  # noqa: PLC0415 - models are loaded only here
    from apps.core.permissions import Permission  # noqa: PLC0415

    from .services import policies, tags  # noqa: PLC0415
    from .services.tags import register_tag_use  # noqa: PLC0415

    right = Permission.DELETE
    register_act(policies.CHANGE, do=policies.apply_change, words=policies.words_of, permission=right)
    register_act(policies.ASSIGN, do=policies.apply_assign, words=policies.words_of, permission=right)
    register_act(tags.SHORTER, do=tags.apply_shorter, words=tags.shorter_words, permission=right)
    register_tag_use(policies.uses_of_tag)
    sentence = "Schedule, retention and what is left out, written once for many tasks and tags."
    section = navigation.Section("policies", "Policies", sentence, "sliders", 40, "policies", Permission.MODIFY)
    navigation.register_section(section)


def _register_tabs() -> None:
    from .task_tabs import register_own_tabs  # noqa: PLC0415 - models are loaded only here

    register_own_tabs()


def _register_retention() -> None:
    """Its pages, and its act under the two-person rule."""
    from apps.accounts.approvals import register_act  # noqa: PLC0415 - models are loaded only here
    from apps.core.permissions import Permission  # noqa: PLC0415
    from apps.vault.registry import Ordered, register_ordered  # noqa: PLC0415

    from .retention import services  # noqa: PLC0415
    from .services import holds  # noqa: PLC0415
    from .services.tags import register_tag_use  # noqa: PLC0415
    from .task_tabs import register_task_tab  # noqa: PLC0415

    register_ordered("retention", Ordered(dead=services.dead_lately, chains=lambda account_id: ()))
    register_task_tab("retention", "Retention", "task_retention", order=40)
    words = "How long backups are kept where no task or policy has a rule of its own."
    navigation.register_section(
        navigation.Section("retention", "Retention", words, "calendar", 22, "retention")
    )
    words = "What is not deleted, whatever a rule or a person says."
    navigation.register_section(navigation.Section("holds", "Legal holds", words, "lock", 23, "holds"))
    register_tag_use(holds.uses_of_tag)
    register_act(holds.LIFT, do=holds.lift, words=holds.lift_words, permission=Permission.DELETE)
    register_act(services.SHORTER, do=services.shorten, words=services.words_of, permission=Permission.DELETE)


def _register_hooks() -> None:
    from apps.core.permissions import Permission  # noqa: PLC0415 - models are loaded only here
    from apps.core.rotation import register_sealed_field  # noqa: PLC0415

    from .task_tabs import register_task_tab  # noqa: PLC0415

    register_codes(
        "Backup tasks",
        {
            "hook.created": "Hook created",
            "hook.changed": "Hook changed",
            "hook.deleted": "Hook deleted",
            "hook.tried": "Hook tried",
            "hook.failed": "Hook could not be reached",
            "hook.skipped": "Round skipped because of a hook",
        },
    )
    register_sealed_field("backups.Hook", "sealed_secret", lambda row: str(row.secret_purpose))
    register_task_tab("hooks", "Hooks", "task_hooks", Permission.MODIFY, order=85)


def _register_usage() -> None:
    """Tell jobs how a usage report is made, and accounts what becomes of its file."""
    from apps.accounts.registry import ClosingStep, register_closing_step  # noqa: PLC0415
    from apps.jobs.enums import JobKind  # noqa: PLC0415 - models are loaded only here
    from apps.jobs.registry import register  # noqa: PLC0415

    from .usage.job import delete_usage, file_url, run_usage, tell_orderer  # noqa: PLC0415

    register(JobKind.USAGE, run_usage, results_url=file_url, finished=tell_orderer)
    register_closing_step(ClosingStep(30, "usage", delete_usage))
    register_codes("Access", {"usage.downloaded": "Usage report downloaded"})


def _register_ending() -> None:
    """Tell accounts how backups end with theirs, and how they stand."""
    from apps.accounts import registry  # noqa: PLC0415 - models are loaded only here

    from . import ending, standing  # noqa: PLC0415

    registry.register_stopper(ending.stop_runs)
    registry.register_standings(standing.standings)
    registry.register_closing_step(registry.ClosingStep(11, "backups", ending.quiet))
    registry.register_closing_step(
        registry.ClosingStep(40, "catalog", ending.forget_catalog, ("backups.NodeVersion",))
    )
    _register_metering()


def _register_sight() -> None:
    """Tell rows of lower apps which mailboxes a person sees, and whose rows addresses name."""
    from apps.accounts.registry import register_linked  # noqa: PLC0415
    from apps.core.sight import register_entities  # noqa: PLC0415 - models are loaded only here

    from .models import BackupTask, Entity, Run, Snapshot  # noqa: PLC0415

    register_entities(lambda: Entity.objects.values("public_id"))
    register_linked(task_id=BackupTask, entity_id=Entity, run_id=Run, snapshot_id=Snapshot)


def _register_catalog() -> None:
    """Tell the vault whose bytes it holds."""
    from apps.vault.registry import Catalog, register_catalog  # noqa: PLC0415 - models are loaded only here

    from . import damage  # noqa: PLC0415

    catalog = Catalog(
        contents=damage.content_lists,
        mark=damage.mark_items,
        busy=damage.backups_busy,
        named=damage.named_items,
        journals=damage.journals,
        journals_of=damage.journals_of,
        named_anew=damage.named_anew,
        settle=damage.close_what_came_back,
        lost=damage.lost_items,
    )
    register_catalog("backups", catalog)


def _register_shelves() -> None:
    from apps.vault.registry import register_tasks_by_shelf  # noqa: PLC0415

    from .selectors.tasks import tasks_by_shelf  # noqa: PLC0415

    register_tasks_by_shelf(tasks_by_shelf)
