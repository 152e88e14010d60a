"""What can go wrong while an index is made. Of the index itself: `index/errors.py`."""

from apps.core.errors import EverkeepError


class IndexLeaseLost(EverkeepError):
    """Another process has the index of this account now."""

    code, status = "search_index_lease", 503
