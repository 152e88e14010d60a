"""A chain that is broken for a known cause: the operator vouches, once, for that break and no other."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from apps.activity import heads
from apps.activity.heads import Keeper, head_keep
from apps.activity.models import AuditEpoch, SecurityEvent
from apps.activity.verify import chain_verify
from apps.core.scope import account_scope
from tests.activity.chains import act, sql
from tests.activity.test_chain import Shelf, broken_at, rewrite_from, rows
from tests.cast import Cast

pytestmark = pytest.mark.database


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    made = Shelf()
    monkeypatch.setattr(heads, "_keepers", [Keeper("the vault", made.keep, made.heads)])
    return made


@pytest.fixture
def restored(cast: Cast, shelf: Shelf) -> Cast:
    """The database is that of a dump with two entries; the vault had the head of the fifth."""
    act(cast.account, 5)
    head_keep(cast.account.pk)
    sql("DELETE FROM audit_daily_head")
    sql("DELETE FROM security_event WHERE sequence > 2")
    sql("UPDATE audit_head SET sequence = 2, seal = %s", rows(cast.account)[-1].seal)
    act(cast.account, 1)
    assert broken_at(cast.account) == 4
    return cast


def vouch(cast: Cast, reason: str = "Restored the dump of Monday") -> None:
    call_command("audit", "vouch", str(cast.account.public_id), reason=reason, by="Ada")


def test_the_new_epoch_names_the_old_head_and_the_check_says_who_vouched_for_what(
    restored: Cast, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    old = rows(restored.account)[-1]
    vouch(restored)
    entry = rows(restored.account)[-1]
    assert (entry.sequence, entry.previous, entry.code) == (6, old.seal, "audit.vouched")
    assert entry.details["found_at"] == 4 and entry.actor_label == "Ada (operator)"
    act(restored.account, 2)
    call_command("audit", "verify", account=restored.account.public_id)
    said = "unbroken since entry 6, vouched by Ada for: Restored the dump of Monday, to entry 8"
    assert said in capsys.readouterr().out
    client.force_login(restored.owner)
    page = client.get(reverse("audit_list")).content.decode()
    assert "from entry 6 to entry 8" in page and "Restored the dump of Monday" in page


def test_entries_of_the_new_epoch_are_bound_as_ever_and_compared_with_new_heads(
    restored: Cast, shelf: Shelf
) -> None:
    vouch(restored)
    act(restored.account, 3)
    head_keep(restored.account.pk)
    assert chain_verify(restored.account.pk).unbroken
    sql("UPDATE security_event SET description = 'Nothing' WHERE sequence = 8")
    assert broken_at(restored.account) == 8
    rewrite_from(restored.account, 8)
    assert broken_at(restored.account) == 9, "the vault has another one"


def test_a_break_that_was_not_vouched_for_is_found(restored: Cast) -> None:
    vouch(restored)
    sql("UPDATE security_event SET description = 'Nothing' WHERE sequence = 2")
    finding = chain_verify(restored.account.pk).finding
    assert finding and finding.sequence == 2 and "not what was vouched for" in finding.what


def test_who_owns_the_database_alone_cannot_vouch(restored: Cast) -> None:
    vouch(restored)
    sql("UPDATE audit_epoch SET sealed = %s", b"\x01\x05test1" + bytes(90))
    assert broken_at(restored.account) == 4
    sql("DELETE FROM audit_epoch")
    assert broken_at(restored.account) == 4


def test_it_can_be_done_again_for_another_break(restored: Cast) -> None:
    vouch(restored)
    act(restored.account, 2)
    sql("UPDATE security_event SET description = 'Nothing' WHERE sequence = 7")
    vouch(restored, "A colleague repaired a row by hand")
    act(restored.account, 1)
    verdict = chain_verify(restored.account.pk)
    assert verdict.unbroken and verdict.since and verdict.since.sequence == 9
    sql("UPDATE security_event SET description = 'Nothing' WHERE sequence = 6")
    assert broken_at(restored.account) == 6


def test_nobody_vouches_for_what_is_unbroken_or_cannot_be_read(restored: Cast, shelf: Shelf) -> None:
    shelf.away = True
    with pytest.raises(CommandError, match="away"):
        vouch(restored)
    act(restored.other_account, 1)
    shelf.away = False
    shelf.kept.clear()
    with pytest.raises(CommandError, match="nothing to vouch for"):
        call_command("audit", "vouch", str(restored.other_account.public_id), reason="Just so")
    with account_scope(restored.other_account.pk):
        assert SecurityEvent.objects.count() == 1 and not AuditEpoch.objects.exists()
