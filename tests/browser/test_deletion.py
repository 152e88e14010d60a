"""Deleting backups as an administrator does it: the countdown, the way back, a whole task, and two people."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from apps.accounts.enums import Role
from apps.accounts.models import Account, Approval, Membership
from apps.backups.enums import Verdict
from apps.backups.models import BackupTask, Entity
from apps.core import clock
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_protected, make_run, make_snapshot, make_task
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import Cast, member, prove_again

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(visit: Visit, user: object) -> Visit:
    """This person at the browser, who has just proved who they are."""
    cache.clear()
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    prove_again(client)
    visit.sign_in_as(client)
    return visit


@pytest.fixture
def task(cast: Cast) -> BackupTask:
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account), name="Mail and calendars")
        agata = make_protected(task, "Agata Brown", items=18204, size=3_910_000_000)
        bob = make_protected(task, "Bob Smith", items=8008, size=6_580_000_000)
        for box in (agata, bob):
            for number in range(1, 31):
                make_snapshot(make_run(box, verdict=Verdict.SUCCESS), number)
        return task


def test_a_mailbox_counts_down_and_comes_back_and_a_task_goes(
    visit: Visit, cast: Cast, task: BackupTask
) -> None:
    olivia, page = signed_in(visit, cast.owner), visit.page
    with account_scope(cast.account.pk):
        bob = Entity.objects.get(name="Bob Smith")
    olivia.open(reverse("entity", args=[bob.public_id]))
    page.get_by_role("link", name="Delete the backups of Bob Smith").click()
    page.get_by_label("Type Bob Smith").fill("Bob Smith")
    picture(olivia, "delete-question")
    olivia.check("delete-question")
    page.get_by_role("button", name="Delete after 7 days").click()
    expect(page.get_by_text("Delete Bob Smith of Mail and calendars: 6 days")).to_be_visible()
    olivia.check("delete-counting")
    olivia.open("/")
    picture(olivia, "delete-countdown")
    olivia.check("delete-countdown")
    page.get_by_role("button", name="Take back: Delete Bob Smith of Mail and calendars").click()
    expect(page.get_by_text("all is as it was")).to_be_visible()

    olivia.open(reverse("task", args=[task.public_id]))
    page.get_by_label("Select all mailboxes on this page").check()
    page.get_by_role("group", name="Selected mailboxes").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("region", name="What goes").get_by_role("listitem")).to_have_count(2)
    page.get_by_role("link", name="Cancel").click()

    page.get_by_role("link", name="Task settings").click()
    page.get_by_role("link", name="Delete this task").click()
    expect(page.get_by_text("2 mailboxes")).to_be_visible()
    page.get_by_label("Type Mail and calendars").fill("mail and calendars")
    page.get_by_role("button", name="Delete after 7 days").click()
    olivia.open(reverse("deletions"))
    expect(page.get_by_text("Delete the backup task Mail and calendars with 2 mailboxes")).to_be_visible()
    olivia.check("deletions")


def test_two_people_delete(visit: Visit, cast: Cast, task: BackupTask) -> None:
    anna = member(cast.account, "anna@pizza-perfecto.example", Role.ADMINISTRATOR, name="Anna Ace")
    Membership.objects.filter(user=anna).update(standing_since=clock.now() - timedelta(days=30))
    Account.objects.filter(pk=cast.account.pk).update(two_person=True)
    olivia, page = signed_in(visit, cast.owner), visit.page
    olivia.open(reverse("task_delete", args=[task.public_id]))
    page.get_by_label("Type Mail and calendars").fill("Mail and calendars")
    page.get_by_role("button", name="Propose the deletion").click()
    expect(page.get_by_text("Another administrator may approve it")).to_be_visible()
    Approval._base_manager.update(opens_at=clock.now())
    signed_in(visit, anna)
    visit.open(reverse("approvals"))
    picture(visit, "delete-approve")
    visit.check("approvals")
    page.get_by_role("button", name="Approve").click()
    visit.open(reverse("task", args=[task.public_id]))
    expect(page.get_by_text("Ordered by Olivia Romano")).to_be_visible()
