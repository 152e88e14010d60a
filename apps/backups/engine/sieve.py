"""What a run leaves out by rule: the rule, with the folders and sizes as earlier runs saw them."""

from ..catalog import Draft
from ..exclusions import Exclusions, Sieve
from ..models import Snapshot
from .issues import sizes_seen


def sieve(draft: Draft, before: Snapshot | None, rule: Exclusions) -> Sieve:
    """Make the sieve of one kind of data. What it does not ask for is not read."""
    folders = dict[str, tuple[str, str | None]]()
    if rule.folders:
        rows = draft.rows().filter(is_folder=True, gone__isnull=True).order_by("first")
        for remote_id, name, parent_id in rows.values_list("remote_id", "name", "parent_id"):
            folders[remote_id] = (name, parent_id)
    return Sieve(rule, folders, {} if rule.larger_than is None else sizes_seen(draft, before))
