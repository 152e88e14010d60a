"""`manage.py vault gc`: what the operator sees of garbage collection."""

from argparse import ArgumentParser
from collections.abc import Callable

from apps.core.scope import account_scope

from ..enums import GcState
from ..errors import VaultError
from ..models import GcRound
from .rounds import collect, rehearsal
from .rules import GRACE, surprises


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options of `vault gc`."""
    parser.add_argument("--account", default="", help="public id of one account; all when left out")
    parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")
    parser.add_argument("--yes-really", action="store_true", help="go on over surprising numbers (V16)")


def run(account_id: int, say: Callable[[str], object], *, dry_run: bool, yes_really: bool) -> bool:
    """Collect in one account and say in lines what came of it. False when it could not be done."""
    try:
        with account_scope(account_id):
            lines = _rehearse(account_id) if dry_run else _collect(account_id, yes_really)
        for line in lines:
            say(line)
    except VaultError as error:
        say(str(error))
        return False
    return True


def _rehearse(account_id: int) -> list[str]:
    found = rehearsal(account_id)
    return [
        f"{found.blobs} blobs in {found.packs} packs: {found.live} referenced, {found.dead} would be marked.",
        f"{found.lost} referenced blobs are not recorded, {found.orphans} packs are orphans.",
        *(f"Surprising: {words}." for words in surprises(found)),
    ]


def _collect(account_id: int, yes_really: bool) -> list[str]:
    before = GcRound.objects.order_by("-pk").first()
    freed = before.freed_bytes if before else 0
    done = collect(account_id, now=True, forced=yes_really)
    assert done is not None
    again = before is not None and done.pk == before.pk
    lines = [_state(done)]
    if again and done.freed_bytes > freed:
        lines.append(f"{done.freed_bytes - freed} bytes freed.")
    if done.locked:
        lines.append(f"{done.locked} packs are protected by Object Lock and wait.")
    if done.damaged:
        lines.append(f"{done.damaged} packs are damaged and were left for the repair.")
    return lines


def _state(done: GcRound) -> str:
    if done.state == GcState.MARKED and done.marked_at:
        after = done.marked_at + GRACE
        return (
            f"{done.condemned} of {done.blobs} blobs are marked;"
            f" they go after {after:%Y-%m-%d %H:%M} UTC if still unused."
        )
    return (
        f"{done.get_state_display()}: {done.removed} blobs ({done.removed_bytes} bytes) removed,"
        f" {done.rewritten} packs emptied."
    )
