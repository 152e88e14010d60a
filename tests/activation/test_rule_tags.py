"""A rule tags whom it holds, for who may tag; what a person tagged stays as they left it."""

from dataclasses import replace
from typing import Any

import pytest

from apps.accounts.models import Account
from apps.activation import services
from apps.activation.forms import FORMS
from apps.activation.models import Rule
from apps.backups.models import BackupTask, Entity, EntityTag, Policy, PolicyTag
from apps.backups.retention.rules import EVERYTHING
from apps.backups.services.tags import tag_apply, tag_create
from apps.core.actor import Actor, acting_as
from apps.core.errors import Conflict, PermissionMissing
from apps.core.permissions import Permission

from .makers import clause, follow, in_force, make_rule, move

pytestmark = pytest.mark.database


def test_a_rule_puts_its_tag_on_whom_it_holds_and_takes_it_off_who_leaves(
    task: BackupTask, person: Any
) -> None:
    agata, bob = person("Agata Brown", "Kitchen"), person("Bob Smith", "Kitchen")
    tag = tag_create(name="Kitchen staff")
    rule, other = in_force(task, tag=tag), in_force(task, clause("name", "Bob", how="begins"), tag=tag)
    follow(rule)
    follow(other)
    move(agata, "Finance")
    move(bob, "Finance")
    follow(rule)
    assert set(EntityTag.objects.values_list("entity__name", flat=True)) == {"Bob Smith"}


def test_a_tag_that_a_person_put_on_is_not_taken_off_by_a_rule_and_one_that_rules_put_on_by_the_last(
    task: BackupTask, person: Any
) -> None:
    agata, bob = person("Agata Brown", "Kitchen"), person("Bob Smith", "Kitchen")
    tag = tag_create(name="Kitchen staff")
    tag_apply(task=task, entities=Entity.objects.filter(pk=agata.pk), tag=tag)
    rule, other = in_force(task, tag=tag), in_force(task, clause("name", "Bob", how="begins"), tag=tag)
    follow(rule)
    follow(other)
    for each in (agata, bob):
        move(each, "Finance")
    follow(rule)
    assert set(EntityTag.objects.values_list("entity__name", flat=True)) == {"Agata Brown", "Bob Smith"}
    Rule.objects.filter(pk=other.pk).update(conditions=rule.conditions)
    follow(other)
    assert EntityTag.objects.get().entity == agata


def test_who_may_not_tag_makes_changes_and_resumes_no_rule_that_tags(task: BackupTask) -> None:
    tag = tag_create(name="Kitchen staff")
    rule, paused = in_force(task, tag=tag), in_force(task, tag=tag, state="paused")
    plain = services.Wanted(kind="everyone", mode="daily")
    untag = make_rule(task, mode="daily", replaces=rule)
    acts = (
        lambda: services.draft(task=task, wanted=replace(plain, tag=tag)),
        lambda: services.draft(task=task, wanted=plain, replaces=rule),
        lambda: services.start(rule=make_rule(task, tag=tag)),
        lambda: services.start(rule=untag),
        lambda: services.resume(rule=paused),
    )
    with acting_as(Actor("user", permissions=frozenset({Permission.ACTIVATE}), services=None)):
        for act in acts:
            with pytest.raises(PermissionMissing):
                act()
        assert "tag" not in FORMS["everyone"](task=task).fields
        assert services.draft(task=task, wanted=plain).tag is None
    both = frozenset({Permission.ACTIVATE, Permission.MODIFY})
    with acting_as(Actor("user", permissions=both, services=None)):
        for act in acts:
            act()


def test_a_rule_puts_no_tag_on_whose_policy_two_people_decide(task: BackupTask) -> None:
    tag = tag_create(name="Brief")
    policy = Policy.objects.create(account_id=task.account_id, name="Brief", retention=EVERYTHING.to_json())
    PolicyTag.objects.create(account_id=task.account_id, policy=policy, tag=tag)
    rule = make_rule(task, mode="daily", tag=tag)
    operator = Actor("user", permissions=frozenset({Permission.ACTIVATE}), services=None)
    with acting_as(operator), pytest.raises(PermissionMissing):
        services.start(rule=rule)
    with acting_as(Actor("user", permissions=frozenset(Permission), services=None)):
        Account.objects.filter(pk=task.account_id).update(two_person=True)
        wanted = services.Wanted(kind="everyone", mode="daily", tag=tag)
        for act in (lambda: services.start(rule=rule), lambda: services.draft(task=task, wanted=wanted)):
            with pytest.raises(Conflict, match="two people decide"):
                act()
        Account.objects.filter(pk=task.account_id).update(two_person=False)
        assert services.start(rule=rule).pk == rule.pk
