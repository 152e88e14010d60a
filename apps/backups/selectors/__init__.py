"""Reads of backups, by page. Import them from here."""

from ..service_list import Nouns, ServiceChoice, built_service, icon_of, nouns_of, service_families
from .chart import Chart, chart_of
from .history import (
    coverage_of,
    days_of,
    issue_page,
    last_snapshots,
    run_page,
    running_run,
    took_words,
)
from .ledger import CSV_HEADER, Ledger, gap_groups, gaps_of, gaps_of_task, ledger_of, ledger_rows
from .lists import (
    Counters,
    Filters,
    Page,
    Row,
    chosen,
    counters,
    entity_page,
    matching,
    progress_words,
    uuid_of,
)
from .nights import nights_of_tasks
from .status import LIVE, Word, status_word, word_of
from .tasks import TaskCard, is_sample, suggested_name, task_cards, usable_connections

__all__ = [
    "CSV_HEADER",
    "LIVE",
    "Chart",
    "Counters",
    "Filters",
    "Ledger",
    "Nouns",
    "Page",
    "Row",
    "ServiceChoice",
    "TaskCard",
    "Word",
    "built_service",
    "chart_of",
    "chosen",
    "counters",
    "coverage_of",
    "days_of",
    "entity_page",
    "gap_groups",
    "gaps_of",
    "gaps_of_task",
    "icon_of",
    "is_sample",
    "issue_page",
    "last_snapshots",
    "ledger_of",
    "ledger_rows",
    "matching",
    "nights_of_tasks",
    "nouns_of",
    "progress_words",
    "run_page",
    "running_run",
    "service_families",
    "status_word",
    "suggested_name",
    "task_cards",
    "took_words",
    "usable_connections",
    "uuid_of",
    "word_of",
]
