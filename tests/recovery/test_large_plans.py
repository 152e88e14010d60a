"""A plan of more than two thousand items of a kind looks at each of them, and what then differs is said."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.forms.models import model_to_dict

from apps.backups.models import Entity, NodeVersion
from apps.backups.models.catalog import hash_of
from apps.connectors.base import EntityRef, Upsert
from apps.connectors.enums import EntityKind
from apps.connectors.writing import Listing
from apps.core.scope import account_scope
from apps.jobs.enums import ItemOutcome
from apps.jobs.models import JobItem
from apps.recovery.restore import plan as planning
from apps.recovery.restore.plan import plan_make, plan_start
from apps.recovery.restore.report import drift
from apps.recovery.restore.target import Target
from tests.cast import Cast
from tests.recovery.factories import Mailbox, make_entity, make_plan

pytestmark = [pytest.mark.django_db, pytest.mark.database]


class Live:
    """A mailbox of one folder that holds all but the first forty; asked for one item at a time."""

    def __init__(self, many: int) -> None:
        self.there = {f"item{number}" for number in range(40, many)}

    async def folders(self) -> list[Upsert]:
        return [Upsert("place", None, True, "Contacts", "", b"")]

    async def missing(self, _: Any) -> list[str]:
        return []

    async def find_existing(self, _: str, items: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        return {each: each for each, _ in items if each in self.there}

    def items(self, *_: Any) -> "Live":
        return self


class LiveMail(Live):
    """One whose folder can be read at once, and is not asked for single items then."""

    async def find_existing(self, _: str, items: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        assert len(items) < 200, "a listed folder answers this"
        return await super().find_existing("", items)

    async def list_folder(self, _: str) -> Listing:
        return Listing(dict.fromkeys(self.there, "etag"), {})

    def find_listed(self, listing: Listing, items: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        return {each: each for each, _ in items if each in listing.etags}


def fill(box: Mailbox, many: int) -> None:
    box.folder("place", "Contacts")
    box.item("item0", "place", props=b"{}", etag="etag", size=1)
    like = model_to_dict(box.live["item0"], exclude=["id", "remote_id", "remote_hash"])
    like["props"] = b"{}"  # forms leave bytes out
    names = [f"item{number}" for number in range(1, many)]
    rows = [NodeVersion(**like, remote_id=each, remote_hash=hash_of(each)) for each in names]
    NodeVersion.objects.bulk_create(rows, batch_size=500)
    box.live |= dict(zip(names, rows, strict=True))


@pytest.mark.parametrize(("kind", "live", "many"), [("contacts", Live, 2_050), ("mail", LiveMail, 450)])
def test_every_item_of_a_large_plan_is_looked_up_and_drift_is_said(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, kind: str, live: type[Live], many: int
) -> None:
    there = live(many)

    @contextmanager
    def fake(_: Entity) -> Iterator[Target]:
        with asyncio.Runner() as runner:
            yield Target(there, there, EntityRef("bob", EntityKind.USER_MAILBOX, "bob"), runner)  # type: ignore[arg-type]

    monkeypatch.setattr(planning, "open_target", fake)
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity(), kind)
        fill(box, many)
        plan = plan_make(plan=make_plan(box.day(), mode="skip", user_id=cast.owner.pk))
        assert (plan.state, plan.total("create"), plan.total("skip")) == ("ready", 40, many - 40), plan.message
        job = plan_start(plan=plan)
        rows = JobItem.objects.filter(job=job)
        few = list(rows.values_list("pk", flat=True)[:40])
        rows.filter(pk__in=few).update(outcome=ItemOutcome.DONE)
        rows.exclude(pk__in=few).update(outcome=ItemOutcome.SKIPPED)
        assert drift(plan, job) == []
        rows.filter(pk__in=few[:10]).update(outcome=ItemOutcome.SKIPPED)
        assert drift(plan, job) == [
            "40 planned to be restored, 30 were.",
            f"{many - 40:,} planned to be skipped, {many - 30:,} were.",
        ]
