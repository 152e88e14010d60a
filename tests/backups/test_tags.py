"""Tags: an account's own words for mailboxes, put on one or on all that match."""

from collections.abc import Iterable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.activity.models import Activity
from apps.backups.models import BackupTask, Entity, EntityTag, Tag
from apps.backups.selectors import Filters, entity_page, matching
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


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    return client


def three(task: BackupTask) -> tuple[Tag, Tag]:
    for name in ("Agata Brown", "Bob Smith", "Mila Scott"):
        make_mailbox(task, name)
    manager, kitchen = tags.tag_create(name="Manager"), tags.tag_create(name="Kitchen")
    tags.tag_apply(task=task, entities=Entity.objects.exclude(name="Mila Scott"), tag=manager)
    return manager, kitchen


def named(entities: Iterable[Entity]) -> list[str]:
    return sorted(entity.name for entity in entities)


def test_a_tag_narrows_the_list_its_counters_and_its_acts(olivia: Client, task: BackupTask) -> None:
    manager, _ = three(task)
    query = f"?tag={manager.public_id}"
    page = olivia.get(reverse("task", args=[task.public_id]) + query)
    assert "2 of 2 shown, 1 hidden by the filter" in page.text and "Mila Scott" not in page.text
    olivia.post(reverse("task_act", args=[task.public_id]) + query, {"action": "activate", "all_matching": "1"})
    assert named(Entity.objects.filter(state="active")) == ["Agata Brown", "Bob Smith"]
    tags.tag_delete(tag=manager)
    assert "Nothing matches this filter." in olivia.get(reverse("task", args=[task.public_id]) + query).text


def test_what_a_filter_finds_may_lose_that_very_tag_and_get_another(olivia: Client, task: BackupTask) -> None:
    manager, kitchen = three(task)
    address = f"{reverse('task_tags', args=[task.public_id])}?tag={manager.public_id}"
    said = olivia.post(
        address,
        {"all_matching": "1", "was": manager.public_id, "on": kitchen.public_id, "new": "Bar"},
        follow=True,
    )
    assert "Kitchen put on 2 mailboxes. Bar put on 2 mailboxes. Manager taken off 2 mailboxes." in said.text
    assert {tag.name: row for tag, row in ((t, t.entity_tags.count()) for t in Tag.objects.all())} == {
        "Kitchen": 2,
        "Bar": 2,
        "Manager": 0,
    }


def test_limited_access_stands_among_the_tags_and_asks_once_more(olivia: Client, task: BackupTask) -> None:
    three(task)
    agata = Entity.objects.get(name="Agata Brown")
    asked = olivia.post(
        reverse("task_tags", args=[task.public_id]), {"entity": agata.public_id, "on": "limited"}
    )
    agata.refresh_from_db()
    assert "Limit access?" in asked.text and not agata.limited
    sure = {"action": "limit", "sure": "yes", "entity": agata.public_id}
    olivia.post(reverse("task_act", args=[task.public_id]), sure)
    page = olivia.get(reverse("task", args=[task.public_id]), {"tag": "limited"})
    assert "Limited access" in page.text and "Bob Smith" not in page.text


def test_who_may_tag_may_not_limit_by_it(client: Client, cast: Cast, task: BackupTask) -> None:
    three(task)
    client.force_login(cast.operator)
    limit = {"entity": Entity.objects.get(name="Agata Brown").public_id, "on": "limited", "new": "Bar"}
    assert client.post(reverse("task_tags", args=[task.public_id]), limit).status_code == 403
    assert not Entity.objects.filter(limited=True).exists() and not Tag.objects.filter(name="Bar").exists()


def test_tags_of_a_page_are_one_short_read_of_an_index(task: BackupTask) -> None:
    three(task)
    with CaptureQueriesContext(connection) as asked:
        assert [len(row.tags) for row in entity_page(task, Filters()).rows] == [1, 1, 0]
    assert len(asked) == 4, "the mailboxes, their tags, whether anything is on hold, and what another task has"
    plan = EntityTag.objects.filter(entity_id__in=[1, 2]).explain()
    assert "entity_id=?" in plan or connection.vendor != "sqlite", plan
    manager = Tag.objects.get(name="Manager")
    narrowed = matching(task, Filters(tag=str(manager.public_id))).order_by("name", "id")[:51].explain()
    by_index = "entity_by_name" in narrowed and "entity_tag_by_tag" in narrowed
    assert by_index or connection.vendor != "sqlite", narrowed
