"""One process at a time maintains a vault (docs/vault-ordering.md, V15)."""

from datetime import timedelta

import pytest

from apps.core import clock
from apps.core.scope import account_scope
from apps.vault.errors import VaultBusy
from apps.vault.leases import LEASE, maintenance
from apps.vault.models import VaultLease
from tests.cast import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def test_a_second_owner_is_told_who_holds_the_vault(cast: Cast) -> None:
    with account_scope(cast.account.pk), maintenance(cast.account.pk, "migration"):
        with pytest.raises(VaultBusy, match="migration"), maintenance(cast.account.pk, "garbage collection"):
            raise AssertionError("two owners")
        with account_scope(cast.other_account.pk), maintenance(cast.other_account.pk, "migration"):
            pass  # another account's vault is another vault
    with account_scope(cast.account.pk), maintenance(cast.account.pk, "garbage collection"):
        assert VaultLease.objects.get().purpose == "garbage collection"


def test_who_was_silent_too_long_writes_nothing_more(cast: Cast) -> None:
    account_id = cast.account.pk
    with account_scope(account_id), maintenance(account_id, "migration") as lease:
        with (
            clock.travel(clock.now() + LEASE + timedelta(seconds=1)),
            maintenance(account_id, "garbage collection") as successor,
        ):
            successor.renew()
            with pytest.raises(VaultBusy), lease.guard():
                raise AssertionError("two owners write")
            with successor.guard():
                assert VaultLease.objects.get().owner == successor.owner
        with pytest.raises(VaultBusy):
            lease.renew()
