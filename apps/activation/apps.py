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
