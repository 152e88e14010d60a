"""The pages of activation as an administrator goes through them: axe, both themes, both widths."""

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from apps.activation import directory, evaluate, services, tasks
from apps.activation.models import Rule
from apps.backups.models import BackupTask
from apps.connectors.base import FoundGroup
from apps.core import clock
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_mailbox, make_task
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import Cast


@pytest.fixture
def olivia(cast: Cast, transactional_db: None, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> Visit:
    monkeypatch.setattr(tasks.follow_rule, "after_commit", lambda **sent: None)
    client = Client()
    client.force_login(cast.owner)
    visit.sign_in_as(client)
    return visit


@pytest.fixture
def task(cast: Cast) -> BackupTask:
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account), name="Mail and calendars", discovered_at=clock.now())
        for name, department, state in (
            ("Agata Brown", "Kitchen", "not_active"),
            ("Mila Scott", "Kitchen", "not_active"),
            ("Nils Olsen", "Kitchen", "active"),
            ("Bob Smith", "Finance", "not_active"),
        ):
            make_mailbox(task, name, properties={"department": department}, state=state)
        return task


def test_a_rule_is_chosen_reviewed_started_and_looked_at(olivia: Visit, task: BackupTask, cast: Cast) -> None:
    page = olivia.page
    olivia.open(reverse("activation", args=[task.public_id]))
    olivia.check("activation")
    page.get_by_role("link", name="Directory property").click()
    olivia.check("activation-choose")
    page.get_by_label("Kitchen").check()
    page.get_by_label("By a rule, every day").check()
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_text("Would be activated")).to_be_visible()
    olivia.check("activation-review")
    picture(olivia, "activation-review")
    page.get_by_label("Activate Mila Scott").uncheck()
    page.get_by_role("button", name="Start the rule").click()
    expect(page.get_by_role("heading", name="Department is Kitchen")).to_be_visible()
    with account_scope(cast.account.pk):
        evaluate.follow(Rule.objects.get().pk)
    page.reload()
    expect(page.get_by_role("row", name="Agata Brown")).to_contain_text("Activated")
    expect(page.get_by_role("row", name="Mila Scott")).to_contain_text("Left out")
    olivia.check("activation-rule")
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("row", name="Agata Brown")).to_contain_text("Department: Kitchen")
    olivia.check("activation-history")


def test_a_list_is_imported_and_the_question_about_everybody_new_is_answered(
    olivia: Visit, task: BackupTask
) -> None:
    page = olivia.page
    BackupTask._base_manager.filter(pk=task.pk).update(auto_activate=True)
    olivia.open(reverse("activation", args=[task.public_id]))
    page.get_by_role("link", name="List of addresses").click()
    lines = "Account Email\nagata.brown@pizza-perfecto.example\nnobody@elsewhere.example\n"
    page.get_by_label("List of addresses").set_input_files(
        {"name": "people.csv", "mimeType": "text/csv", "buffer": lines.encode()}
    )
    page.get_by_label("By a rule, every day").check()
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_role("row", name="nobody@elsewhere.example")).to_contain_text("3")
    page.get_by_label("No, only whom rules choose").check()
    olivia.check("activation-list")
    picture(olivia, "activation-list")
    page.get_by_role("button", name="Start the rule").click()
    expect(page.get_by_role("heading", name="2 addresses of a list")).to_be_visible()
    task.refresh_from_db()
    assert not task.auto_activate


def test_members_of_a_group_are_chosen(
    olivia: Visit, task: BackupTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, groups = olivia.page, [FoundGroup("g1", "Bakers", "Security group")]
    monkeypatch.setattr(directory, "all_groups", lambda connection: groups)
    monkeypatch.setattr(services, "members_of", lambda connection, chosen: {"id-agata.brown"})
    olivia.open(reverse("activation", args=[task.public_id]))
    page.get_by_role("link", name="Groups").click()
    page.get_by_label("Bakers").check()
    page.get_by_label("By a rule, every day").check()
    page.get_by_label("Pause").check()
    page.get_by_role("button", name="See what it would do").click()
    expect(page.get_by_role("row", name="Agata Brown")).to_contain_text("Bakers")
    page.get_by_role("button", name="Start the rule").click()
    expect(page.get_by_role("heading", name="Bakers")).to_be_visible()


def test_the_onboarding_says_what_it_will_take(olivia: Visit, task: BackupTask) -> None:
    olivia.open(reverse("onboarding", args=[task.public_id]))
    expect(olivia.page.get_by_text("What limits it")).to_be_visible()
    picture(olivia, "activation-onboarding", olivia.page.locator("main"))
    olivia.check("onboarding")
