"""A report as a letter."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.core import signing
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.core.errors import NotFound
from apps.core.sight import sight_key
from apps.notifications.letters import Attachment, Letter, whole_address

from ..enums import ReportWay
from ..models import Report
from .paper import Paper, paper_of, table_name, table_of
from .timing import wall

VALID_FOR: Final = timedelta(days=7)
LARGEST: Final = 1_000_000
"""A longer table than these bytes is not attached: mailboxes refuse such mails. The link has all of it."""
_SALT: Final = "everkeep.backups.report"
KIND: Final = "summary"


def letters_of(report: Report) -> Callable[[], Letter | None]:
    """What writes the report to each reader: in their own sight, made once for all who see the same.

    Nothing is written where nothing is wrong and only failures are wanted.
    """
    made: dict[str, Letter | None] = {}

    def letter() -> Letter | None:
        key = sight_key()
        if key not in made:
            made[key] = letter_of(report)
        return made[key]

    return letter


def letter_of(report: Report) -> Letter | None:
    """The report to the actor in force, if there is anything to tell them."""
    paper = paper_of(report)
    if paper is None or (report.only_failures and not paper.is_trouble):
        return None
    table = _attached(report)
    link = "" if table else link_of(report)
    return Letter(
        "backup_report",
        context_of(paper) | {"attached": bool(table)},
        link=link or paper.page,
        link_words=_("Download the table") if link else _("Open it in Everkeep"),
        attachments=[table] if table else [],
        facts=facts_of(paper),
        service=report.task.service if report.task else "",
        entity_id=report.entity.public_id if report.entity else None,
        task_id=report.task.public_id if report.task else None,
    )


def context_of(paper: Paper) -> dict[str, Any]:
    """What the template of the letter says."""
    report = paper.report
    return {
        "paper": paper,
        "since": wall(report.since, report.zone),
        "until": wall(report.until, report.zone),
        "zone": report.zone,
        "days": VALID_FOR.days,
        "warned": [(each.words, whole_address(each.url)) for each in paper.warned],
    }


def facts_of(paper: Paper) -> dict[str, Any]:
    """The same for programs."""
    report = paper.report
    return {
        "report": str(report.public_id),
        "format": report.format,
        "since": report.since.isoformat(),
        "until": report.until.isoformat(),
        "standing": paper.tone.value,
        "needs_attention": paper.is_trouble,
        "warnings": [
            {"words": each.words, "count": each.number, "link": whole_address(each.url)}
            for each in paper.warned
        ],
        "tasks": [
            {
                "id": str(line.task.public_id),
                "name": line.name,
                "standing": line.tone.value,
                "reasons": list(line.said),
                "mailboxes": line.total.total,
                "active": line.total.active,
                "by_status": dict(line.total.by_word),
                "with_open_gaps": line.open_gaps,
            }
            for line in paper.lines
        ],
    }


def link_of(report: Report) -> str:
    """Where the table is fetched. It opens nothing by itself: whoever follows it signs in."""
    return reverse("report_file", args=[signing.dumps(str(report.public_id), salt=_SALT)])


def read_link(token: str) -> str:
    """The report's public id. Raises NotFound for a forged or outdated link."""
    try:
        return str(signing.loads(token, salt=_SALT, max_age=VALID_FOR))
    except signing.BadSignature:
        raise NotFound(
            f"This link is not valid, or older than {VALID_FOR.days} days.",
            do="Open the newest report, or the usage report on the page of a backup task.",
        ) from None


def _attached(report: Report) -> Attachment | None:
    if report.way != ReportWay.ATTACHED:
        return None
    parts, size = [], 0
    for line in table_of(report):
        parts.append(data := line.encode())
        size += len(data)
        if size > LARGEST:
            return None
    return Attachment(table_name(report.until, report.format), "text/csv", b"".join(parts))
