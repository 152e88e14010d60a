"""Real backups become measures and alerts: by a scripted cloud night after night, and by the sandbox."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from unittest.mock import patch

import pytest
from django.core.management import call_command

from apps.alerts import pulling
from apps.alerts.enums import AlertState
from apps.alerts.models import Alert, Measure, Watch
from apps.alerts.pulling import accounts_to_measure, pull, snapshot_came
from apps.alerts.replaying import replay_account
from apps.alerts.services import alert_acknowledge
from apps.alerts.standing.forwards import look_at_rules
from apps.alerts.words import sentence
from apps.backups.engine.context import Limits
from apps.backups.models import Entity, Snapshot
from apps.connectors.enums import SubService
from apps.connectors.microsoft import connector
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.sandbox.testing import SandboxCloud
from tests.backups.test_run_against_sandbox import Backup
from tests.fixtures.mailbox import Mailbox
from tests.jobs.conftest import signed_in

NIGHTS, FEW = 15, 5
SETTINGS_ALONE = {SubService.SETTINGS: connector.READERS[SubService.SETTINGS]}


def live(mailbox: Mailbox, *, mails: int, nights: int) -> Mailbox:
    """Two mails come and one goes each day; each night it is backed up."""
    mailbox.limits = Limits()  # all mails of a night at once: how they are cut into pieces is proved elsewhere
    cloud = mailbox.cloud
    inbox = cloud.add_folder("Inbox")
    for number in range(mails):
        cloud.add_mail(inbox, f"Old {number}", b"Subject: x\r\n\r\nThe same words.\r\n")
    for night in range(nights):
        if night:
            cloud.delete_mail(next(iter(cloud.mails)))
            for _ in range(2):
                cloud.add_mail(inbox, f"Night {night}", b"Subject: y\r\n\r\nOther words.\r\n")
        assert mailbox.run() == "success"
    return mailbox


@pytest.fixture
def lived(mailbox: Mailbox) -> Mailbox:
    """A mailbox of 160 mails that was backed up for a fortnight."""
    return live(mailbox, mails=160, nights=NIGHTS)


@pytest.fixture
def young(mailbox: Mailbox) -> Mailbox:
    return live(mailbox, mails=5, nights=FEW)


def test_a_mass_deletion_is_told_once_with_its_numbers(lived: Mailbox, cast: Any) -> None:
    account = lived.entity.account_id
    assert accounts_to_measure() == [account]
    assert pull().measured == NIGHTS
    assert accounts_to_measure() == [] and not Alert.objects.exists()
    for key in list(lived.cloud.mails)[:72]:
        lived.cloud.delete_mail(key)
    assert lived.run() == "success"

    with patch.object(pulling, "raise_all", side_effect=SystemExit), pytest.raises(SystemExit):
        pull()  # killed between the measure and the alert: neither is there
    assert Measure.objects.count() == NIGHTS
    assert pull().alerts == 1
    assert pull().measured == 0
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.metric) == ("mass_deletion", "critical", "removed")
    assert alert.snapshot_number == NIGHTS + 1 and alert.facts["from"] == NIGHTS
    assert (alert.facts["value"], alert.facts["low"], alert.facts["high"]) == (72, 1, 1)
    assert Measure.objects.get(is_odd=True).odd == ["removed"]
    replayed = [(row.reading.number, row.findings[0].kind.value) for row in replay_account()]
    assert replayed == [(NIGHTS + 1, "mass_deletion")]

    with signed_in(cast.owner):
        alert_acknowledge(alert, "Asked Bob")
    for key in list(lived.cloud.mails)[:70]:
        lived.cloud.delete_mail(key)
    assert lived.run() == "success"
    pull()
    again = Alert.objects.exclude(pk=alert.pk).get()
    assert again.state == AlertState.OPEN, "what was acknowledged is behind us, this is not"


def test_a_backlog_is_measured_without_alarm_and_a_replay_shows_it(mailbox: Mailbox, capsys: Any) -> None:
    live(mailbox, mails=100, nights=2)
    for key in list(mailbox.cloud.mails)[:70]:
        mailbox.cloud.delete_mail(key)
    mailbox.run()
    Watch.objects.all().delete()  # as it was before anybody measured
    call_command("alerts", "measure")
    assert Measure.objects.count() == 3 and not Alert.objects.exists()
    call_command("alerts", "replay", "--since", "2026-01-02")
    said = capsys.readouterr().out
    assert "Many items deleted: Paula Pizza, mail #3: removed 70" in said
    assert "1 would have been raised." in said


def test_a_catalog_made_anew_out_of_the_vault_alarms_nobody(young: Mailbox) -> None:
    pull()
    measured = list(Measure.objects.values_list("pk", flat=True))
    for snapshot in young.snapshots():
        snapshot_came(Snapshot, snapshot, created=True)
    assert not pull().measured
    assert list(Measure.objects.values_list("pk", flat=True)) == measured
    Watch.objects.all().delete()
    Measure.objects.all().delete()
    for snapshot in young.snapshots():
        snapshot_came(Snapshot, snapshot, created=True)
    watch = Watch.objects.get()
    assert (watch.up_to, watch.committed, watch.quiet_up_to) == (0, FEW, FEW)


def test_a_marker_that_another_makes_meanwhile_does_not_fail_the_commit_of_a_backup(young: Mailbox) -> None:
    Watch.objects.update(committed=FEW - 1)
    with patch("django.db.models.query.QuerySet.first", return_value=None):
        snapshot_came(Snapshot, young.snapshots()[-1], created=True)
    assert Watch.objects.get().committed == FEW


def test_a_pass_ends_soon_and_goes_on_where_it_was(young: Mailbox) -> None:
    assert pull(most=2) == pulling.Pulled(2, 0, True)
    assert Watch.objects.get().up_to == 2
    assert pull(seconds=-1).measured == 1
    assert pull().measured == FEW - 3


def letter(number: int, ending: str = "csv") -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "Ann <ann@example.org>", "olivia.romano@pizza-perfecto.example"
    message["Subject"], message["Message-ID"] = f"Orders {number}", f"<orders-{number}@example.org>"
    message.set_content("Please see attached.")
    lines = "".join(f"{number};{line};Margherita;{line % 7}\r\n" for line in range(400))
    message.add_attachment(lines.encode(), maintype="text", subtype="csv", filename=f"orders-{number}.{ending}")
    return message.as_bytes()


def test_encryption_deletion_and_overwriting_at_the_source_are_found_by_the_next_backup(backup: Backup) -> None:
    cloud: SandboxCloud = backup.cloud
    who = backup.entity.address
    for number in range(60):
        cloud.deliver(who, letter(number), is_read=True)
    assert backup.run().verdict == "success"
    cloud.advance(1)
    for number in range(15):
        cloud.deliver(who, letter(number, "locked"), is_read=True)
    assert backup.run().verdict == "success"
    with acting_as(SYSTEM):
        pull()
        assert not Alert.objects.exists(), "a calm day, and people who send odd endings"
        assert cloud.incident(who, "encryption_as_text", share=1.0) >= 60
        assert backup.run().verdict == "success"
        pull()
        alert = Alert.objects.get(sub_service="mail")
        assert (alert.kind, alert.severity) == ("encryption", "critical")
        assert alert.facts["turned"] == 0, "what is text compresses, however it came about"
        assert alert.facts["other_endings"] >= 60
        assert "items whose files have other endings now" in sentence(alert)
        assert cloud.incident(who, "encryption", share=1.0) >= 60
        assert backup.run().verdict == "success"
        pull()
        alert = Alert.objects.get(sub_service="mail")
        assert (alert.kind, alert.severity) == ("encryption", "critical")
        assert alert.facts["turned"] >= 60
        assert alert.facts["opaque"] > 0.9
        cloud.incident(who, "mass_change", share=1.0)
        backup.run()
        cloud.incident(who, "mass_deletion", share=0.8)
        backup.run()
        pull()
    kinds = set(Alert.objects.filter(sub_service="mail").values_list("kind", flat=True))
    assert kinds == {"encryption", "mass_change", "mass_deletion"}
    assert Entity.objects.get().alerts.count() == Alert.objects.count()


def test_a_rule_to_a_stranger_is_told_by_the_next_backup(
    backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "READERS", SETTINGS_ALONE)
    assert backup.run().verdict == "success"
    backup.cloud.incident(backup.entity.address, "forwarding")
    assert backup.run().verdict == "success"
    with acting_as(SYSTEM), clock.travel(clock.now() + timedelta(days=backup.days)):
        look_at_rules()
    assert Alert.objects.get().severity == "critical"
    assert Alert.objects.get().facts["to"] == ["collector@elsewhere.example"]
