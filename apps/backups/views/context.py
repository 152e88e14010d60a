"""What the templates of a task's pages need, gathered once."""

from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from apps.connectors.enums import ConnectionState, Service
from apps.core.permissions import Permission, allowed

from .. import selectors
from ..models import BackupTask
from ..task_tabs import tabs_of


def rights() -> dict[str, bool]:
    """Which controls to show; the locks are in services and doors."""
    names = ("ACTIVATE", "EXECUTE", "PAUSE", "CANCEL", "MODIFY", "DELETE", "LIMITED_ACCESS")
    return {name.lower(): allowed(Permission[name]) for name in names}


def task_head(task: BackupTask, current: str) -> dict[str, Any]:
    """Title, connection, tabs and crumbs that all pages of a task share."""
    nouns = selectors.nouns_of(task.service)
    return {
        "task": task,
        "nouns": nouns,
        "can": rights(),
        "service_label": Service(task.service).label,
        "connection": task.connection,
        "connected": task.connection.state == ConnectionState.CONNECTED,
        "is_sample": selectors.is_sample(task.connection),
        "reconnect_url": _reconnect_url(task) if allowed(Permission.MODIFY) else "",
        "current": current,
        "task_tabs": tabs_of(task, current),
        "area": "home",
        "crumbs": [{"words": "Home", "url": reverse("home")}, {"words": task.name, "url": ""}],
    }


def _reconnect_url(task: BackupTask) -> str:
    """Where the organisation is authenticated again, in place; it leads back to the task."""
    back = urlencode({"next": reverse("task", args=[task.public_id])})
    return f"{reverse('connection', args=[task.connection.public_id])}?{back}"


def task_context(task: BackupTask, query: QueryDict) -> dict[str, Any]:
    """The list of mailboxes with its filters, counters and pages."""
    filters = selectors.Filters.from_query(query)
    page = selectors.entity_page(task, filters, after=query.get("after", ""), before=query.get("before", ""))
    total = selectors.counters(task, filters, page)
    address = reverse("task", args=[task.public_id])
    return {
        **task_head(task, "list"),
        "filters": filters,
        "page": page,
        "total": total,
        "words": list(selectors.Word),
        "columns": selectors.columns_of(task.service),
        "licences": selectors.has_licences(task.service),
        "tags": selectors.tag_list(),
        "query": _place(query),
        "live": page.is_live or task.is_discovering,
        "new_lately": selectors.new_lately(task),
        "previous_url": _page_url(address, filters, "before", page.previous),
        "next_url": _page_url(address, filters, "after", page.next),
        "several_pages": bool(page.previous or page.next),
        "sentence": _sentence(len(page.rows), total),
    }


def _place(query: QueryDict) -> str:
    """Filters and page of this address, without what only a live request carries."""
    kept = query.copy()
    kept.pop("shown", None)
    return kept.urlencode()


def _sentence(shown: int, total: selectors.Counters) -> str:
    """ "50 of 240 shown", and how many the filter hides."""
    hidden = total.total - total.matching
    words = f"{shown:,} of {total.matching:,} shown"
    return f"{words}, {hidden:,} hidden by the filter" if hidden else words


def _page_url(address: str, filters: selectors.Filters, side: str, public_id: str) -> str:
    if not public_id:
        return ""
    return f"{address}?{filters.query}{'&' if filters else ''}{side}={public_id}"
