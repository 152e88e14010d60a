"""What people type into the search boxes of pages."""

from django.http import QueryDict


def typed(query: QueryDict | dict[str, str], key: str = "q", *, most: int = 100) -> str:
    """Return the letters to look for, without the NUL that PostgreSQL takes in no question."""
    return str(query.get(key, "")).replace("\0", "").strip()[:most]
