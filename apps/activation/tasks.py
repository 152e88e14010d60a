"""Doors of the workers."""

from celery import shared_task

from apps.core.scope import account_scope, every_account

from . import evaluate, services
from .onboarding import pacing


@shared_task  # type: ignore[untyped-decorator]
def follow_rule(*, account_id: int, rule_id: int) -> None:
    """Bring everybody in line with one rule."""
    evaluate.follow(rule_id)


@shared_task(expires=300)  # type: ignore[untyped-decorator]
def follow_rules() -> None:
    """Follow every rule that is due: once a day, after each discovery, and when it was started or changed.

    It reads from rows what is due: nobody has to tell it, and what an outage left undone is done after it.
    """
    with every_account("rules of all accounts are followed"):
        due = list(evaluate.rules_due().values_list("account_id", "pk"))
        services.forget_old_drafts()
    for account_id, rule_id in due:
        with account_scope(account_id):
            follow_rule.after_commit(account_id=account_id, rule_id=rule_id)


@shared_task  # type: ignore[untyped-decorator]
def onboard(*, account_id: int, onboarding_id: int) -> None:
    """Give one onboarding its batch of today."""
    pacing.work(onboarding_id)


@shared_task(expires=600)  # type: ignore[untyped-decorator]
def onboard_all() -> None:
    """Give every onboarding its batch of today; what is due is read from rows."""
    with every_account("onboardings of all accounts get their daily batch"):
        due = list(pacing.onboardings_due().values_list("account_id", "pk"))
    for account_id, onboarding_id in due:
        with account_scope(account_id):
            onboard.after_commit(account_id=account_id, onboarding_id=onboarding_id)
