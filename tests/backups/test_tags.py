"""Tags: an account's own words for mailboxes, put on one or on all that match."""

import pytest

from apps.activity.models import Activity
from apps.backups.models import BackupTask, Entity, EntityTag, Tag
from apps.backups.services import tags
from apps.core.errors import Conflict, InvalidRequest
from apps.core.scope import account_scope
from tests.cast import Cast

from .makers import make_connection, make_mailbox, make_task


def test_a_tag_is_there_once_in_any_case_and_script(task: BackupTask) -> None:
    tags.tag_create(name="  Straße \u200b Süd ")
    with pytest.raises(Conflict, match="already"):
        tags.tag_create(name="STRASSE SU\u0308D")
    assert Tag.objects.get().name == "Straße Süd"


NO_NAMES = ["", " \u200b\n", "\u200d", "x" * 61, "\ufdfa" * 60, "LIMITED access", "any tag"]


@pytest.mark.parametrize("name", NO_NAMES)
def test_names_that_say_nothing_or_mean_something_else_are_refused(task: BackupTask, name: str) -> None:
    with pytest.raises(InvalidRequest):
        tags.tag_create(name=name)
    assert not Tag.objects.exists()


def test_another_account_may_have_the_same_tag_and_nobody_sees_it_here(task: BackupTask, cast: Cast) -> None:
    tags.tag_create(name="Manager")
    with account_scope(cast.other_account.pk):
        other = make_task(make_connection(cast.other_account))
        sam = make_mailbox(other, "Sam")
        theirs = tags.tag_create(name="Manager")
        tags.tag_apply(task=other, entities=Entity.objects.filter(pk=sam.pk), tag=theirs)
    assert Tag.objects.count() == 1 and not EntityTag.objects.exists()


@pytest.mark.database
def test_a_tag_is_put_on_and_taken_off_and_each_says_to_how_many(task: BackupTask) -> None:
    for name in ("Agata Brown", "Bob Smith", "Mila Scott"):
        make_mailbox(task, name)
    manager = tags.tag_create(name="Manager")
    two, everybody = Entity.objects.exclude(name="Mila Scott"), Entity.objects.filter(task=task)
    assert tags.tag_apply(task=task, entities=two, tag=manager) == 2
    assert tags.tag_apply(task=task, entities=everybody, tag=manager) == 1
    assert tags.tag_apply(task=task, entities=everybody, tag=manager) == 0
    assert tags.tag_remove(task=task, entities=two, tag=manager) == 2
    assert EntityTag.objects.get().entity.name == "Mila Scott"
    rows = Activity.objects.filter(code__startswith="entity.").order_by("id")
    assert list(rows.values_list("code", "item_label")) == [
        ("entity.tagged", "2 mailboxes"),
        ("entity.tagged", "Mila Scott"),
        ("entity.untagged", "2 mailboxes"),
    ]


def test_a_renamed_tag_stays_where_it_is_and_may_change_its_case(task: BackupTask) -> None:
    agata = make_mailbox(task, "Agata Brown")
    tag = tags.tag_create(name="manager")
    tags.tag_apply(task=task, entities=Entity.objects.filter(pk=agata.pk), tag=tag)
    tags.tag_rename(tag=tag, name="Manager")
    assert EntityTag.objects.get(entity=agata).tag.name == "Manager"
    tags.tag_create(name="Kitchen")
    with pytest.raises(Conflict):
        tags.tag_rename(tag=tag, name="KITCHEN")


def test_a_deleted_tag_is_gone_from_everything_but_not_while_something_uses_it(
    task: BackupTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_mailbox(task, "Agata Brown")
    tag = tags.tag_create(name="Manager")
    tags.tag_apply(task=task, entities=Entity.objects.all(), tag=tag)
    users = ["the policy Seven years"]
    monkeypatch.setattr(tags, "_uses", [lambda tag: users])
    with pytest.raises(Conflict, match="the policy Seven years"):
        tags.tag_delete(tag=tag)
    users.clear()
    tags.tag_delete(tag=tag)
    assert not EntityTag.objects.exists() and Entity.objects.count() == 1
    assert Activity.objects.filter(code="tag.deleted", item_label="Manager").count() == 1
