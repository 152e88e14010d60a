"""Mailboxes that are nearly full at Microsoft: told by its daily report, where somebody consented to it."""

from datetime import timedelta

import pytest

from apps.alerts.enums import AlertState
from apps.alerts.models import Alert, NearlyFull
from apps.alerts.standing import room
from apps.alerts.standing.rounds import look_at_account
from apps.alerts.words import sentence, way
from apps.backups.models import Entity
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.sandbox.defaults import READ_ROLES
from tests.backups.test_run_against_sandbox import Backup

pytestmark = pytest.mark.database
GB = 1024**3


def look(days: int) -> dict[str, str]:
    """The reports that are due so many days later, and the open alerts of full mailboxes: severity by key."""
    with clock.travel(clock.now() + timedelta(days=days)), acting_as(SYSTEM):
        for _account, connection in room.connections_due():
            room.look(connection)
        look_at_account()
    rows = Alert.objects.filter(kind="quota").exclude(state=AlertState.CLOSED)
    return {row.key.split(":")[1]: row.severity for row in rows}


def reports(backup: Backup) -> int:
    routes = backup.cloud.requests()["routes"]
    return sum(number for route, number in routes.items() if "/reports/" in route)


def test_who_is_nearly_full_is_told_once_a_day_and_until_there_is_room(backup: Backup) -> None:
    cloud = backup.cloud
    assert look(0) == {} and reports(backup) == 1
    cloud.set_mailbox(backup.entity.address, used=46 * GB)
    assert look(0) == {} and reports(backup) == 1, "the report of today is known"
    assert look(1) == {"warning": "warning"}
    alert = Alert.objects.get(kind="quota")
    assert sentence(alert) == "The mailbox is nearly full at Microsoft: 49.4 GB of 53.7 GB are used, 92 %."
    assert alert.entity == backup.entity and way(alert)[1] == "Open the mailbox"
    cloud.add_fault("error", path="/reports/", status=503, count=None)
    assert look(2) == {"warning": "warning"}, "what the last report said stays"
    cloud.clear_faults()
    cloud.set_mailbox(backup.entity.address, used=50 * GB)
    assert look(4) == {"critical": "critical"}
    assert "The mailbox takes no more mail" in sentence(Alert.objects.get(severity="critical"))
    Entity.objects.update(properties={"userPrincipalName": "somebody.else@pizza-perfecto.example"})
    assert look(6) == {}, "the report names people by what they sign in with"
    assert not cloud.contract_violations()


def test_names_that_are_concealed_are_said_once_and_without_consent_nothing_is_asked(backup: Backup) -> None:
    cloud = backup.cloud
    cloud.set_mailbox(backup.entity.address, used=46 * GB)
    cloud.switch(conceal_names=True)
    assert look(0) == {"concealed": "notice"} and not NearlyFull.objects.exists()
    assert "shows no names in its usage reports" in sentence(Alert.objects.get(kind="quota"))
    cloud.grant_consent(cloud.manual.client_id, [each for each in READ_ROLES if "Reports" not in each])
    cloud.expire_tokens()
    assert look(2) == {}
    asked = reports(backup)
    assert look(4) == {} and reports(backup) == asked, "a token that says no is answer enough"
