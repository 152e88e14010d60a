"""Many rows in one go: apps/core/bulk.py, on whichever database the suite runs."""

from datetime import datetime

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import isolate_apps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.bulk import insert_rows, moment_adapter

pytestmark = [pytest.mark.django_db, pytest.mark.database]


with isolate_apps("apps.core"):

    class Pebble(models.Model):
        """A throw-away table with a unique key, text and bytes."""

        number = models.BigIntegerField(unique=True)
        label = models.TextField(null=True)
        data = models.BinaryField()

        class Meta:
            app_label = "core"
            db_table = "test_bulk_pebble"

        def __str__(self) -> str:
            return str(self.number)


@pytest.fixture(autouse=True)
def pebbles(db: None) -> None:
    serial, blob = ("integer", "blob") if connection.vendor == "sqlite" else ("bigserial", "bytea")
    columns = f"id {serial} primary key, number bigint unique, label text, data {blob}"
    connection.cursor().execute(f"CREATE TABLE test_bulk_pebble ({columns})")


def stored() -> list[tuple[int, str | None, bytes]]:
    return [(p.number, p.label, bytes(p.data)) for p in Pebble.objects.order_by("number")]


AWKWARD = [
    (1, "tab\tnewline\nback\\slash 'quote' %s ü", b"\x00\xff\\\n"),
    (2, None, b""),
    (-(2**62), "", b"\\."),
]


def test_rows_arrive_unchanged_whatever_they_hold() -> None:
    insert_rows(Pebble, ["number", "label", "data"], AWKWARD)
    assert stored() == sorted(AWKWARD)


def test_a_taken_key_fails_the_whole_batch() -> None:
    insert_rows(Pebble, ["number", "label", "data"], [(1, "first", b"")])
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(Pebble, ["number", "label", "data"], [(2, "new", b""), (1, "second", b"")])
    assert stored() == [(1, "first", b"")]


def test_taken_keys_are_left_out_when_asked() -> None:
    insert_rows(Pebble, ["number", "label", "data"], [(1, "first", b"")])
    for _ in range(2):
        insert_rows(
            Pebble,
            ["number", "label", "data"],
            [(2, "new", b""), (1, "second", b""), (2, "twice", b"")],
            ignore_conflicts=True,
        )
    assert stored() == [(1, "first", b""), (2, "new", b"")]


def test_no_rows_are_no_trouble() -> None:
    insert_rows(Pebble, ["number", "label", "data"], [], ignore_conflicts=True)
    assert stored() == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(moment=st.datetimes(timezones=st.timezones()))
def test_a_moment_is_written_as_django_would_write_it(moment: datetime) -> None:
    try:
        wanted = connection.ops.adapt_datetimefield_value(moment)
    except OverflowError:
        return
    assert moment_adapter(connection)(moment) == wanted
