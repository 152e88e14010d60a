"""A job of Olivia's with some items, and a way to run it with a handler of the test's own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from apps.accounts.models import User
from apps.core.actor import Actor, acting_as
from apps.core.scope import account_scope
from apps.jobs import registry, runner
from apps.jobs.base import Handler, NewItem
from apps.jobs.enums import JobKind
from apps.jobs.models import Job
from apps.jobs.services import job_create
from tests.cast import Cast


@contextmanager
def signed_in(person: User) -> Iterator[None]:
    """Act as this person, with the rights of their role, in their account."""
    membership = person.memberships.get()
    actor = Actor("user", str(person), person.pk, membership.permissions, services=membership.seen_services)
    with account_scope(membership.account_id), acting_as(actor):
        yield


def new_job(person: User, items: int = 5, **fields: object) -> Job:
    with signed_in(person):
        return job_create(
            kind=JobKind.RESTORE,
            items=(NewItem(f"k{n}", f"Mail {n}", "Inbox", size=100) for n in range(items)),
            service="exchange",
            task_label="Mail and calendars",
            entity_label="bob.smith",
            **fields,  # type: ignore[arg-type]
        )


@pytest.fixture
def job(cast: Cast) -> Job:
    return new_job(cast.owner)


@pytest.fixture
def run(cast: Cast) -> Iterator[Callable[[Job, Handler], str]]:
    """Run a job as a worker would, with this handler."""

    def _run(job: Job, handler: Handler) -> str:
        registry.register(job.kind, handler)
        with account_scope(job.account_id):
            try:
                return runner.run(job.pk)
            finally:
                job.refresh_from_db()

    before = dict(registry._kinds)
    yield _run
    registry._kinds.clear()
    registry._kinds.update(before)
