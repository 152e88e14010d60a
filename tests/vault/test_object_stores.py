"""One suite for every store: what apps/vault/store/backends/base.py promises."""

import itertools
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.vault.store.backends.base import ObjectInfo, ObjectStore
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.backends.parts import MULTIPART_FROM
from apps.vault.store.backends.prefixed import PrefixedStore
from apps.vault.store.errors import KeyRefused, ObjectConflict, ObjectLocked, ObjectMissing, ObjectTruncated
from apps.vault.store.mirror import Member, MirrorStore

_numbers = itertools.count()

# rclone checks signatures, moto honours conditions: no S3 server of tests does both.
_CLOUDS = ("rclone", "rclone-prefixed", "moto", "azure", "azure-prefixed", "gcs", "gcs-prefixed")
_SERVERS = [pytest.param(kind, marks=pytest.mark.server) for kind in _CLOUDS]
_FIXTURES = {"rclone": "s3_server", "moto": "moto_server", "azure": "azure_server", "gcs": "gcs_server"}
MakeStore = Callable[[], ObjectStore]


@pytest.fixture(params=["local", "local-prefixed", "mirror", *_SERVERS])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Makes empty stores of one kind."""

    def make() -> ObjectStore:
        kind, _, prefixed = request.param.partition("-")
        name, prefix = f"bucket-{next(_numbers)}", "some/folder/" if prefixed else ""
        if kind == "mirror":
            return MirrorStore([Member(n, LocalStore(tmp_path / f"{name}-{n}"), n > 0) for n in range(2)])
        if kind == "local":
            store: ObjectStore = LocalStore(tmp_path / name)
            return PrefixedStore(store, prefix) if prefixed else store
        server = request.getfixturevalue(_FIXTURES[kind])
        make_bucket = server.container if kind == "azure" else server.bucket
        return server.store(make_bucket(name), prefix)

    return make


@pytest.fixture
def store(new_store: MakeStore) -> ObjectStore:
    return new_store()


def test_what_is_put_is_there_whole_and_in_ranges(store: ObjectStore) -> None:
    data = bytes(range(256)) * 40
    assert store.put_if_absent("packs/ab/one", data) is True
    assert store.get("packs/ab/one") == data
    assert store.size("packs/ab/one") == len(data)
    assert store.get_range("packs/ab/one", 0, 1) == data[:1]
    assert store.get_range("packs/ab/one", 1000, 777) == data[1000:1777]
    assert store.get_range("packs/ab/one", len(data) - 5, 5) == data[-5:]


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    store.put_if_absent("empty", b"")
    assert (store.get("empty"), store.size("empty")) == (b"", 0)
    assert list(store.list("")) == [ObjectInfo("empty", 0)]


def test_a_large_object_arrives_whole(store: ObjectStore) -> None:
    data = bytearray(itertools.islice(itertools.cycle(b"0123456789abcdefg"), MULTIPART_FROM + 3_000_001))
    assert store.put_if_absent("large", data) is True
    assert store.size("large") == len(data)
    assert store.get("large") == data
    assert store.get_range("large", MULTIPART_FROM - 3, 6) == data[MULTIPART_FROM - 3 : MULTIPART_FROM + 3]


def test_putting_again_is_harmless_and_changes_nothing(store: ObjectStore) -> None:
    assert store.put_if_absent("a/one", b"first") is True
    assert store.put_if_absent("a/one", b"first") is False
    assert store.put_if_absent("a/one", b"other") is False
    assert store.get("a/one") == b"first"


def test_a_taken_name_with_another_size_is_a_conflict(store: ObjectStore) -> None:
    store.put_if_absent("a/one", b"first")
    with pytest.raises(ObjectConflict, match="a/one exists with 5 bytes instead of 9"):
        store.put_if_absent("a/one", b"different")
    assert store.get("a/one") == b"first"


def test_what_is_missing_is_named(store: ObjectStore) -> None:
    store.put_if_absent("a/one", b"first")
    assert store.size("a/two") is None
    for read in (lambda: store.get("a/two"), lambda: store.get_range("nowhere/two", 0, 1)):
        with pytest.raises(ObjectMissing, match="two"):
            read()


def test_a_range_beyond_the_end_is_refused(store: ObjectStore) -> None:
    store.put_if_absent("a/one", b"first")
    for offset, length in ((0, 6), (4, 2), (5, 1), (900, 10)):
        with pytest.raises(ObjectTruncated, match="a/one"):
            store.get_range("a/one", offset, length)


def test_the_list_is_sorted_and_keeps_to_its_folder(store: ObjectStore) -> None:
    for key in ("b/2", "b/1", "a/deep/er/x", "bb/1", "c"):
        store.put_if_absent(key, key.encode())
    assert [found.key for found in store.list("")] == ["a/deep/er/x", "b/1", "b/2", "bb/1", "c"]
    assert list(store.list("b/")) == [ObjectInfo("b/1", 3), ObjectInfo("b/2", 3)]
    assert list(store.list("nothing/")) == []


def test_deleting_removes_and_may_be_repeated(store: ObjectStore) -> None:
    store.put_if_absent("a/one", b"first")
    store.put_if_absent("a/two", b"second")
    for _ in range(2):
        store.delete("a/one")
    assert [found.key for found in store.list("a/")] == ["a/two"]
    assert store.put_if_absent("a/one", b"again") is True


def test_names_that_could_escape_are_refused(store: ObjectStore) -> None:
    odd = ("/", "/etc/passwd", "../x", "a/../../x", "a/./b", "a//b", ".hidden", "a\\b", "a\0b", "ü", "a" * 600)
    for key in ("", "a/", *odd):
        for use in (
            lambda key=key: store.put_if_absent(key, b"x"),
            lambda key=key: store.get(key),
            lambda key=key: store.get_range(key, 0, 1),
            lambda key=key: store.size(key),
            lambda key=key: store.delete(key),
            lambda key=key: store.locked_until(key),
        ):
            with pytest.raises(KeyRefused):
                use()
    for prefix in (*odd, *(f"{key}/" for key in odd)):
        with pytest.raises(KeyRefused):
            list(store.list(prefix))


def test_many_threads_may_put_the_same_object(store: ObjectStore) -> None:
    data = b"same" * 50_000
    written: list[bool] = []
    threads = [
        threading.Thread(target=lambda: written.append(store.put_if_absent("packs/same", data)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == 6 and any(written)
    assert store.get("packs/same") == data
    assert [found.key for found in store.list("")] == ["packs/same"]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.from_regex(r"[a-z0-9]{1,8}(/[A-Za-z0-9_-]{1,8}){0,3}", fullmatch=True),
        st.binary(max_size=300),
        max_size=8,
    )
)
def test_any_set_of_objects_comes_back(new_store: MakeStore, objects: dict[str, bytes]) -> None:
    store = new_store()
    # A name cannot be an object and a folder at once on a file system; the vault never does that.
    folders = {key[: key.rindex("/")] for key in objects if "/" in key}
    chosen = {
        key: data
        for key, data in objects.items()
        if not any(f == key or f.startswith(f"{key}/") for f in folders)
    }
    for key, data in chosen.items():
        store.put_if_absent(key, data)
    assert {found.key: store.get(found.key) for found in store.list("")} == chosen


def test_what_one_copy_keeps_of_a_deletion_goes_on_being_listed_and_goes_later(tmp_path: Path) -> None:
    home, former, replica = (LocalStore(tmp_path / name) for name in ("home", "former", "replica"))
    mirror = MirrorStore([Member(0, home), Member(1, former, True), Member(2, replica, True)])
    for each in (home, former, replica):
        each.put_if_absent("journals/one", b"a person's mail")
    with pytest.MonkeyPatch.context() as patch:

        def locked(key: str) -> None:
            raise ObjectLocked(f"{key} is protected against deletion.")

        patch.setattr(replica, "delete", locked)
        with pytest.raises(ObjectLocked):
            mirror.delete("journals/one")
    assert former.size("journals/one") is None, "what can go goes"
    assert [found.key for found in mirror.list("journals/")] == ["journals/one"]
    mirror.delete("journals/one")
    assert home.size("journals/one") is None and replica.size("journals/one") is None
