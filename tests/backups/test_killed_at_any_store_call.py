"""A small run killed at each call it makes to the store, journals included: nothing is lost, it completes.

The run is first let through, to learn how many calls there are (docs/vault-ordering.md, "Writing").
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from apps.backups.engine.context import Limits
from apps.backups.models import NodeVersion, Snapshot
from apps.core import clock
from apps.vault import api
from apps.vault.enums import CheckState, CheckTier, CheckTrigger
from apps.vault.health import run_check
from apps.vault.health.checks import check_open
from apps.vault.services import open_vault
from apps.vault.store.inspect import list_packs
from apps.vault.store.journal import list_journals
from apps.vault.vaults import OpenVault
from tests.faults.store import Fault, FaultyStore, Killed, Kind, faulty
from tests.fixtures.mailbox import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture(autouse=True)
def vault_folder(tmp_path: Path, settings: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "vault"
    settings.VAULT_URL = folder.as_uri()  # type: ignore[attr-defined]
    return folder


def route(patch: pytest.MonkeyPatch, store: FaultyStore) -> None:
    """Let the run see the store through this one."""

    def opened(*, account_id: int, shelf: int = 0) -> OpenVault:
        return replace(open_vault(account_id=account_id, shelf=shelf), store=store)

    patch.setattr(api, "open_vault", opened)


def people_work(mailbox: Mailbox, day: int) -> None:
    folder = next(iter(mailbox.cloud.folders), None) or mailbox.cloud.add_folder("Inbox")
    mails = sorted(mailbox.cloud.mails)
    if mails:
        mailbox.cloud.delete_mail(mails[0])
        mailbox.cloud.change_mail(mails[1], content=f"changed on day {day}".encode() * 20)
    for number in range(9):
        mailbox.cloud.add_mail(folder, content=f"day {day}, mail {number} ".encode() * 30)


def assert_sound(mailbox: Mailbox, days: list[dict[str, object]]) -> None:
    """Every committed day is as it was; every byte in the vault is whole."""
    for number, day in enumerate(days, 1):
        assert mailbox.state(number) == day, number
    with clock.travel(mailbox.now + timedelta(hours=1)):
        check = check_open(mailbox.entity.account_id, CheckTier.ALL, CheckTrigger.PERSON)
        while not run_check(check_id=check.pk):
            pass
    check.refresh_from_db()
    assert (check.state, check.findings) == (CheckState.CLEAN, 0), check.message


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Kind.KILL_BEFORE, Kind.KILL_AFTER])
def test_killed_at_any_store_call_of_a_run(
    mailbox: Mailbox, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox.limits = Limits(unit=2, units_ahead=1, seal_items=2, batch_items=2)
    people_work(mailbox, 0)
    assert mailbox.run() == "success"
    real = open_vault(account_id=mailbox.entity.account_id).store
    days: list[dict[str, object]] = [dict(mailbox.live())]
    counting = FaultyStore(real)
    with monkeypatch.context() as patch:
        route(patch, counting)
        people_work(mailbox, 1)
        assert mailbox.run() == "success"
    days.append(dict(mailbox.live()))
    assert counting.calls["put_if_absent"] >= 3, "packs and a journal"
    for call in range(1, counting.total + 1):
        people_work(mailbox, call + 1)
        before = Snapshot.objects.count()
        with monkeypatch.context() as patch, faulty(real, Fault(kind, call)) as store:
            route(patch, store)
            with pytest.raises(Killed):
                mailbox.run()
        connection.ensure_connection()
        assert Snapshot.objects.count() == before, "no snapshot without its journal"
        assert_sound(mailbox, days)
        assert mailbox.run() == "success"
        days.append(dict(mailbox.live()))
        assert_sound(mailbox, days)
    last = Snapshot.objects.count()
    assert not NodeVersion.objects.filter(first__gt=last).exists()
    assert list(list_packs(real))
    committed = set(Snapshot.objects.values_list("journal", flat=True))
    assert committed <= {name.short for name, _, _ in list_journals(real)}
