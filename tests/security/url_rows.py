"""How a row of `url_table.py` is written, and what follows for those whom it does not name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.security.url_objects import (
    Args,
    a_draft,
    a_job,
    a_rule,
    a_run,
    a_task,
    a_way_to_activate,
    an_entity,
    nothing,
)
from tests.security.url_objects_recovery import (
    a_backup,
    a_contact,
    a_drill,
    a_message,
    a_plan,
    a_point,
    an_attachment,
    an_export,
    an_export_link,
    an_export_part,
)

TYPED = ("anonymous", "owner", "operator", "restorer", "viewer", "finance", "stranger")
PEOPLE = (*TYPED, "custom", "both", "invited", "partner", "staff")


@dataclass(frozen=True)
class Row:
    """One address and the status for each of PEOPLE."""

    statuses: Mapping[str, int]
    args: Args
    data: Mapping[str, Any] | None

    def expected(self, person: str) -> int:
        return self.statuses[person] if person in self.statuses else self._follows(person)

    def _follows(self, person: str) -> int:
        """`both` looks, as the viewer does. `invited`, `partner` and `staff` have no account of
        their own, and the latter have entered none, so member pages are closed to them.

        `custom` has the restorer's rights, but no sight of Exchange, where all these objects belong.
        """
        if person in ("partner", "staff") and "invited" in self.statuses:
            return self.statuses["invited"]
        if person in ("invited", "partner", "staff"):
            members_only = self.statuses["anonymous"] in (302, 401)
            return 403 if members_only else self.statuses["stranger"]
        if person == "both":
            return self.statuses["viewer"]
        may = self.statuses["restorer"]
        return 404 if (may < 400 or may == 409) and self.args in EXCHANGE else may


EXCHANGE = (
    a_job, a_task, an_entity, a_run, a_drill, a_backup, a_point, a_message, a_contact, an_attachment, a_plan,
    an_export, an_export_part, an_export_link, a_rule, a_draft, a_way_to_activate,
)  # fmt: skip
"""What makes an object of Microsoft Exchange."""


def row(*statuses: int, args: Args = nothing, data: Mapping[str, Any] | None = None, **others: int) -> Row:
    assert len(statuses) == len(TYPED), TYPED
    return Row({**dict(zip(TYPED, statuses, strict=True)), **others}, args, data)


def everybody(
    status: int = 200, args: Args = nothing, data: Mapping[str, Any] | None = None, **others: int
) -> Row:
    return row(*[status] * len(TYPED), args=args, data=data, **others)


def members(args: Args = nothing, **others: int) -> Row:
    """A page of one's own account, whatever one may do there."""
    statuses = dict(zip(TYPED, (302, *[200] * 6), strict=True))
    return Row({**statuses, **others}, args, None)


# A person's own sign-in is there also for who works for a partner or the platform, in no account; staff, who
# must have a second factor, are sent to set one up before anything else.
OWN: Mapping[str, int] = {"partner": 302, "staff": 302}


def api(*others: int, args: Args = nothing, data: Mapping[str, Any] | None = None, **more: int) -> Row:
    """A route of the API: the anonymous is told 401, a body is JSON."""
    return row(401, *others, args=args, data=data, **more)


def entrance(args: Args = nothing) -> Row:
    """A page for who is signed out; who is signed in is sent home."""
    return row(200, 302, 302, 302, 302, 302, 302, args=args)
