"""What a run leaves out by rule: the rule, with the folders as the catalog knows them."""

from ..catalog import Draft
from ..exclusions import Exclusions, Sieve


def sieve(draft: Draft, rule: Exclusions) -> Sieve:
    """Make the sieve of one kind of data. Folders are read only where the rule asks for them."""
    folders = dict[str, tuple[str, str | None]]()
    if rule.folders:
        rows = draft.rows().filter(is_folder=True, gone__isnull=True).order_by("first")
        for remote_id, name, parent_id in rows.values_list("remote_id", "name", "parent_id"):
            folders[remote_id] = (name, parent_id)
    return Sieve(rule, folders)
