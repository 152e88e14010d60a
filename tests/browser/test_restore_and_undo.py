"""Plan, confirm, report and undo of a whole mailbox, and the wizard for deleted ones, as a person sees them.

The cloud is the sandbox. The jobs are done for real, in a thread of their own: Playwright has this one.
"""

import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core import mail
from django.db import connections
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from apps.backups.models import Entity, Snapshot
from apps.jobs.models import Job
from apps.recovery.models import Plan
from apps.recovery.restore.plan import plan_make
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import Cast
from tests.recovery.conftest import Office, cloud, office  # noqa: F401
from tests.recovery.test_restore_kinds import change, seed

Apart = Callable[..., Any]


@pytest.fixture(autouse=True)
def kinds() -> None:
    """Back up every kind."""


@pytest.fixture
def apart() -> Iterator[Apart]:
    """Do something in a thread without a loop, as the person in force."""
    with ThreadPoolExecutor(1) as pool:

        def do(what: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
            return pool.submit(contextvars.copy_context().run, what, *arguments, **named).result(120)

        yield do
        pool.submit(connections.close_all).result(10)


@pytest.fixture
def rita(cast: Cast, office: Office, visit: Visit, monkeypatch: Any) -> Visit:  # noqa: F811
    for views in ("restore", "lost"):
        monkeypatch.setattr(f"apps.recovery.views.{views}.make_plan.after_commit", lambda **_: None)
    client = Client()
    client.force_login(cast.restorer)
    visit.sign_in_as(client)
    return visit


def make_plans() -> None:
    for plan in Plan.objects.filter(state="making"):
        plan_make(plan=plan)


def work_all(office: Office) -> None:  # noqa: F811
    for job in Job.objects.filter(state="pending"):
        office.work(job)


def days(office: Office) -> Snapshot:  # noqa: F811
    """A backup, and what people did since."""
    seed(office)
    snapshot = office.back_up()
    change(office, snapshot)
    return snapshot


def test_a_mailbox_is_put_back_as_it_was_and_the_restore_is_undone(
    rita: Visit,
    office: Office,  # noqa: F811
    apart: Apart,
) -> None:
    snapshot, page = apart(days, office), rita.page
    rita.open(reverse("recovery_entity", args=[office.bob.public_id]))
    page.get_by_role("link", name="Full mailbox").click()
    page.get_by_role("button", name="Restore…").click()
    page.get_by_label("Replace it").check()
    picture(rita, "recover-options")
    page.get_by_role("button", name="Make the plan").click()
    expect(page.get_by_text("Looking at")).to_be_visible()
    apart(make_plans)
    expect(page.get_by_role("heading", name="What overwriting changes")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("row", name="Calendars: Standup")).to_contain_text("Edited since")
    rita.check("restore-plan-samples")
    picture(rita, "recover-plan")
    page.get_by_label("Yes, overwrite").check()
    page.get_by_role("button", name="Restore now").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Restore")
    apart(work_all, office)
    page.reload()
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    rita.check("restore-report")
    picture(rita, "recover-report")
    page.get_by_role("button", name="Undo this restore…").click()
    page.get_by_role("button", name="Undo the restore").click()
    expect(page.get_by_text("The restore that is taken back")).to_be_visible()
    apart(work_all, office)
    page.reload()
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    rita.check("restore-undone")
    assert snapshot.entity_id == office.bob.pk


def test_a_deleted_mailbox_comes_back_inside_a_living_one(
    rita: Visit,
    office: Office,  # noqa: F811
    apart: Apart,
) -> None:
    apart(days, office)
    page, address = rita.page, f"heir@{office.cloud.domain}"
    apart(office.cloud.add_user, address)
    apart(office.mailbox, address)
    Entity.objects.filter(pk=office.bob.pk).update(reachable=False)
    rita.open(reverse("recovery_lost"))
    page.get_by_role("checkbox", name=office.bob.name).check()
    expect(page.get_by_text("1 mailbox selected")).to_be_visible()
    rita.check("lost-choose")
    page.get_by_role("button", name="Day and mailbox").click()
    rita.arrive()
    page.get_by_role("searchbox", name="Mailbox for").press_sequentially("heir")
    page.get_by_role("radio", name=f"heir {address}").check()
    rita.check("lost-selected")
    picture(rita, "recover-deleted")
    page.get_by_role("button", name="Make the plans").click()
    expect(page.get_by_role("button", name="Make the plans")).to_have_count(0)
    apart(make_plans)
    expect(page.get_by_role("button", name="Restore 1 mailbox")).to_be_visible(timeout=30_000)
    rita.check("lost-plans")
    page.get_by_role("button", name="Restore 1 mailbox").click()
    expect(page.get_by_role("button", name="Restore 1 mailbox")).to_have_count(0)
    apart(work_all, office)
    assert Job.objects.get(kind="restore").state == "succeeded"
    found = apart(office.cloud.export, address)["folders"]
    assert any(each["path"].endswith(f"{office.bob.name} (Restored)") for each in found)
    assert mail.outbox[-1].subject == f"Restore of {office.bob.name} is done"
    assert "Restored and read back" in str(mail.outbox[-1].body)
