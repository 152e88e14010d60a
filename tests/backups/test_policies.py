"""Which rule holds for an entity, and the tabs of a task's pages."""

import pytest

from apps.backups.models import BackupTask, Policy
from apps.backups.selectors.policies import groups_of, rules_of
from apps.backups.task_tabs import tabs_of
from apps.core.actor import Actor, acting_as
from apps.core.permissions import Permission

from .makers import make_mailbox

pytestmark = pytest.mark.django_db


def test_a_task_without_a_policy_rules_by_itself(task: BackupTask) -> None:
    task.exclusions = {"own": 1}
    agata = make_mailbox(task, "Agata")
    assert {part: (rule.value, rule.why) for part, rule in rules_of(agata).items()} == {
        "schedule": (None, ""),
        "retention": (None, ""),
        "exclusions": ({"own": 1}, ""),
    }


def test_a_policy_decides_the_parts_it_speaks_of_and_no_others(task: BackupTask) -> None:
    task.schedule, task.exclusions = {"own": 1}, {"own": 2}
    task.policy = Policy.objects.create(account_id=task.account_id, name="Chefs", schedule={"theirs": 1})
    rules = rules_of(make_mailbox(task, "Agata"))
    assert (rules["schedule"].value, rules["schedule"].why) == ({"theirs": 1}, "Policy “Chefs”")
    assert (rules["exclusions"].value, rules["exclusions"].why) == ({"own": 2}, "")


def test_groups_hold_every_entity_once(task: BackupTask) -> None:
    names = ["Agata", "Bob", "Cleo"]
    for name in names:
        make_mailbox(task, name)
    found = [entity.name for _, entities in groups_of(task, "schedule") for entity in entities]
    assert sorted(found) == names


def test_a_tab_is_shown_to_who_may_open_it(task: BackupTask) -> None:
    def keys(*rights: Permission) -> list[str]:
        with acting_as(Actor("user", permissions=frozenset(rights), services=None)):
            return [tab.key for tab in tabs_of(task, "list")]

    assert "settings" not in keys(Permission.VIEW)
    assert keys(Permission.VIEW, Permission.MODIFY)[:2] == ["list", "coverage"]
    assert keys(Permission.VIEW, Permission.MODIFY)[-1] == "settings"
