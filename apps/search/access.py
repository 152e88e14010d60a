"""From what a request asks to what was found."""

from django.http import QueryDict

from apps.backups.selectors.lives import Lived
from apps.core.scope import current_account_id

from .asked import Asked
from .pages import all_of, searched


def everything_found(data: QueryDict) -> list[Lived]:
    """Return all that answers what a form asks. Raises QueryProblem, InvalidRequest when it is too much."""
    return all_of(searched(current_account_id(), Asked.of(data)))
