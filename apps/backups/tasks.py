"""Celery doors of backups."""

from celery import shared_task

from apps.core.scope import every_account

from .deletion.work import look_after_deletions
from .engine import run_backup
from .engine.rounds import end_rounds
from .erasure.work import look_after_erasures
from .hooks import letters
from .hooks.rounds import end_hook_rounds
from .reports import making, telling
from .retention.marking import count_marks_on
from .retention.night import accounts_to_look_after, night
from .services import tallies
from .tick import RUN_ENTITY, dispatch_due
from .usage.job import purge_usage


@shared_task(expires=60)  # type: ignore[untyped-decorator]
def tick() -> int:
    """Send backups that are due; beat calls it every few seconds, and `backup_now` at once."""
    with every_account("pick due backups of all accounts, fairly"):
        return dispatch_due()


@shared_task(expires=300)  # type: ignore[untyped-decorator]
def look_for_ended_rounds() -> int:
    """End rounds whose end no run saw, and start what follows; beat calls it every five minutes."""
    with every_account("start what follows ended rounds, in all accounts"):
        end_hook_rounds()
        return end_rounds()


@shared_task(expires=60)  # type: ignore[untyped-decorator]
def send_hook(*, account_id: int, letter_id: int) -> None:
    """Try to deliver one request to a hook; a round that waited for its answer goes on at once.

    The account's next one is sent after it: it queues behind those of the others.
    """
    sent = letters.send(letter_id)
    if sent is None:
        return
    following = letters.next_due()
    if following is not None:
        send_hook.after_commit(account_id=account_id, letter_id=following)
    if sent.decides_by is not None and sent.settled_at is not None:
        tick.after_commit()


@shared_task(expires=15)  # type: ignore[untyped-decorator]
def send_hooks() -> int:
    """Try again what did not arrive; beat calls it every 15 seconds. Returns how many were tried."""
    with every_account("requests to hooks of all accounts are sent"):
        due = letters.letters_due()
    for account_id, letter_id in due:
        send_hook.after_commit(account_id=account_id, letter_id=letter_id)
    return len(due)


@shared_task(name=RUN_ENTITY)  # type: ignore[untyped-decorator]
def run_entity(*, account_id: int, entity_id: int, token: str = "") -> str:
    """Back up one entity, if the message is still valid."""
    ending = run_backup(account_id=account_id, entity_id=entity_id, token=token)
    tick.after_commit()  # a worker is free again: the next is sent now, not at the next beat
    return ending


@shared_task  # type: ignore[untyped-decorator]
def look_after_retention() -> int:
    """Send each account to `retention_night`; returns how many. Beat calls it twice a day."""
    accounts = accounts_to_look_after()
    for account_id in accounts:
        retention_night.after_commit(account_id=account_id)
    return len(accounts)


@shared_task  # type: ignore[untyped-decorator]
def retention_night(*, account_id: int) -> int:
    """Let go what is due of one account; returns how many snapshots. The task's base class enters the scope."""
    return night().gone


@shared_task(expires=60)  # type: ignore[untyped-decorator]
def count_large_tasks() -> int:
    """Keep the counts of large tasks fresh; beat calls it every minute."""
    return tallies.count_large_tasks()


@shared_task  # type: ignore[untyped-decorator]
def find_large_tasks() -> int:
    """See which tasks have grown large, and count those at once."""
    found = tallies.find_large_tasks()
    if found:
        tallies.count_large_tasks()
    return found


@shared_task(expires=3600)  # type: ignore[untyped-decorator]
def delete_what_is_due() -> int:
    """Count the graces of deletions and of retention's marks, and destroy what had all of it; once an hour."""
    count_marks_on()
    return look_after_deletions()


@shared_task(expires=3600)  # type: ignore[untyped-decorator]
def erase_what_is_due() -> int:
    """Count the graces of erasures, erase what had all of its own, follow the bytes; once an hour."""
    return look_after_erasures()


@shared_task  # type: ignore[untyped-decorator]
def purge_usage_files() -> int:
    """Remove the files of usage reports whose links have run out."""
    return purge_usage()


@shared_task(expires=60)  # type: ignore[untyped-decorator]
def send_reports() -> int:
    """Send the accounts whose reports are due to `make_reports`; beat calls it every minute."""
    with every_account("reports of all accounts are made in turn"):
        accounts = making.accounts_with_work()
    for account_id in accounts:
        make_reports.after_commit(account_id=account_id)
    return len(accounts)


@shared_task(expires=60)  # type: ignore[untyped-decorator]
def make_reports(*, account_id: int) -> int:
    """Make one account's reports of the period that is over; returns how many."""
    return making.work()


@shared_task(expires=120)  # type: ignore[untyped-decorator]
def tell_news() -> int:
    """Send the tasks of which something is to be told to `tell_news_of`; beat calls it every two minutes."""
    with every_account("what happened in all accounts is told"):
        tasks = telling.tasks_with_news()
    for account_id, task_id in tasks:
        tell_news_of.after_commit(account_id=account_id, task_id=task_id)
    return len(tasks)


@shared_task(expires=300)  # type: ignore[untyped-decorator]
def tell_news_of(*, account_id: int, task_id: int) -> int:
    """Tell what is to be told of one task; returns how many letters that are."""
    return telling.tell(task_id)
