"""The audit's daily head lies in the vault, where whoever owns the database cannot take it back or forge it."""

import re

import pytest
from django.core.management import call_command

from apps.accounts.models import Account
from apps.activity.heads import head_keep
from apps.activity.models import DailyHead, SecurityEvent
from apps.activity.verify import chain_verify
from apps.core.scope import account_scope
from apps.vault.services import open_vault
from tests.activity.chains import act, sql
from tests.cast import Cast

pytestmark = pytest.mark.database
HEADS = "audit/"


@pytest.fixture
def account(cast: Cast) -> Account:
    open_vault(account_id=cast.account.pk)
    act(cast.account, 4)
    head_keep(cast.account.pk)
    return cast.account


def kept(account: Account) -> list[str]:
    return [found.key for found in open_vault(account_id=account.pk).store.list(HEADS)]


def test_the_head_is_an_object_that_says_number_and_seal(account: Account) -> None:
    (key,) = kept(account)
    with account_scope(account.pk):
        seal = SecurityEvent.objects.get(sequence=4).seal
        assert DailyHead.objects.get().kept_at
    assert re.fullmatch(rf"audit/\d{{4}}-\d\d-\d\d-0000000004-{seal}-[0-9a-f]{{32}}", key)
    assert seal in open_vault(account_id=account.pk).store.get(key).decode()
    assert chain_verify(account.pk).compared == 2


def test_newest_entries_deleted_with_all_traces_in_the_database_are_named(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    sql("DELETE FROM audit_daily_head")
    sql("DELETE FROM security_event WHERE sequence > 2")
    with account_scope(account.pk):
        last = SecurityEvent.objects.get(sequence=2)
    sql("UPDATE audit_head SET sequence = 2, seal = %s", last.seal)
    with pytest.raises(SystemExit) as end:
        call_command("audit", "verify")
    assert end.value.code == 1
    assert "BROKEN at entry 3. It is missing: the vault had entry 4" in capsys.readouterr().out


def test_a_head_that_somebody_planted_in_the_store_is_told_apart(account: Account) -> None:
    store = open_vault(account_id=account.pk).store
    store.put_if_absent(kept(account)[0].replace("-0000000004-", "-0000000002-"), b"{}")
    verdict = chain_verify(account.pk)
    assert verdict.unbroken
    assert "not one of ours" in verdict.trouble
    with pytest.raises(SystemExit) as end:
        call_command("audit", "verify")
    assert end.value.code == 2


def test_who_has_no_vault_yet_gets_none_for_this(cast: Cast) -> None:
    act(cast.other_account)
    head_keep(cast.other_account.pk)
    with account_scope(cast.other_account.pk):
        assert DailyHead.objects.get().kept_at is None
    assert chain_verify(cast.other_account.pk).unbroken
