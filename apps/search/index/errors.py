"""What can go wrong with an index. The truth is in catalog and vault: an index can always be made anew."""

from apps.core.errors import EverkeepError, InvalidRequest


class IndexTrouble(EverkeepError):
    """Base: the index cannot do its part."""

    code, status = "search_index_error", 503


class IndexDamaged(IndexTrouble):
    """A file of the index is missing, cut off or altered. It is built again from the vault."""

    code = "search_index_damaged"


class IndexKeyWrong(IndexTrouble):
    """The file is whole, but was sealed under another key."""

    code = "search_index_key"


class IndexOutdated(IndexTrouble):
    """The index was built by another version of the schema. It is built again from the vault."""

    code = "search_index_outdated"


class IndexBusy(IndexTrouble):
    """Another writer has the index."""

    code = "search_index_busy"


class PatternRefused(InvalidRequest):
    """A word with `*` or `?` of which too little is known to look for it, or with too many of them."""

    code = "search_pattern"


class QueryRefused(InvalidRequest):
    """A query that the index cannot be asked: too large, or with names that nobody looked up."""

    code = "search_query"


class CursorUnreadable(InvalidRequest):
    """What says where the next page begins is not ours, or of another order."""

    code = "search_cursor"
