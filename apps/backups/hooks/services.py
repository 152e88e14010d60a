"""What a person does with hooks: set one, change it, try it, delete it."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction

from apps.core import clock
from apps.core.errors import Conflict
from apps.core.permissions import Permission, require
from apps.core.sealing import seal
from apps.core.sight import sees_limited, whole_sight
from apps.core.webhooks import check_address

from ..enums import HookMoment, LetterState, Otherwise
from ..models import BackupTask, Hook, HookLetter
from .letters import TEST, private_networks, write
from .said import say

AT_MOST: Final = 10
TRIES_A_MINUTE: Final = 5  # of one account


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a form gathered about a hook. `wait_seconds` counts for one that waits only."""

    moment: str
    url: str
    waits: bool = False
    wait_seconds: int = 60
    otherwise: str = Otherwise.GO
    active: bool = True


def hook_create(*, task: BackupTask, wanted: Wanted) -> tuple[Hook, str]:
    """Set a hook; returns its secret too, which nobody is shown again.

    Raises InvalidRequest or Unavailable for an address that may not, or cannot, be reached.
    """
    require(Permission.MODIFY)
    check_address(wanted.url, private_networks())
    with transaction.atomic():
        BackupTask.objects.select_for_update().get(pk=task.pk)
        if Hook.objects.filter(task=task).count() >= AT_MOST:
            raise Conflict(f"A backup task has {AT_MOST} hooks at most.", do="Delete one that is not needed.")
        hook = Hook(account_id=task.account_id, task=task)
        _fill(hook, wanted)
        secret = _new_secret(hook)
        hook.save()
        say(hook, "hook.created", **_said(hook))
    return hook, secret


def hook_change(*, hook: Hook, wanted: Wanted, new_secret: bool = False) -> str:
    """Change it; returns the secret when it is a new one. What is on its way goes to the new address."""
    require(Permission.MODIFY)
    check_address(wanted.url, private_networks())
    with transaction.atomic():
        hook = Hook.objects.select_for_update().select_related("task").get(pk=hook.pk)
        _fill(hook, wanted)
        secret = _new_secret(hook) if new_secret else ""
        hook.save()
        say(hook, "hook.changed", **_said(hook), new_secret=new_secret)
    return secret


@transaction.atomic
def hook_delete(*, hook: Hook) -> None:
    """Tell and ask it nothing any more; a round that waits for it goes on."""
    require(Permission.MODIFY)
    say(hook, "hook.deleted")
    hook.delete()


@transaction.atomic
def hook_try(*, hook: Hook) -> HookLetter:
    """Send it a request that means nothing; what becomes of it stands in the list of requests.

    Raises Conflict while one of it is on its way, and when too many were tried.
    """
    require(Permission.MODIFY)
    Hook.objects.select_for_update().get(pk=hook.pk)
    with whole_sight("what all people of the account try counts together"):
        tried = HookLetter.objects.filter(event=TEST)
        if tried.filter(hook=hook, state=LetterState.WAITING).exists():
            raise Conflict("This hook is being tried already.", do="Wait until the request below is settled.")
        if tried.filter(created_at__gt=clock.now() - timedelta(minutes=1)).count() >= TRIES_A_MINUTE:
            raise Conflict(f"{TRIES_A_MINUTE} tries a minute are the most.", do="Wait a minute.")
    say(hook, "hook.tried")
    return write(hook, TEST, {})


def _fill(hook: Hook, wanted: Wanted) -> None:
    hook.moment, hook.url, hook.active = wanted.moment, wanted.url, wanted.active
    hook.waits = wanted.waits and wanted.moment == HookMoment.BEFORE
    hook.wait_seconds, hook.otherwise = wanted.wait_seconds, wanted.otherwise
    hook.whole = sees_limited()


def _new_secret(hook: Hook) -> str:
    secret = secrets.token_hex(32)
    hook.sealed_secret = seal(
        account_id=hook.account_id, purpose=hook.secret_purpose, plaintext=secret.encode()
    )
    return secret


def _said(hook: Hook) -> dict[str, Any]:
    said: dict[str, Any] = {"active": hook.active, "waits": hook.waits}
    return said | ({"seconds": hook.wait_seconds, "otherwise": hook.otherwise} if hook.waits else {})
