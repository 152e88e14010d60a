"""The scripted store itself: a fault that is not reached must be noticed."""

from pathlib import Path

import pytest

from apps.vault.store.backends.local import LocalStore
from apps.vault.store.errors import StoreUnavailable
from tests.faults.store import Fault, Killed, Kind, faulty


def test_an_unreached_fault_fails_the_test(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="never reached"),
        faulty(LocalStore(tmp_path), Fault(Kind.FAIL, 2)) as store,
    ):
        store.put_if_absent("one", b"x")


def test_each_kind_does_what_its_name_says(tmp_path: Path) -> None:
    good = LocalStore(tmp_path)
    with faulty(
        good,
        Fault(Kind.FAIL, 1, "put_if_absent"),
        Fault(Kind.LOST, 2, "put_if_absent"),
        Fault(Kind.TORN, 3, "put_if_absent"),
        Fault(Kind.SLOW, 1, "get"),
        Fault(Kind.KILL_AFTER, 1, "delete"),
    ) as store:
        with pytest.raises(StoreUnavailable):
            store.put_if_absent("one", b"1234")
        assert good.size("one") is None
        with pytest.raises(StoreUnavailable):
            store.put_if_absent("one", b"1234")
        assert good.get("one") == b"1234"
        with pytest.raises(Killed):
            store.put_if_absent("two", b"1234")
        assert good.get("two") == b"12"
        assert store.get("one") == b"1234"
        with pytest.raises(Killed):
            store.delete("one")
        assert good.size("one") is None
