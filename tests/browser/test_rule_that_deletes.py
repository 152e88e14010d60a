"""A rule that deletes who left a group: seen first, let go by two people, told in its history."""

from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.accounts.enums import Role
from apps.accounts.models import Account, Approval, User
from apps.activation import directory, evaluate, services, tasks
from apps.activation.models import Rule
from apps.backups.models import BackupTask, Entity
from apps.connectors.base import FoundGroup
from apps.core import clock
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_mailbox, make_task
from tests.browser.rig import Visit
from tests.browser.test_deletion import signed_in
from tests.cast import Cast, member

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Who belongs to the group Bakers, as Microsoft would say."""
    found = {f"id-baker.{number:02}" for number in range(12)}
    monkeypatch.setattr(directory, "all_groups", lambda connection: [FoundGroup("g1", "Bakers", "Team")])
    monkeypatch.setattr(services, "members_of", lambda connection, chosen: set(found))
    monkeypatch.setattr(evaluate, "members_of", lambda connection, chosen: set(found))
    monkeypatch.setattr(tasks.follow_rule, "after_commit", lambda **sent: None)
    return found


@pytest.fixture
def task(cast: Cast) -> BackupTask:
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account), name="Mail", discovered_at=clock.now())
        for number in range(12):
            make_mailbox(task, f"Baker {number:02}", state="not_active")
        return task


@pytest.fixture
def anna(cast: Cast) -> User:
    """A second administrator, whom this account wants asked."""
    Account.objects.filter(pk=cast.account.pk).update(two_person=True)
    long_ago = clock.now() - timedelta(days=30)
    return member(
        cast.account,
        "anna@pizza-perfecto.example",
        Role.ADMINISTRATOR,
        name="Anna Ace",
        standing_since=long_ago,
    )


def approve(visit: Visit, person: User, said: str) -> None:
    """Another administrator reads what is proposed and says yes."""
    Approval._base_manager.update(opens_at=clock.now())
    signed_in(visit, person)
    visit.open(reverse("approvals"))
    expect(visit.page.get_by_text(said)).to_be_visible()
    visit.page.get_by_role("button", name="Approve").click()
    expect(visit.page.get_by_text("Nothing waits for a second administrator")).to_be_visible()


def follow(cast: Cast) -> Rule:
    with account_scope(cast.account.pk):
        evaluate.follow(Rule.objects.get().pk)
        return Rule.objects.get()


def test_a_rule_deletes_who_left_a_group_once_two_people_want_it(
    visit: Visit, cast: Cast, task: BackupTask, anna: User, members: set[str]
) -> None:
    olivia, page = signed_in(visit, cast.owner), visit.page
    olivia.open(reverse("activation", args=[task.public_id]))
    page.get_by_role("link", name="Groups").click()
    page.get_by_label("Bakers").check()
    page.get_by_label("By a rule, every day").check()
    page.get_by_label("Delete what is kept").check()
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_text("Who leaves loses their backups")).to_be_visible()
    expect(page.get_by_role("row", name="Baker 11")).to_be_visible()
    page.get_by_role("button", name="Start the rule").click()
    expect(page.get_by_text("Another administrator may approve it")).to_be_visible()
    approve(visit, anna, "Backups of who no longer fits would be deleted")
    follow(cast)

    members.difference_update({f"id-baker.{number:02}" for number in range(6)})
    rule = follow(cast)
    signed_in(visit, cast.owner)
    olivia.open(reverse("activation_rule", args=[rule.public_id]))
    expect(page.get_by_text("This rule asks before it deletes.")).to_be_visible()
    olivia.check("activation-asks")
    page.get_by_role("button", name="Delete the backups of 6").click()
    expect(page.get_by_text("Another administrator may approve it")).to_be_visible()
    follow(cast)
    assert not Entity._base_manager.filter(state="deleting").exists(), "one alone deletes nobody"
    approve(visit, anna, "6 of 12 that the rule")
    follow(cast)

    visit.open(reverse("activation_rule", args=[rule.public_id]))
    expect(page.get_by_text("This rule asks before it deletes.")).to_have_count(0)
    page.get_by_role("link", name="History").click()
    gone = page.get_by_role("row", name="deletion ordered, with seven days of grace")
    expect(gone).to_have_count(6)
    expect(gone.filter(has_text="Baker 00")).to_be_visible()
    visit.check("activation-deleted")
