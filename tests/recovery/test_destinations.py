"""Exports that go to a bucket: whole, once, gone on with after a kill, and nothing of the secret anywhere."""

# ruff: noqa: F811 - `everything` is a fixture of another file

import io
import os
import zipfile
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from apps.activity.models import Activity
from apps.backups.models import Snapshot
from apps.core import clock
from apps.core.errors import Conflict, EverkeepError
from apps.core.rotation import reseal_all
from apps.jobs.models import Job
from apps.recovery.exports.destinations.s3 import S3Destination
from apps.recovery.exports.destinations.services import destination_add, destination_remove, destination_test
from apps.recovery.exports.files import Part, folder_of, parts_of
from apps.recovery.exports.options import Options
from apps.recovery.exports.sending import Sending
from apps.recovery.models import Destination
from apps.vault.errors import StoreUnavailable, TriedTooOften
from apps.vault.store.backends import s3_files
from tests.fixtures.s3 import KEY_ID, SECRET, MotoServer
from tests.recovery.test_export_kinds import everything, export  # noqa: F401 - a fixture of that file

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def bucket(moto_server: MotoServer, settings: Any) -> str:
    settings.STORE_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    return moto_server.bucket(f"exports-{os.urandom(4).hex()}")


def add(server: MotoServer, bucket: str) -> Destination:
    return destination_add(
        name="Archive", bucket=bucket, folder="legal/2026", endpoint=server.endpoint, region="us-east-1",
        key_id=KEY_ID, secret=SECRET,
    )  # fmt: skip


def objects(server: MotoServer, bucket: str) -> dict[str, bytes]:
    client = server.store(bucket)._client
    found = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {each["Key"]: client.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found}


def test_the_parts_lie_in_the_bucket_and_here_no_more(
    everything: list[Snapshot],
    moto_server: MotoServer,
    bucket: str,
    client: Client,
    cast: Any,
) -> None:
    place = add(moto_server, bucket)
    assert objects(moto_server, bucket) == {}, "the file of the test is gone again"
    job, _ = export(everything, destination=place, part_bytes=5_000)
    assert (job.state, job.destination_label) == ("succeeded", f"Archive, {bucket}/legal/2026")
    parts, found = parts_of(job), objects(moto_server, bucket)
    folder = f"legal/2026/{parts[0].name.removesuffix('_1.zip')}_{job.public_id.hex[:8]}/"
    assert set(found) == {folder + part.name for part in parts} and all(part.sent for part in parts)
    assert all(zipfile.ZipFile(io.BytesIO(data)).testzip() is None for data in found.values())
    assert not list(folder_of(job).glob("*.zip"))
    client.force_login(cast.restorer)
    page = client.get(reverse("recovery_downloads", args=[job.public_id])).content.decode()
    assert "They lie in Archive" in page
    assert client.get(reverse("recovery_download", args=[job.public_id, 1])).status_code == 404


def test_a_send_that_was_killed_goes_on_with_what_is_there(
    moto_server: MotoServer, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_files, "PIECE_BYTES", 5 * 1024 * 1024)
    file, store, sent = tmp_path / "part.zip", moto_server.store(bucket, "x/"), list[int]()
    file.write_bytes(os.urandom(11 * 1024 * 1024))
    put = s3_files._put_piece

    def counted(store: Any, key: str, upload: str, number: int, piece: bytes) -> str:
        sent.append(number)
        return put(store, key, upload, number, piece)

    monkeypatch.setattr(s3_files, "_put_piece", counted)

    def dies() -> None:
        if len(sent) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        s3_files.send_file(store, "a.zip", file, dies)
    s3_files.send_file(store, "a.zip", file, lambda: None)
    assert sent == [1, 2, 3]
    assert objects(moto_server, bucket) == {"x/a.zip": file.read_bytes()}


def test_what_does_not_work_is_not_kept_and_our_own_network_is_not_reached(
    everything: list[Snapshot],
    moto_server: MotoServer,
    bucket: str,
    settings: Any,
) -> None:
    with pytest.raises(EverkeepError):
        add(moto_server, "no-such-bucket")
    settings.STORE_PRIVATE_NETWORKS = []
    with pytest.raises(EverkeepError, match="public internet"):
        add(moto_server, bucket)
    assert not Destination.objects.exists() and not objects(moto_server, bucket)


def test_the_secret_is_sealed_moves_to_a_new_master_key_and_is_told_nobody(
    everything: list[Snapshot],
    moto_server: MotoServer,
    bucket: str,
) -> None:
    place = add(moto_server, bucket)
    assert SECRET.encode() not in bytes(place.sealed_credentials)
    assert reseal_all() == 0
    said = [str(row.details) for row in Activity.objects.filter(code__startswith="export_destination")]
    assert said and not any(SECRET in text or KEY_ID in text for text in said)
    assert destination_test(place).trouble == ""
    limits = patch.object(S3Destination, "test", side_effect=TriedTooOften("Too often."))
    with limits, pytest.raises(TriedTooOften):
        destination_test(place)
    assert Destination.objects.get().trouble == "", "nothing was tried, so nothing is known to be broken"


def test_one_name_is_one_bucket_and_the_form_says_which(
    everything: list[Snapshot], moto_server: MotoServer, bucket: str, client: Client, cast: Any
) -> None:
    place = add(moto_server, bucket)
    with pytest.raises(Conflict, match="Archive"):
        add(moto_server, bucket)
    place.pk, place.public_id = None, uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        place.save(force_insert=True)
    client.force_login(cast.restorer)
    client.post(reverse("recovery_everything", args=[everything[-1].run.public_id]))
    page = client.get(reverse("recovery_export", args=[everything[-1].run.public_id])).content.decode()
    assert f"{bucket}/legal/2026 at {moto_server.endpoint}" in page


def test_a_destination_that_was_removed_ends_the_export_with_a_word(
    everything: list[Snapshot],
    moto_server: MotoServer,
    bucket: str,
) -> None:
    place = add(moto_server, bucket)
    from apps.backups.selectors.points import point_of
    from apps.jobs import runner
    from apps.recovery.exports.start import export_start
    from apps.recovery.services import selection_everything

    selection_everything(snapshot=everything[0])
    job = export_start(point=point_of(everything[0].run), options=Options(), destination=place)
    destination_remove(place)
    runner.run(job.pk)
    job = Job.objects.get(pk=job.pk)
    assert job.state == "failed" and "was removed" in job.message


def test_an_outage_is_waited_for_from_when_the_part_was_finished(tmp_path: Path, settings: Any) -> None:
    """An export may have worked for days before its first part is to go."""
    settings.DATA_DIR = tmp_path
    job = Job(created_at=clock.now() - timedelta(days=9))
    folder_of(job).mkdir(parents=True)
    path = folder_of(job) / "x_1.zip"
    path.write_bytes(b"PK")
    put_off: list[Any] = []
    context = SimpleNamespace(
        job=job, params={}, say=lambda _: None, postpone=lambda until, _: put_off.append(until)
    )

    class Dead:
        def send(self, *_: Any) -> None:
            raise StoreUnavailable("no answer")

    sending: Any = Sending(cast(Any, context))
    sending._sender = Dead()
    part = Part(1, path.name, 2, 1, 1)
    sending.send(part)
    assert len(put_off) == 1
    with clock.travel(clock.now() + timedelta(hours=25)), pytest.raises(StoreUnavailable):
        sending.send(part)
