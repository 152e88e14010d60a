"""The weekly drill restores a sample to memory, says what is not as it was, and signs what it says."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core import mail as outbox
from django.core.management import CommandError, call_command

from apps.backups.models import Entity, NodeVersion
from apps.backups.selectors.browse import Node, Stored
from apps.core import clock
from apps.core.errors import InvalidRequest, Unavailable
from apps.core.scope import account_scope
from apps.notifications.sending import send_due
from apps.recovery.drill import run as drill_run
from apps.recovery.drill.compare import compare
from apps.recovery.drill.report import as_file, verified
from apps.recovery.drill.run import run_drill, tasks_due
from apps.recovery.drill.whole import Whole
from apps.recovery.enums import DrillState
from apps.recovery.models import Drill
from apps.vault.api import decode_content
from apps.vault.models import BlobLocation, Damage
from tests.cast import Cast
from tests.recovery.factories import FIRST_DAY, Mailbox, mail, make_entity, store

SENT = datetime(2026, 11, 14, 13, 28, tzinfo=UTC)  # as factories.mail says
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def entity(cast: Cast, tmp_path: Path, settings: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    """Bob's mailbox with three days of small, middling and large mails."""
    settings.VAULT_URL = (tmp_path / "vault").as_uri()  # type: ignore[attr-defined]
    with (
        account_scope(cast.account.pk),
        patch.object(drill_run, "open_connector", side_effect=Unavailable("The source does not answer.")),
    ):
        box = Mailbox(make_entity())
        inbox = box.folder("inbox", "Inbox")
        for day in range(3):
            for number, size in enumerate((10, 30_000, 1_200_000, 20)):
                name = f"Letter {day} {number}"
                data = mail(name, "word " * (size // 5))
                box.item(name, inbox, name, size=len(data), content=store(data), time=SENT)
            box.day()
        yield box.entity


def report_of(drill) -> dict:  # type: ignore[no-untyped-def,type-arg]
    return json.loads(drill.report)


def test_a_sound_backup_passes_with_items_of_every_size_and_age(entity: Entity) -> None:
    drill = run_drill(task_id=entity.task_id, seed=1)
    assert drill is not None
    assert (drill.state, drill.failed, drill.notes) == (DrillState.PASSED, 0, 0), drill.report
    strata = report_of(drill)["sample"]
    for word in ("newest", "between", "oldest", "small", "middling", "large"):
        assert any(word in stratum for stratum in strata), f"no {word} item among {sorted(strata)}"
    assert drill.items == sum(strata.values())
    assert drill.size == sum(line["bytes"] for line in report_of(drill)["lines"])
    assert drill.seconds > 0
    assert report_of(drill)["live source"] == {"asked": 0, "why not": "The source does not answer."}
    assert outbox.outbox == []


def test_a_blob_that_is_gone_fails_the_drill_which_names_the_item_and_mails_administrators(
    entity: Entity, cast: Cast
) -> None:
    row = NodeVersion.objects.filter(name="Letter 0 2").get()
    (part,) = decode_content(bytes(row.content))
    BlobLocation.objects.filter(blob_id=part.blobs[0]).delete()
    drill = run_drill(task_id=entity.task_id, seed=1)
    assert drill is not None and drill.state == DrillState.FAILED
    named = [line["label"] for line in report_of(drill)["lines"] if line["faults"]]
    assert set(named) == {"Letter 0 2"}
    send_due()
    assert [m.to for m in outbox.outbox] == [[cast.owner.email]], "administrators, and nobody else"
    assert "did not pass" in outbox.outbox[0].body
    assert bytes(Damage.objects.get().blob_id) == part.blobs[0], "the vault knows of it, too"


def test_an_altered_row_fails_the_drill(entity: Entity) -> None:
    NodeVersion.objects.filter(name="Letter 1 2").update(size=1_300_000)
    drill = run_drill(task_id=entity.task_id, seed=1)
    assert drill is not None and drill.state == DrillState.FAILED
    faults = [line["faults"] for line in report_of(drill)["lines"] if line["label"] == "Letter 1 2"]
    assert faults and all("instead of 1,300,000" in each[0] for each in faults)


def test_a_subject_that_the_provider_told_otherwise_is_a_note_and_no_failure(entity: Entity) -> None:
    NodeVersion.objects.filter(name="Letter 0 0").update(name="Quite another subject")
    drill = run_drill(task_id=entity.task_id, seed=1)
    assert drill is not None
    assert (drill.state, drill.failed) == (DrillState.PASSED, 0)
    assert drill.notes >= 1


def test_the_report_verifies_as_it_is_and_no_longer_when_one_figure_is_changed(
    entity: Entity, settings: pytest.FixtureRequest
) -> None:
    drill = run_drill(task_id=entity.task_id, seed=1)
    assert drill is not None
    file = as_file(drill)
    assert verified(file)["items"] == drill.items
    parts = json.loads(file)
    parts["report"] = parts["report"].replace('"failed": 0', '"failed": 1')
    with pytest.raises(InvalidRequest, match="was changed"):
        verified(json.dumps(parts))
    for nonsense in ("", "[]", '{"report": 1}', "no json"):
        with pytest.raises(InvalidRequest, match="not the report"):
            verified(nonsense)
    settings.SECRET_KEY = "another " * 10  # type: ignore[attr-defined]
    with pytest.raises(InvalidRequest, match="another key"):
        verified(file)


def test_a_task_is_due_a_week_after_its_last_drill_and_never_without_backups(
    entity: Entity, cast: Cast
) -> None:
    with clock.travel(FIRST_DAY + timedelta(days=3)):
        assert tasks_due() == [(cast.account.pk, entity.task_id)]
        assert run_drill(task_id=entity.task_id) is not None
        assert tasks_due() == []
    with clock.travel(FIRST_DAY + timedelta(days=11)):
        assert tasks_due() == [(cast.account.pk, entity.task_id)]
        Entity.objects.update(last_snapshot_at=None)
        assert tasks_due() == []


def test_the_command_drills_and_verifies(entity: Entity, tmp_path: Path) -> None:
    out = StringIO()
    call_command("drill", "run", str(entity.task.public_id), stdout=out)
    assert "were restored to memory as they were" in out.getvalue()
    file = tmp_path / "report.json"
    file.write_text(as_file(Drill.objects.get()))
    call_command("drill", "verify", str(file), stdout=out)
    assert "This installation wrote it" in out.getvalue()
    file.write_text(file.read_text().replace("restored", "lost"))
    with pytest.raises(CommandError, match="was changed"):
        call_command("drill", "verify", str(file))
    NodeVersion.objects.filter(name="Letter 1 2").update(size=1_300_000)
    with pytest.raises(SystemExit):
        call_command("drill", "run", stdout=out)


def test_a_document_is_restored_with_its_files_and_one_that_names_none_of_them_is_a_fault() -> None:
    def node(size: int) -> Node:
        return Node(1, "ann", None, False, "", "Ann", "", "", None, size, False, "", 1, None)

    photo = b"\x89PNG"
    sound = Whole(b'{"attachments":[{"part":0}],"displayName":"Ann"}', (photo,), is_document=True)
    bare = Whole(b'{"displayName":"Ann"}', (photo,), is_document=True)
    broken = Whole(b"{", is_document=True)
    inside = Whole(b'{"exceptions":[{"attachments":[{"part":0}]}]}', (photo,), is_document=True)
    stored = Stored(b"", b"{}")
    faults = [len(compare(node(each.size), stored, each).faults) for each in (sound, bare, broken, inside)]
    assert faults == [0, 1, 1, 0]
