"""What the addresses of `url_table.py` name: each made in the account of the cast."""

from collections.abc import Callable

from apps.activation.models import Rule
from apps.alerts.models import Alert
from apps.backups.models import BackupTask, Deletion, Entity, Erasure, Hook, Policy, Report, Run, Tag
from apps.backups.reports.letters import link_of
from apps.core import clock
from apps.core.actor import Actor, acting_as
from apps.core.scope import account_scope
from apps.notifications.letters import Letter
from apps.notifications.models import Delivery, Recipient
from apps.notifications.services import letter_store
from apps.notifications.unsubscribing import unsubscribe_address
from apps.search.models import SavedSearch
from apps.vault.models import Shelf, VaultCheck
from tests.activation.makers import make_rule
from tests.backups.makers import make_connection, make_mailbox, make_run, make_task
from tests.cast import Cast
from tests.jobs.conftest import new_job
from tests.vault.own_stores import make_own_store, make_shelf

Args = Callable[[Cast], list[object]]


def nothing(cast: Cast) -> list[object]:
    return []


def words(*values: object) -> Args:
    return lambda cast: list(values)


def a_job(cast: Cast) -> list[object]:
    """A restore that the owner started; the others did not."""
    return [new_job(cast.owner).public_id]


def a_connection(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [make_connection(cast.account).public_id]


def a_secret_connection(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [make_connection(cast.account, credential_kind="client_secret").public_id]


def a_task(cast: Cast) -> list[object]:
    return [task_of(cast).public_id]


def a_policy(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [Policy.objects.create(account=cast.account, name="Chefs").public_id]


def a_hook(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account))
        url = "https://hooks.example/in"
        return [Hook.objects.create(account=cast.account, task=task, moment="after", url=url).public_id]


def a_recipient(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        made = Recipient.objects.create(
            account=cast.account, address="desk@partner.example", limited=True, view=True, services=None
        )
        return [made.public_id]


def a_lost_letter(cast: Cast) -> list[object]:
    """One that was given up; its words are kept."""
    letter = Letter("notification_test", {"who": "Olivia"})
    with account_scope(cast.account.pk):
        made = letter_store("summary", letter, "desk@partner.example", None)
        Delivery.objects.update(state="failed", next_try_at=None)
        return [made.public_id]


def a_wish(cast: Cast) -> list[object]:
    """The link of a mail that ends letters of its kind."""
    made = Delivery(account=cast.account, address="desk@partner.example", kind="summary")
    return [unsubscribe_address(made).rstrip("/").rpartition("/")[2]]


def a_report_link(cast: Cast) -> list[object]:
    """The signed part of the link to a report's table."""
    with account_scope(cast.account.pk):
        now = clock.now()
        made = Report.objects.create(
            account=cast.account, since=now, until=now, format="overview", way="link", zone="UTC"
        )
    return [link_of(made).rpartition("/")[2].removesuffix(".csv")]


def a_tag(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [Tag.objects.create(account=cast.account, name="Kitchen").public_id]


def a_saved_search(cast: Cast) -> list[object]:
    mine = Actor(kind="user", user_id=cast.owner.pk)
    with account_scope(cast.account.pk), acting_as(mine):
        saved = SavedSearch.objects.create(
            account=cast.account, user=cast.owner, name="Lunch", key="lunch", text="pizza"
        )
    return [saved.public_id]


def an_entity(cast: Cast) -> list[object]:
    return [entity_of(cast).public_id]


def an_alert(cast: Cast) -> list[object]:
    entity = entity_of(cast)
    with account_scope(cast.account.pk):
        row = Alert.objects.create(
            account=cast.account, kind="mass_deletion", metric="removed", severity="critical", entity=entity,
            task=entity.task, service=entity.task.service, key=f"mass:{entity.pk}", facts={"value": 9},
        )  # fmt: skip
    return [row.public_id]


def a_deletion(cast: Cast) -> list[object]:
    task, now = task_of(cast), clock.now()
    with account_scope(cast.account.pk):
        row = Deletion.objects.create(
            account=cast.account, task=task, service=task.service, label="Delete Bob of Mail", ends_at=now
        )
    return [row.public_id]


def an_erasure(cast: Cast) -> list[object]:
    entity, now = entity_of(cast), clock.now()
    with account_scope(cast.account.pk):
        row = Erasure.objects.create(
            account=cast.account, entity=entity, entity_public_id=entity.public_id, service=entity.task.service,
            entity_label=entity.name, task_label=entity.task.name, label="Erase 1 item", ends_at=now,
        )  # fmt: skip
    return [row.public_id]


def a_way_to_activate(cast: Cast) -> list[object]:
    return [*a_task(cast), "pattern"]


def a_rule(cast: Cast) -> list[object]:
    """One that is followed every day."""
    return [_rule(cast, state="active", mode="daily").public_id]


def a_draft(cast: Cast) -> list[object]:
    return [_rule(cast).public_id]


def a_run(cast: Cast) -> list[object]:
    entity = entity_of(cast)
    with account_scope(cast.account.pk):
        run: Run = make_run(entity)
    return [run.public_id]


def a_check(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [VaultCheck.objects.create(account=cast.account, tier="sample").public_id]


def a_store(cast: Cast) -> list[object]:
    """A store of the account's own, at an address where nothing may be."""
    return [make_own_store(cast.account.pk).public_id]


def a_shelf(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        found = Shelf.objects.first()
    return [(found or make_shelf(cast.account.pk)).public_id]


def task_of(cast: Cast) -> BackupTask:
    with account_scope(cast.account.pk):
        return make_task(make_connection(cast.account))


def _rule(cast: Cast, **fields: str) -> Rule:
    task = task_of(cast)
    with account_scope(cast.account.pk):
        return make_rule(task, **fields)


def entity_of(cast: Cast) -> Entity:
    task = task_of(cast)
    with account_scope(cast.account.pk):
        return make_mailbox(task, "Bob Smith")
