"""Start, pause and go on with an onboarding."""

from django.db import transaction

from apps.activity import services as activity
from apps.backups.models import BackupTask
from apps.backups.services.tasks import change_settings
from apps.core.actor import current_actor
from apps.core.errors import Conflict, InvalidRequest
from apps.core.permissions import Permission, require

from ..models import Onboarding, OnboardingState
from .checks import check


@transaction.atomic
def begin(*, task: BackupTask) -> Onboarding:
    """Start first backups in daily batches; the first batch within moments.

    Raises InvalidRequest while a permission is missing. Whoever is new is onboarded in turn, not activated
    by itself, as long as it runs.
    """
    require(Permission.ACTIVATE)
    found = check(task.connection)
    if not found.passed:
        missing = ", ".join(each.need.name for each in found.missing)
        raise InvalidRequest(
            found.problem or f"A permission is missing at Microsoft: {missing}.",
            do="Connect the organisation again and consent to it; then start.",
        )
    if task.auto_activate:
        require(Permission.MODIFY)
        change_settings(task=task, auto_activate=False)
    known, new = Onboarding.objects.select_for_update().get_or_create(
        task=task,
        defaults={"account_id": task.account_id, "started_by": current_actor().label[:200]},
    )
    if not new:
        _move(known, (OnboardingState.DONE, OnboardingState.PAUSED), OnboardingState.RUNNING)
    _say(known, "onboarding.started")
    _work(known)
    return known


@transaction.atomic
def pause(*, onboarding: Onboarding) -> None:
    """Start no more first backups; those that were started go on."""
    require(Permission.PAUSE)
    _move(onboarding, (OnboardingState.RUNNING,), OnboardingState.PAUSED)
    _say(onboarding, "onboarding.paused")


@transaction.atomic
def resume(*, onboarding: Onboarding) -> None:
    """Go on; today's batch is started if there was none yet."""
    require(Permission.ACTIVATE)
    _move(onboarding, (OnboardingState.PAUSED,), OnboardingState.RUNNING)
    _say(onboarding, "onboarding.resumed")
    _work(onboarding)


def _move(onboarding: Onboarding, before: tuple[str, ...], after: str) -> None:
    if not Onboarding.objects.filter(pk=onboarding.pk, state__in=before).update(state=after):
        raise Conflict("The onboarding is not in that state any more.", do="Look at the page again.")


def _work(onboarding: Onboarding) -> None:
    from ..tasks import onboard  # noqa: PLC0415 - the task's module calls services

    onboard.after_commit(account_id=onboarding.account_id, onboarding_id=onboarding.pk)


def _say(onboarding: Onboarding, code: str) -> None:
    task = onboarding.task
    activity.record(
        code,
        service=task.service,
        task_label=task.name,
        item_label=task.name,
        subject_id=task.public_id,
        audited=task.name,
    )
