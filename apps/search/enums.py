"""Words of search."""

from enum import StrEnum


class Order(StrEnum):
    """Orders of results; those of equal rank have the newest first."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"
