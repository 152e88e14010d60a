"""Hooks: asked before a round and told after it, signed, once for each id, and never in the way for longer."""

import hashlib
import hmac
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.activity.models import Activity
from apps.backups import tick
from apps.backups.enums import EntityState, HookMoment, LetterState, Otherwise, RoundState, Verdict
from apps.backups.hooks import letters
from apps.backups.hooks.rounds import closed_tasks, end_hook_rounds
from apps.backups.hooks.services import Wanted, hook_change, hook_create
from apps.backups.models import BackupTask, Entity, Hook, HookLetter, HookRound
from apps.backups.services import runs
from apps.core import clock
from apps.core.actor import acting_as
from apps.core.errors import EverkeepError
from apps.core.scope import account_scope, every_account
from tests.cast import Cast, prove_again
from tests.fixtures.mailbox import Mailbox
from tests.listener import Listener

from .makers import make_protected, make_run

pytestmark = pytest.mark.database
NIGHT = datetime(2026, 3, 10, 2, tzinfo=UTC)
MINUTE, SECOND, SOON = timedelta(minutes=1), timedelta(seconds=1), timedelta(seconds=10)


@pytest.fixture(autouse=True)
def _this_machine_may_be_reached(settings: Any) -> None:
    settings.HOOK_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    settings.BACKUP_WORKERS = 5


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as made:
        yield made


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The mailboxes whose backups the tick sent to workers."""
    found: list[int] = []
    monkeypatch.setattr(
        tick.current_app, "send_task", lambda name, kwargs, **_: found.append(kwargs["entity_id"])
    )
    return found


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    prove_again(client)
    return client


def make_hook(task: BackupTask, url: str, moment: str = HookMoment.BEFORE, **wanted: Any) -> tuple[Hook, str]:
    with acting_as_owner(task):
        return hook_create(task=task, wanted=Wanted(moment=moment, url=url, **wanted))


def acting_as_owner(task: BackupTask) -> Any:
    from apps.accounts.models import Membership
    from apps.accounts.selectors import actor_of

    return acting_as(actor_of(Membership.objects.get(account=task.account_id, is_owner=True)))


def look(at: datetime) -> int:
    with clock.travel(at), every_account("the tick looks at all"):
        return tick.dispatch_due()


def deliver(at: datetime) -> list[HookLetter]:
    """Let workers send what is due at that moment, and what was written while it lasted."""
    with clock.travel(at + SOON):
        return [found for _, pk in letters.letters_due() if (found := letters.send(pk))]


def due(task: BackupTask, name: str = "Bob Smith", **fields: Any) -> Entity:
    return make_protected(task, name, next_run_at=NIGHT, last_snapshot_at=NIGHT - timedelta(days=1), **fields)


def test_a_round_begins_with_a_yes_and_its_end_is_told_with_figures_and_no_names(
    task: BackupTask, listener: Listener, sent: list[int]
) -> None:
    _, secret = make_hook(task, listener.url, waits=True)
    make_hook(task, listener.url, HookMoment.AFTER)
    bob, tina = due(task), due(task, "Tina Twin", limited=True)
    assert look(NIGHT + MINUTE) == 0, "nothing begins before the answer"
    assert [letter.state for letter in deliver(NIGHT + MINUTE)] == [LetterState.DELIVERED]
    assert look(NIGHT + MINUTE) == 2
    with clock.travel(NIGHT + 2 * MINUTE):
        for mailbox, verdict, failed in ((bob, Verdict.SUCCESS, 0), (tina, Verdict.PARTIAL, 3)):
            make_run(
                mailbox,
                verdict=verdict,
                trigger="schedule",
                started_at=clock.now(),
                items_stored=10,
                items_failed=failed,
            )
            assert end_hook_rounds(task) == 0, "one is still to come"
            Entity.objects.filter(pk=mailbox.pk).update(next_run_at=NIGHT + timedelta(days=1), lease_owner="")
        assert end_hook_rounds(task) == 1
        assert end_hook_rounds(task) == 0, "it is told once"
    deliver(NIGHT + 3 * MINUTE)
    (asked, question), (_, answer) = listener.got
    before, after = json.loads(question), json.loads(answer)
    assert (before["event"], before["mailboxes"]) == ("round.before", {"due": 2})
    assert (after["event"], after["outcome"], after["round"]) == ("round.after", "partial", before["round"])
    assert (after["mailboxes"]["success"], after["mailboxes"]["partial"]) == (1, 1)
    assert after["items"] == {"stored": 20, "removed": 0, "skipped": 0, "failed": 3}
    assert "Smith" not in answer.decode() and "Tina" not in answer.decode()
    said = dict(part.split("=", 1) for part in asked["X-Everkeep-Signature"].split(","))
    wanted = hmac.new(secret.encode(), said["t"].encode() + b"." + question, hashlib.sha256).hexdigest()
    assert said["v1"] == wanted
    assert abs(time.time() - int(said["t"])) < 60
    assert asked["X-Everkeep-Id"] == before["id"]


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize(
    "case",
    [
        (Otherwise.SKIP, [409], RoundState.SKIPPED),
        (Otherwise.SKIP, [302], RoundState.SKIPPED),
        (Otherwise.GO, [409], RoundState.OPEN),
        (Otherwise.SKIP, [503, 204], RoundState.OPEN),
    ],
)
def test_a_no_skips_the_round_or_not_as_set_and_not_yet_is_asked_again(
    task: BackupTask, listener: Listener, case: tuple[str, list[int], str]
) -> None:
    otherwise, answers, outcome = case
    make_hook(task, listener.url, waits=True, wait_seconds=600, otherwise=otherwise)
    make_hook(task, listener.url, HookMoment.AFTER)
    bob = due(task)
    listener.answers = list(answers)
    look(NIGHT)
    for turn in range(len(answers)):
        deliver(NIGHT + turn * MINUTE)
    assert look(NIGHT + 3 * MINUTE) == (outcome == RoundState.OPEN)
    assert HookRound.objects.get().state == outcome
    ids = {headers["X-Everkeep-Id"] for headers, _ in listener.got}
    assert len(ids) == 1, "the same question has the same id each time it is asked"
    bob.refresh_from_db()
    if outcome == RoundState.SKIPPED:
        assert bob.next_run_at is not None and bob.next_run_at > NIGHT + timedelta(hours=12)
        deliver(NIGHT + 4 * MINUTE)
        assert json.loads(listener.got[-1][1])["outcome"] == "skipped"
        assert Activity.objects.get(code="hook.skipped").details["count"] == 1
        assert look(NIGHT + 5 * MINUTE) == 0
        assert HookRound.objects.count() == 1, "what was skipped is not asked about again"


@pytest.mark.parametrize("otherwise", [Otherwise.GO, Otherwise.SKIP])
def test_a_dead_hook_holds_backups_up_no_longer_than_it_may_whatever_workers_do(
    task: BackupTask, sent: list[int], otherwise: str
) -> None:
    make_hook(task, "http://127.0.0.1:9/", waits=True, wait_seconds=120, otherwise=otherwise)
    due(task)
    assert look(NIGHT) == 0
    deliver(NIGHT)
    assert look(NIGHT + MINUTE) == 0
    assert look(NIGHT + 2 * MINUTE + 5 * SECOND) == (otherwise == Otherwise.GO)
    letter = HookLetter.objects.get(event="round.before")
    assert letter.state == LetterState.FAILED
    assert "No yes in time. The other end could not be reached." in letter.said
    assert deliver(NIGHT + 9 * MINUTE) == [], "nobody is asked what is decided"


def test_a_question_of_a_clock_that_ran_ahead_holds_backups_up_no_longer_when_it_is_right_again(
    task: BackupTask, sent: list[int]
) -> None:
    make_hook(task, "http://127.0.0.1:9/", waits=True, wait_seconds=120)
    bob = due(task)
    assert look(NIGHT + timedelta(days=3650)) == 0
    Entity.objects.filter(pk=bob.pk).update(next_run_at=NIGHT)
    assert look(NIGHT) == 1
    assert HookRound.objects.get().state == RoundState.OPEN


def test_who_drips_an_answer_is_cut_off(task: BackupTask, listener: Listener, monkeypatch: Any) -> None:
    monkeypatch.setattr(letters, "ALL_SECONDS", 0.2)
    make_hook(task, listener.url, HookMoment.AFTER)
    listener.may_answer.clear()
    letters.write(Hook.objects.get(), "round.after", {})
    (letter,) = deliver(clock.now())
    assert letter.state == LetterState.WAITING
    assert "The other end" in letter.said


def test_who_never_names_their_machine_is_left_behind(
    task: BackupTask, listener: Listener, monkeypatch: Any
) -> None:
    make_hook(task, listener.url, HookMoment.AFTER)
    letters.write(Hook.objects.get(), "round.after", {})
    named = threading.Event()
    monkeypatch.setattr(letters, "ALL_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: named.wait(20) and [])
    (letter,) = deliver(clock.now())
    assert "did not answer in time" in letter.said and not named.is_set()
    named.set()


def test_one_account_neither_fills_the_workers_nor_delays_another(
    cast: Cast, task: BackupTask, listener: Listener, olivia: Client
) -> None:
    hook, _ = make_hook(task, listener.url, HookMoment.AFTER)
    for number in range(letters.AT_ONCE + 2):
        letters.write(hook, "round.after", {"number": number})
    with account_scope(cast.other_account.pk):
        theirs = Hook.objects.create(account=cast.other_account, task=task, moment="after", url=listener.url)
        fresh = letters.write(theirs, "round.after", {})
    with clock.travel(clock.now() + SECOND), every_account("what is due"):
        found = [account for account, _ in letters.letters_due()]
        assert sorted(found) == sorted([task.account_id] * 2 + [cast.other_account.pk])
    first, second, third, *_ = HookLetter.objects.order_by("pk").values_list("pk", flat=True)
    with clock.travel(clock.now() + SECOND):
        now = clock.now() + letters.CLAIM
        HookLetter.objects.filter(pk__in=[first, second]).update(claimed_until=now)
        assert letters.send(third) is None, "two are under way"
        HookLetter.objects.filter(pk=first).update(claimed_until=None)
        assert letters.next_due() == first
        assert letters.send(third) is not None
    assert fresh.account_id == cast.other_account.pk
    HookLetter.objects.all().delete()
    act, said = reverse("hook_act", args=[hook.public_id]), {"action": "try"}
    assert [olivia.post(act, said).status_code for _ in range(2)] == [302, 409], "one at a time"
    for _ in range(4):
        HookLetter.objects.update(state=LetterState.FAILED)
        assert olivia.post(act, said).status_code == 302
    HookLetter.objects.update(state=LetterState.FAILED)
    assert olivia.post(act, said).status_code == 409, "nor as often as one likes"
    HookLetter.objects.update(created_at=clock.now() - 2 * MINUTE)
    assert olivia.post(act, said).status_code == 302


def test_a_person_who_orders_a_backup_waits_for_no_hook(
    task: BackupTask, listener: Listener, sent: list[int]
) -> None:
    make_hook(task, listener.url, waits=True)
    bob, tina = due(task), due(task, "Tina Twin")
    with clock.travel(NIGHT):
        runs.backup_now(entities=Entity.objects.filter(pk=tina.pk))
    look(NIGHT + MINUTE)
    assert sent == [tina.pk]
    assert HookRound.objects.get().state == RoundState.ASKING
    assert bob.pk not in sent


def test_two_ticks_begin_one_round_and_another_task_is_not_concerned(
    task: BackupTask, cast: Cast, listener: Listener, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_hook(task, listener.url, waits=True)
    due(task)
    from .makers import make_task

    free = due(make_task(task.connection, name="Other"), "Free Fred")
    with clock.travel(NIGHT), every_account("two ticks"):
        from apps.backups.hooks import rounds

        faster = rounds._begin(task.pk)
        assert faster is not None
        assert rounds._begin(task.pk) is None
        assert closed_tasks() == {task.pk}
    assert HookLetter.objects.count() == 1
    look(NIGHT)
    assert sent == [free.pk]


def test_a_fault_in_hooks_stops_no_backup(
    task: BackupTask, listener: Listener, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.backups.hooks import rounds

    make_hook(task, listener.url, waits=True)
    due(task)

    def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(rounds, "_look_at", broken)
    assert look(NIGHT) == 1


def test_what_is_told_is_sent_again_with_growing_pauses_for_a_day_and_its_failure_is_visible(
    task: BackupTask, listener: Listener, olivia: Client
) -> None:
    hook, _ = make_hook(task, listener.url, HookMoment.AFTER)
    listener.answers = [500] * 100
    with clock.travel(NIGHT):
        letter = letters.write(hook, "round.after", {})
    pauses, now = [], NIGHT
    while letter.state == LetterState.WAITING:
        deliver(now)
        letter.refresh_from_db()
        if letter.next_try_at:
            pauses.append((letter.next_try_at - now - SOON).total_seconds())
            now = letter.next_try_at
    assert all(0 <= pauses[each] - pause < 15 for each, pause in ((0, 15), (1, 30), (-1, 3600))), pauses
    assert timedelta(hours=24) <= now - NIGHT < timedelta(hours=26)
    page = olivia.get(reverse("task_hooks", args=[task.public_id])).content.decode()
    assert "Failed" in page and "Answered 500." in page
    assert Activity.objects.get(code="hook.failed").status == "failed"


def test_an_address_inside_is_refused_when_set_and_when_it_leads_there_later(
    task: BackupTask, listener: Listener, settings: Any
) -> None:
    hook, _ = make_hook(task, listener.url, HookMoment.AFTER)
    settings.HOOK_PRIVATE_NETWORKS = []
    for url in (listener.url, "https://169.254.169.254/", "https://[::1]/x", "ftp://example.com/"):
        with pytest.raises(EverkeepError), acting_as_owner(task):
            hook_change(hook=hook, wanted=Wanted(moment=HookMoment.AFTER, url=url))
    letters.write(hook, "round.after", {})
    deliver(clock.now())
    assert listener.got == []
    assert "not an address of the public internet" in HookLetter.objects.get().said


def test_who_does_not_see_limited_mailboxes_is_not_told_their_number(
    task: BackupTask, listener: Listener, sent: list[int]
) -> None:
    make_hook(task, listener.url, waits=True)
    Hook.objects.update(whole=False)
    due(task)
    due(task, "Tina Twin", limited=True)
    look(NIGHT)
    deliver(NIGHT)
    assert json.loads(listener.got[0][1])["mailboxes"] == {"due": 1}


def test_the_page_sets_tries_changes_and_deletes_and_shows_a_secret_once(
    olivia: Client, task: BackupTask, listener: Listener
) -> None:
    address = reverse("task_hooks", args=[task.public_id])
    answer = olivia.post(address, {"moment": "before", "url": listener.url, "waits": "on", "otherwise": "skip"})
    secret = re.search(r'id="secret">([0-9a-f]{64})<', answer.content.decode())
    assert secret is not None
    hook = Hook.objects.get()
    assert secret[1].encode() not in bytes(hook.sealed_secret)
    assert secret[1] not in olivia.get(address).content.decode()
    olivia.post(reverse("hook_act", args=[hook.public_id]), {"action": "try"})
    assert 'hx-trigger="every 5s"' in olivia.get(address).content.decode()
    assert [letter.state for letter in deliver(clock.now())] == [LetterState.DELIVERED]
    log = olivia.get(address, headers={"HX-Request": "true", "HX-Target": "hook-log"}).content.decode()
    assert "Answered 200." in log and "<html" not in log and "every 5s" not in log
    edit = reverse("hook", args=[hook.public_id])
    assert listener.url.replace("?", "?") in olivia.get(edit).content.decode()
    olivia.post(edit, {"moment": "after", "url": listener.url, "active": "on"})
    hook.refresh_from_db()
    assert (hook.moment, hook.waits) == (HookMoment.AFTER, False)
    refused = olivia.post(address, {"moment": "after", "url": "http://10.0.0.1/"})
    said = refused.content.decode()
    assert refused.status_code == 422 and "public internet" in said
    assert said.index("Nothing was saved.") < said.index("hooks-title"), "it is seen without scrolling"
    olivia.post(reverse("hook_act", args=[hook.public_id]), {"action": "delete"})
    codes = list(Activity.objects.filter(code__startswith="hook.").values_list("code", flat=True))
    assert codes.count("hook.tried") == 1
    assert {"hook.created", "hook.changed", "hook.deleted"} <= set(codes)
    assert listener.url.split("?")[0] not in "".join(Activity.objects.values_list("item_label", flat=True))


def test_a_real_run_ends_its_round(mailbox: Mailbox, listener: Listener, sent: list[int]) -> None:
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    task = mailbox.entity.task
    make_hook(task, listener.url, HookMoment.AFTER)
    Entity.objects.update(next_run_at=mailbox.now - MINUTE, state=EntityState.ACTIVE)
    look(mailbox.now)
    assert HookRound.objects.get().state == RoundState.OPEN
    Entity.objects.update(lease_owner="", lease_until=None)
    mailbox.run()
    assert HookRound.objects.get().state == RoundState.ENDED
    deliver(clock.now() + timedelta(days=900))
    assert json.loads(listener.got[0][1])["mailboxes"]["success"] == 1
