from django.apps import AppConfig

from apps.activity.registry import register_codes


class ActivationConfig(AppConfig):
    name = "apps.activation"
    label = "activation"

    def ready(self) -> None:
        """Tell the activity what our codes mean, and lower apps what of theirs our rules use."""
        register_codes(
            "Activation",
            {
                "rule.started": "Activation started",
                "rule.changed": "Activation rule changed",
                "rule.paused": "Activation rule paused",
                "rule.resumed": "Activation rule resumed",
                "rule.removed": "Activation rule removed",
                "rule.left_out": "Left out of an activation rule",
                "rule.taken_in": "Taken into an activation rule again",
                "rule.followed": "Activation rule followed",
                "rule.asks": "Activation rule asks before it deletes",
                "rule.may_delete": "Activation rule may delete who left",
                "rule.not_followed": "Activation rule could not be followed",
                "onboarding.started": "Onboarding started",
                "onboarding.paused": "Onboarding paused",
                "onboarding.resumed": "Onboarding resumed",
                "onboarding.reported": "Onboarding: the day's batch",
            },
        )
        _register_uses()
        _register_tab()
        _register_facts()
        _register_acts()


def _register_acts() -> None:
    """What deletes goes by the two-person rule."""
    from apps.accounts.approvals import register_act  # noqa: PLC0415 - models are loaded only here
    from apps.core.permissions import Permission  # noqa: PLC0415

    from . import deleting  # noqa: PLC0415

    right = Permission.DELETE
    register_act(deleting.START, do=deleting.start_approved, words=deleting.start_words, permission=right)
    register_act(deleting.ALLOW, do=deleting.allow_approved, words=deleting.allow_words, permission=right)


def _register_facts() -> None:
    from apps.backups.entity_facts import register_entity_facts  # noqa: PLC0415 - models are loaded only here

    from .selectors import facts_of_entity  # noqa: PLC0415

    register_entity_facts(facts_of_entity)


def _register_uses() -> None:
    from apps.backups.services.tags import register_tag_use  # noqa: PLC0415 - models are loaded only here

    from .selectors import rules_with_tag  # noqa: PLC0415

    register_tag_use(rules_with_tag)


def _register_tab() -> None:
    from apps.backups.task_tabs import register_task_tab  # noqa: PLC0415 - models are loaded only here

    register_task_tab("activation", "Activation", "activation", order=30)
