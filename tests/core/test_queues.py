"""Messages of workers: in a queue that does not wait behind backups, and none piles up."""

from pathlib import Path

from apps.core.management.commands.serve import _children
from config.celery import app

app.loader.import_default_modules()

APPS = ("apps.notifications.", "apps.billing.", "apps.alerts.", "apps.jobs.")
TOLD = ["send_reports", "make_reports", "tell_news", "tell_news_of"]
LETTERS = ["apps.notifications.tasks.send_letters", "apps.notifications.tasks.send_letters_of"]


def queue_of(task: str) -> str:
    return str(app.amqp.router.route({}, task)["queue"].name)


def test_what_people_are_told_does_not_wait_behind_backups() -> None:
    told = [f"apps.backups.tasks.{name}" for name in TOLD]
    sent = [each["task"] for each in app.conf.beat_schedule.values() if each["task"].startswith(APPS)]
    assert all(app.tasks[task].expires for task in told), "the next beat sends another"
    assert {queue_of(task) for task in told + LETTERS} == {"letters"}
    assert {queue_of(task) for task in set(sent) - set(LETTERS)} == {"default"}
    assert queue_of("apps.backups.tasks.run_entity") == "backup"


def test_embedded_every_queue_has_a_worker_and_letters_one_that_never_backs_up(tmp_path: Path) -> None:
    workers = [
        child.command for child in _children(tmp_path, "127.0.0.1", 1, 2, 2) if "--queues" in child.command
    ]
    queues = [command[command.index("--queues") + 1].split(",") for command in map(list, workers)]
    assert {queue_of(task) for task in app.tasks} <= {each for some in queues for each in some}
    assert all(not {"backup", "recovery", "default"} & set(some) for some in queues if "letters" in some)


def test_no_message_of_a_quick_beat_waits_for_longer_than_to_the_next_ones() -> None:
    for each in app.conf.beat_schedule.values():
        task = app.tasks[each["task"]]
        if each["schedule"] <= 900:
            assert each.get("options", {}).get("expires") or task.expires, each["task"]
