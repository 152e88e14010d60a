"""Exports: what comes out is byte for byte what the provider served, in parts that any program opens."""

import csv
import hashlib
import io
import zipfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.selectors import actor_of
from apps.activity.models import Activity
from apps.backups.selectors.points import point_of
from apps.core import clock
from apps.core.scope import account_scope
from apps.jobs.context import JobContext
from apps.jobs.models import Job, JobItem
from apps.recovery.exports.downloads import fetchers_of
from apps.recovery.exports.files import Entry, EntryLog, folder_of, parts_of, purge_expired
from apps.recovery.exports.links import link_token
from apps.recovery.exports.listing import About, add_lists, write_lists
from apps.recovery.exports.names import Names, folder_path
from apps.recovery.exports.part import PartWriter
from apps.recovery.exports.start import export_start
from apps.recovery.restore.target import open_target
from tests.cast import Cast
from tests.recovery.conftest import Office
from tests.recovery.factories import make_export


def archives(job: Job) -> list[zipfile.ZipFile]:
    opened = [zipfile.ZipFile(folder_of(job) / part.name) for part in parts_of(job)]
    assert all(archive.testzip() is None for archive in opened)
    return opened


def messages_in(job: Job) -> Counter[tuple[str, str]]:
    """Count folders and SHA-256 of every message in all parts."""
    return Counter(
        (name.rpartition("/")[0], hashlib.sha256(archive.read(name)).hexdigest())
        for archive in archives(job)
        for name in archive.namelist()
        if name.endswith(".eml")
    )


def listed(job: Job) -> list[dict[str, str]]:
    """Return the rows of the first part's table."""
    return list(csv.DictReader(io.StringIO(archives(job)[0].read("index/part-1.csv").decode("utf-8-sig"))))


def served(office: Office) -> Counter[tuple[str, str]]:
    return Counter(
        (folder_path(["Mail", *m["folder"].split("/")]).rstrip("/"), m["sha256"]) for m in office.live()
    )


def test_every_message_is_byte_for_byte_what_the_provider_served(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot)
    job = office.export(snapshot)
    assert (job.state, job.items_done) == ("succeeded", len(office.live())), job.message
    assert messages_in(job) == served(office)
    (part,) = parts_of(job)
    assert part.name == f"{office.bob.address}_Exchange_{job.created_at:%Y%m%d%H%M%S}_1.zip"
    rows = listed(job)
    assert len(rows) == job.items_total and {row["Outcome"] for row in rows} == {"Exported"}


def test_folders_whose_names_are_alike_in_an_archive_stand_there_once(office: Office) -> None:
    with open_target(office.bob) as live:
        for name in ("Rota: summer", "Rota? summer", "rota* summer"):
            live.do(live.items("mail").ensure_folder(None, name))
    snapshot = office.back_up()
    office.choose(snapshot)
    (archive,) = archives(office.export(snapshot))
    names = [name.casefold() for name in archive.namelist()]
    assert "mail/rota_ summer/" in names and len(set(names)) == len(names)


def test_a_large_export_comes_in_numbered_parts_without_doubles(office: Office, settings: Any) -> None:
    settings.EXPORT_PART_BYTES = 3_000
    snapshot = office.back_up()
    office.choose(snapshot)
    job = office.export(snapshot)
    assert len(parts_of(job)) > 2
    assert [part.name.rsplit("_", 1)[1] for part in parts_of(job)] == [
        f"{n + 1}.zip" for n in range(len(parts_of(job)))
    ]
    assert messages_in(job) == served(office)
    names = [n.casefold() for archive in archives(job) for n in archive.namelist() if n.endswith(".eml")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("moment", ["in a part", "after announcing", "while marking"])
def test_a_killed_worker_is_followed_by_one_that_repeats_nothing(
    office: Office, settings: Any, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    settings.EXPORT_PART_BYTES = 3_000
    snapshot = office.back_up()
    office.choose(snapshot)
    job = export_start(point=point_of(snapshot.run))
    _die_once(monkeypatch, moment)
    with pytest.raises(Killed):
        office.work(job)
    Job.objects.filter(pk=job.pk).update(lease_until=clock.now() - timedelta(minutes=5))
    (folder_of(job) / "left-over.unfinished").write_bytes(b"half a part")
    job = office.work(job)
    assert (job.state, job.items_done) == ("succeeded", job.items_total)
    assert messages_in(job) == served(office)
    assert not (folder_of(job) / "left-over.unfinished").exists()


class Killed(BaseException):
    """Like SIGKILL, nothing of ours handles it."""


def _die_once(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    from apps.jobs import runner
    from apps.recovery.exports import run

    calls = {"n": 0}

    def dying(original: Any, at: int) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls["n"] += 1
            if calls["n"] == at:
                raise Killed
            return original(*args, **kwargs)

        return call

    monkeypatch.setattr(runner, "_give_back", lambda context: None)
    if moment == "in a part":
        monkeypatch.setattr(PartWriter, "add", dying(PartWriter.add, 12))
    elif moment == "after announcing":
        monkeypatch.setattr(run._Export, "_mark", dying(run._Export._mark, 1))
    else:
        monkeypatch.setattr(JobContext, "done", dying(JobContext.done, 7))


def test_a_message_that_cannot_be_read_is_named_and_the_others_come(office: Office, tmp_path: Path) -> None:
    snapshot = office.back_up()
    office.choose(snapshot)
    job = export_start(point=point_of(snapshot.run))
    JobItem.objects.filter(pk=JobItem.objects.filter(job=job).earliest("pk").pk).update(node_version_id=999_999)
    job = office.work(job)
    assert (job.state, job.items_failed, job.items_done) == ("partial", 1, job.items_total - 1)
    rows = listed(job)
    assert [row["Why"] for row in rows if row["Outcome"] == "Failed"] == ["This version is no longer kept."]


def test_the_mail_names_the_link_and_the_link_leads_to_the_parts(
    office: Office, cast: Cast, client: Client
) -> None:
    snapshot = office.back_up()
    office.choose(snapshot)
    job = office.export(snapshot)
    (letter,) = outbox.outbox
    assert "Download within 72 hours" in letter.body
    client.force_login(cast.restorer)
    page = client.get(reverse("recovery_export_link", args=[link_token(job)]), follow=True).content.decode()
    assert parts_of(job)[0].name in page
    assert (
        reverse("recovery_downloads", args=[job.public_id])
        in client.get(reverse("job", args=[job.public_id])).content.decode()
    )


@pytest.fixture
def files(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, (200, b"0123456789", None)),
        ("bytes=0-3", (206, b"0123", "bytes 0-3/10")),
        ("bytes=7-", (206, b"789", "bytes 7-9/10")),
        ("bytes=-2", (206, b"89", "bytes 8-9/10")),
        ("bytes=5-900", (206, b"56789", "bytes 5-9/10")),
        ("bytes=10-", (416, b"", "bytes */10")),
        ("bytes=-0", (416, b"", "bytes */10")),
        ("bytes=5-2", (200, b"0123456789", None)),
        ("bytes=0-1,4-5", (200, b"0123456789", None)),
        ("lines=1-2", (200, b"0123456789", None)),
    ],
)
def test_a_download_goes_on_where_it_stopped(
    cast: Cast, client: Client, files: None, asked: str | None, expected: tuple[Any, ...]
) -> None:
    job = make_export(cast, b"0123456789")
    client.force_login(cast.restorer)
    address = reverse("recovery_download", args=[job.public_id, 1])
    got = client.get(address, headers={"Range": asked} if asked else {})
    content = b"".join(got.streaming_content) if got.streaming else got.content  # type: ignore[attr-defined]
    assert (got.status_code, content, got.get("Content-Range")) == expected
    assert got["Content-Disposition"].startswith("attachment") and got["Accept-Ranges"] == "bytes"
    changed = client.get(address, headers={"Range": "bytes=2-", "If-Range": '"other"'})
    assert changed.status_code == 200
    same = client.get(address, headers={"Range": "bytes=2-", "If-Range": got["ETag"]})
    assert same.status_code == 206


@pytest.mark.django_db
def test_downloads_are_for_those_who_may_export_now_and_are_written_down(
    cast: Cast, client: Client, files: None
) -> None:
    job = make_export(cast)
    address = reverse("recovery_download", args=[job.public_id, 1])
    for person, status in [
        (cast.viewer, 403),
        (cast.operator, 403),
        (cast.stranger, 404),
        (cast.restorer, 200),
    ]:
        client.force_login(person)
        assert client.get(address).status_code == status
    with account_scope(cast.account.pk):
        assert Activity.objects.filter(code="export.downloaded").count() == 1
    assert client.get(reverse("recovery_download", args=[job.public_id, 2])).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(("asked", "counted"), [("bytes=-999999", 2), ("bytes=1-", 1), ("bytes=00-", 2)])
def test_no_range_fetches_a_part_unseen(
    cast: Cast, client: Client, files: None, asked: str, counted: int
) -> None:
    job = make_export(cast, b"0123456789")
    client.force_login(cast.restorer)
    for _ in range(2):
        answer = client.get(reverse("recovery_download", args=[job.public_id, 1]), headers={"Range": asked})
        assert answer.status_code == 206
    with account_scope(cast.account.pk):
        assert Activity.objects.filter(code="export.downloaded").count() == counted


@pytest.mark.django_db
def test_downloads_are_counted_by_person_and_going_on_counts_once(
    cast: Cast, client: Client, files: None
) -> None:
    job = make_export(cast, b"0123456789")
    address = reverse("recovery_download", args=[job.public_id, 1])
    for person, asked in [(cast.restorer, "bytes=0-4"), (cast.restorer, "bytes=5-"), (cast.owner, "")]:
        client.force_login(person)
        assert client.get(address, headers={"Range": asked} if asked else {}).status_code in (200, 206)
    client.get(address)
    with account_scope(cast.account.pk):
        assert {(found.who, found.times) for found in fetchers_of(job)} == {
            (actor_label(cast.owner), 2), (actor_label(cast.restorer), 1),
        }  # fmt: skip
        assert Activity.objects.filter(code="export.downloaded").count() == 3
    page = client.get(reverse("recovery_downloads", args=[job.public_id])).content.decode()
    assert "Downloaded by" in page


def actor_label(person: User) -> str:
    with account_scope(person.memberships.get().account_id):
        return actor_of(person.memberships.get()).label


@pytest.mark.django_db(transaction=True)
def test_ended_downloads_are_dead_at_once_and_their_files_are_gone(
    cast: Cast, client: Client, files: None
) -> None:
    job = make_export(cast)
    client.force_login(cast.restorer)
    address = reverse("recovery_export_revoke", args=[job.public_id])
    assert client.post(address).status_code == 302
    assert client.get(reverse("recovery_download", args=[job.public_id, 1])).status_code == 404
    link = client.get(reverse("recovery_export_link", args=[link_token(job)]), follow=True).content.decode()
    assert "ended the downloads" in link
    assert not folder_of(job).exists()
    assert client.post(address).status_code == 302, "twice is once"
    with account_scope(cast.account.pk):
        assert Activity.objects.filter(code="export.revoked").count() == 1


@pytest.mark.django_db
def test_after_72_hours_links_are_dead_and_files_are_removed(cast: Cast, client: Client, files: None) -> None:
    job = make_export(cast, finished_at=clock.now() - timedelta(hours=72, minutes=1))
    client.force_login(cast.restorer)
    assert client.get(reverse("recovery_download", args=[job.public_id, 1])).status_code == 404
    assert (
        "Nothing to download"
        in client.get(reverse("recovery_downloads", args=[job.public_id])).content.decode()
    )
    assert purge_expired() == 0
    with clock.travel(clock.now() + timedelta(hours=2)):
        assert purge_expired() == 1
    assert not folder_of(job).exists()
    fresh = make_export(cast)
    assert purge_expired() == 0 and folder_of(fresh).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["nonsense", "a:b:c"])
def test_a_forged_link_leads_nowhere(cast: Cast, client: Client, token: str) -> None:
    client.force_login(cast.restorer)
    assert client.get(reverse("recovery_export_link", args=[token])).status_code == 404


def test_paths_are_short_safe_and_never_taken_twice() -> None:
    names = Names()

    def path_for(folders: list[str], subject: str) -> str:
        return names.path_for(folder_path(folders), subject, lambda path: [path + ".eml", path + ".json"])

    paths = [path_for(["Inbox", "../.."], subject) for subject in ("A/B", "a/b", "", "", "x" * 400)]
    assert paths[:4] == ["Inbox/Folder/A_B", "Inbox/Folder/a_b (2)", "Inbox/Folder/No subject",
                         "Inbox/Folder/No subject (2)"]  # fmt: skip
    assert (
        names.take("Inbox/Folder/plan.json")
        and path_for(["Inbox", "Folder"], "Plan") == "Inbox/Folder/Plan (2)"
    )
    assert names.file_for("Inbox/Folder/", "plan.json", otherwise="File") == "Inbox/Folder/plan (3).json"
    deep = path_for(["folder " * 9] * 30, "y" * 300)
    assert len(deep) < 260 and not any(".." in path for path in [*paths, deep])


def test_a_subject_becomes_neither_a_formula_nor_a_script_in_the_lists(tmp_path: Path) -> None:
    log = EntryLog(tmp_path, 1)
    log.add(Entry(7, "Mail/x.eml", name="</script><script>alert(1)</script>\u2028", person="=HYPERLINK(1)"))
    log.finish()
    write_lists(tmp_path, 1, About("Bob", ""))
    writer = PartWriter(tmp_path / "a.zip")
    add_lists(writer, tmp_path, tmp_path, 1)
    writer.finish()
    archive = zipfile.ZipFile(tmp_path / "a.zip")
    script = archive.read("index/part-1-1.js").decode("ascii")
    assert script.startswith("everkeep({") and "<" not in script
    assert "'=HYPERLINK(1)" in archive.read("index/part-1.csv").decode("utf-8-sig")
