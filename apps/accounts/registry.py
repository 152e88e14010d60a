"""What accounts ask of the apps above them. Filled in `AppConfig.ready()`.

    register_closing_step(ClosingStep(20, "keys", destroy_keys))

The end of an account is a row of steps; each app gives the ones for what it keeps (docs/accounts.md).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.core.models import AccountModel


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step came to. `waits`: why to do it again later, "" when it is through; `proof`: numbers.

    `remains`: what could not be deleted and is not waited for any longer, where and why, a sentence each.
    """

    waits: str = ""
    proof: Mapping[str, Any] = field(default_factory=dict)
    remains: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ClosingStep:
    """One step of deleting an account, in the order of `order`, called in the account's scope.

    It may be killed anywhere and is then called again from its beginning; called again after its end, it
    finds nothing to do. `order`: 10 stop what runs, 20 destroy keys, 30 files, 40 large tables, 50 stores.
    `empties` names the models ("vault.BlobLocation") whose rows it deletes itself, as nothing finds them fast
    by their account alone.
    """

    order: int
    name: str
    run: Callable[[int], StepResult]
    empties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How one account's backups stand, for who looks after many: the last good one, and what is wrong."""

    last_backup_at: datetime | None = None
    problems: int = 0


_steps: dict[str, ClosingStep] = {}
_stoppers: list[Callable[[int], None]] = []
_linked: dict[str, type[AccountModel]] = {}
_owners: list[Callable[[int, Any], None]] = []
_leavers: list[Callable[[int, Any], None]] = []
_movers: list[Callable[[int, Any, str], None]] = []
_returned: list[Callable[[int], None]] = []
_vetoes: list[Callable[[int, str], str]] = []
_standings: list[Callable[[Collection[int]], Mapping[int, Standing]]] = []


def register_closing_step(step: ClosingStep) -> None:
    """Add a step; the last one of a name wins."""
    _steps[step.name] = step


def closing_steps() -> list[ClosingStep]:
    """All steps in their order."""
    return sorted(_steps.values(), key=lambda step: (step.order, step.name))


def register_stopper(stop: Callable[[int], None]) -> None:
    """Call `stop(account_id)` when backups of an account shall end now, in its scope and transaction."""
    _stoppers.append(stop)


def stop_backups(account_id: int) -> None:
    """Let every app stop what it runs for this account."""
    for stop in _stoppers:
        stop(account_id)


def register_returned(returned: Callable[[int], None]) -> None:
    """Call `returned(account_id)` once the closing of an account was taken back, in its scope."""
    _returned.append(returned)


def tell_returned(account_id: int) -> None:
    """Let every app put in order what the closing held up."""
    for returned in _returned:
        returned(account_id)


def register_veto(veto: Callable[[int, str], str]) -> None:
    """Ask `veto(account_id, cause)` before an account is closed for want of a plan, or deleted.

    Called in its scope and a transaction, it says why not now, "" when it may be. It must end by itself.
    """
    _vetoes.append(veto)


def veto_on(account_id: int, cause: str) -> str:
    """Why an account must not go just now, "" when it may."""
    return next((why for veto in _vetoes if (why := veto(account_id, cause))), "")


def register_owner(owns: Callable[[int, Any], None]) -> None:
    """Call `owns(account_id, user)` when somebody becomes the owner of an account.

    In its scope and transaction: as it is opened, taken over from its vault, handed over by a partner, or given
    to another administrator.
    """
    _owners.append(owns)


def tell_owner(account_id: int, user: Any) -> None:
    """Let every app begin what the owner of an account has from the start."""
    for owns in _owners:
        owns(account_id, user)


def register_leaver(left: Callable[[int, Any], None]) -> None:
    """Call `left(account_id, user)` when somebody is taken out of an account, in its scope and transaction."""
    _leavers.append(left)


def tell_leavers(account_id: int, user: Any) -> None:
    """Let every app forget who does not belong to the account any more."""
    for left in _leavers:
        left(account_id, user)


def register_mover(moved: Callable[[int, Any, str], None]) -> None:
    """Call `moved(account_id, user, old)` when somebody of an account has another address than `old` now."""
    _movers.append(moved)


def tell_movers(account_id: int, user: Any, old: str) -> None:
    """Let every app follow a person to their new address, in the account's scope and transaction."""
    for moved in _movers:
        moved(account_id, user, old)


def register_standings(standings: Callable[[Collection[int]], Mapping[int, Standing]]) -> None:
    """Tell how the backups of some accounts stand, in one query; called where just these may be read."""
    _standings[:] = [standings]


def standings_of(account_ids: Collection[int]) -> Mapping[int, Standing]:
    """How their backups stand; an account without backups is not in it."""
    return _standings[0](account_ids) if _standings and account_ids else {}


def register_linked(**models: type[AccountModel]) -> None:
    """Say which rows addresses name: `task_id=BackupTask`. Their `sight` must tell who sees them."""
    _linked.update(models)


def linked() -> Mapping[str, type[AccountModel]]:
    """Models by the name that addresses give to their public id."""
    return _linked
