"""Messages of workers: in a queue that does not wait behind backups, and none piles up."""

from config.celery import app

app.loader.import_default_modules()

APPS = ("apps.notifications.", "apps.billing.", "apps.alerts.", "apps.jobs.")
TOLD = ["send_reports", "make_reports", "tell_news", "tell_news_of"]


def queue_of(task: str) -> str:
    return str(app.amqp.router.route({}, task)["queue"].name)


def test_what_people_are_told_does_not_wait_behind_backups() -> None:
    told = [f"apps.backups.tasks.{name}" for name in TOLD]
    sent = [each["task"] for each in app.conf.beat_schedule.values() if each["task"].startswith(APPS)]
    assert all(app.tasks[task].expires for task in told), "the next beat sends another"
    assert {queue_of(task) for task in told + sent} == {"default"}
    assert queue_of("apps.backups.tasks.run_entity") == "backup"


def test_no_message_of_a_quick_beat_waits_for_longer_than_to_the_next_ones() -> None:
    for each in app.conf.beat_schedule.values():
        task = app.tasks[each["task"]]
        if each["task"].startswith(APPS) and each["schedule"] <= 900:
            assert each.get("options", {}).get("expires") or task.expires, each["task"]
