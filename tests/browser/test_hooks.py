"""Hooks of a task as an administrator keeps them: added, heard before and after a round, paused, deleted."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from apps.backups import tick
from apps.backups.enums import Verdict
from apps.backups.hooks.rounds import end_hook_rounds
from apps.backups.models import BackupTask, Entity
from apps.core import clock
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_protected, make_run, make_task
from tests.backups.test_hooks import deliver, look
from tests.browser.rig import Visit
from tests.cast import Cast, prove_again
from tests.listener import Listener

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listener(settings: Any) -> Iterator[Listener]:
    """A server of the customer's, which this machine may be asked to reach."""
    settings.HOOK_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    with Listener() as made:
        yield made


@pytest.fixture
def task(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> BackupTask:
    """A task with one mailbox that is due; no worker fetches it."""
    monkeypatch.setattr(tick.current_app, "send_task", lambda *_, **__: None)
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account), name="Mail and calendars")
        make_protected(task, "Bob Smith", next_run_at=clock.now() - timedelta(minutes=1))
        return task


def add(visit: Visit, moment: str, url: str, *, waits: bool = False) -> str:
    """Fill in the form and return the secret, which is shown this once."""
    page = visit.page
    page.get_by_label("When").select_option(moment)
    page.get_by_label("Address").fill(url)
    page.get_by_label("wait for its yes").set_checked(waits)
    page.get_by_role("button", name="Add the hook").click()
    expect(page.get_by_role("row", name=url)).to_contain_text(moment)
    return page.locator("#secret").inner_text()


def back_up(task: BackupTask) -> None:
    """A round from its first question to what is told at its end."""
    look(clock.now())
    deliver(clock.now())
    look(clock.now())
    bob = Entity.objects.get()
    make_run(bob, verdict=Verdict.SUCCESS, trigger="schedule", started_at=clock.now())
    Entity.objects.update(next_run_at=clock.now() + timedelta(days=1), lease_owner="", lease_until=None)
    end_hook_rounds(task)
    deliver(clock.now())


def is_signed(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Check a request as docs/hooks.md tells customers to."""
    said = dict(part.split("=", 1) for part in headers["X-Everkeep-Signature"].split(","))
    wanted = hmac.new(secret.encode(), said["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return said["v1"] == wanted


def test_hooks_are_added_heard_before_and_after_a_round_paused_and_deleted(
    visit: Visit, cast: Cast, task: BackupTask, listener: Listener
) -> None:
    page, client = visit.page, Client()
    before, after = f"{listener.url}&round=before", f"{listener.url}&round=after"
    client.force_login(cast.owner)
    prove_again(client)
    visit.sign_in_as(client)
    visit.open(reverse("task_hooks", args=[task.public_id]))
    expect(page.get_by_text("No hooks.")).to_be_visible()
    secrets = [
        add(visit, "Before a round", before, waits=True),
        add(visit, "After a round", after),
    ]
    with account_scope(cast.account.pk):
        back_up(task)
    asked, told = ((json.loads(body)["event"], headers, body) for headers, body in listener.got)
    assert (asked[0], told[0]) == ("round.before", "round.after")
    assert is_signed(secrets[0], *asked[1:]) and is_signed(secrets[1], *told[1:])

    visit.open(reverse("task_hooks", args=[task.public_id]))
    log = page.get_by_role("region", name="Requests")
    expect(log.get_by_text("Answered 200.")).to_have_count(2)
    visit.check("hooks")
    page.get_by_role("button", name=f"Try {after}").click()
    expect(log.get_by_role("row", name="A try")).to_contain_text("None yet")
    with account_scope(cast.account.pk):
        deliver(clock.now())
    expect(log.get_by_role("row", name="A try")).to_contain_text("Answered 200.", timeout=15_000)

    page.get_by_role("link", name=before).click()
    page.get_by_label("In force").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Hook saved.")).to_be_visible()
    expect(page.get_by_role("row", name=before).first).to_contain_text("Paused")
    page.get_by_role("button", name=f"Delete {after}").click()
    expect(page.get_by_role("dialog", name="Delete this hook?")).to_contain_text(after)
    page.get_by_role("button", name="Delete the hook").click()
    expect(page.get_by_text("The hook is deleted.")).to_be_visible()
    expect(page.get_by_role("link", name=after)).to_have_count(0)
    expect(page.get_by_role("link", name=before)).to_be_visible()
    with account_scope(cast.account.pk):
        Entity.objects.update(next_run_at=clock.now() - timedelta(minutes=1))
        back_up(task)
    assert len(listener.got) == 3, "one is paused and one is gone: nobody hears of this round"
    assert visit.complaints == []
