"""docs/reader/everkeep_reader.py with the application and its database gone."""

import json
import re
from pathlib import Path

import pytest

from tests.reader.bare import BareReader, Said
from tests.reader.conftest import NAMES, Leftover, digest

pytestmark = [pytest.mark.server, pytest.mark.django_db(transaction=True)]


def exported(folder: Path) -> dict[str, tuple[str, str]]:
    """Return folder and SHA-256 of every exported message by remote id, as the .json beside it says."""
    found = {}
    for about in folder.rglob("*.json"):
        said = json.loads(about.read_text())
        if "remote_id" not in said:
            continue
        (part,) = said["parts"]
        data = about.with_name(part["file"]).read_bytes()
        assert len(data) == part["size"] == said["size"] and part["file"].endswith(".eml")
        where = about.parent.relative_to(folder / NAMES[0] / "mail").as_posix()
        found[said["remote_id"]] = (where, digest(data))
    return found


def run(reader: BareReader, left: Leftover, action: str, *arguments: object) -> Said:
    return reader(action, left.store, "--recovery-key", "-", *arguments, given=left.key)


def test_the_bare_interpreter_has_nothing_of_ours(reader: BareReader) -> None:
    for name in ("django", "apps", "orjson", "boto3"):
        assert "ModuleNotFoundError" in reader.python(f"import {name}").err
    listed = sorted(path.name.partition(".")[0] for path in reader.folder.iterdir())
    assert set(listed) <= {"cryptography", "zstandard", "blake3", "cffi", "_cffi_backend", "pycparser"}


def test_every_day_comes_back_byte_for_byte(leftover: Leftover, reader: BareReader, tmp_path: Path) -> None:
    for number, (taken_at, live) in enumerate(leftover.days, 1):
        out = tmp_path / f"out-{number}"
        day = taken_at.date().isoformat()
        said = run(reader, leftover, "export", "--entity", leftover.address, "--day", day, "--to", out)
        assert said.status == 0, said.err
        assert exported(out) == live
    assert len({frozenset(live) for _, live in leftover.days}) == 3, "the days differ"


def test_list_shows_mailboxes_days_and_items(leftover: Leftover, reader: BareReader) -> None:
    said = run(reader, leftover, "list")
    assert said.status == 0 and f"Olivia Romano <{leftover.address}> mail" in said.out
    for number, (taken_at, live) in enumerate(leftover.days, 1):
        assert f"snapshot {number}  {taken_at.date()}" in said.out
        assert f"{len(live)} items" in said.out
    items = run(reader, leftover, "list", "--items", "--snapshot", 1).out
    assert items.count("\n  ") == len(leftover.days[0][1])


def test_verify_reads_everything(leftover: Leftover, reader: BareReader) -> None:
    said = run(reader, leftover, "verify")
    assert (said.status, said.err) == (0, "")
    assert re.search(r"[1-9]\d* packs?, [1-9]\d* blobs read; 1 chain ", said.out)
    assert run(reader, leftover, "verify", "--quick").status == 0


def test_a_master_key_opens_it_too(leftover: Leftover, reader: BareReader, tmp_path: Path) -> None:
    keys = tmp_path / "master"
    keys.write_text(f"# ours\n{leftover.master}\n")
    assert reader("verify", leftover.store, "--master-key", keys).status == 0


@pytest.mark.parametrize("key, words", [
    ("", "This is no recovery key"),
    ("EVK1-0000-0000-0000-0000-0000-0000-0000-0000-0000", "mistyped"),
    ("EVK1-000G-40R4-0M30-E209-185G-R38E-1W81-24GK-W3YY", "No vault here is opened by this recovery key"),
])  # fmt: skip
def test_a_wrong_key_says_so(leftover: Leftover, reader: BareReader, key: str, words: str) -> None:
    said = reader("verify", leftover.store, "--recovery-key", "-", given=key)
    assert said.status == 2 and words in said.err and said.out == ""


def test_the_key_is_never_shown(leftover: Leftover, reader: BareReader, tmp_path: Path) -> None:
    said = [run(reader, leftover, "list"), run(reader, leftover, "export", "--to", tmp_path / "out")]
    said.append(reader("list", leftover.store, "--recovery-key", "-", given=leftover.key[:-1] + "?"))
    assert not any(group in each.out + each.err for each in said for group in leftover.key.split("-")[1:])


def test_wrong_master_keys_and_wrong_folders_are_named(
    leftover: Leftover, reader: BareReader, tmp_path: Path
) -> None:
    keys = tmp_path / "master"
    name = leftover.master.partition(":")[0]
    keys.write_text(f"{name}:" + "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=")
    said = reader("verify", leftover.store, "--master-key", keys)
    assert said.status == 2 and "the key is another one" in said.err
    for wrong, words in ((tmp_path / "nowhere", "is not a folder"), (tmp_path, "There is no vault")):
        said = reader("list", wrong, "--recovery-key", "-", given=leftover.key)
        assert said.status == 2 and words in said.err


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def test_a_damaged_blob_is_named_with_its_mail_and_the_rest_comes_back(
    leftover: Leftover, reader: BareReader, tmp_path: Path
) -> None:
    flip(leftover.packs()[0], 60)
    said = run(reader, leftover, "verify")
    assert said.status == 1
    assert leftover.packs()[0].name in said.err and "Olivia Romano" in said.err and "is lost" in said.err
    out = tmp_path / "out"
    said = run(reader, leftover, "export", "--to", out)
    assert said.status == 1 and "DAMAGED: Olivia Romano" in said.err
    live, found = leftover.days[-1][1], exported(out)
    assert 0 < len(found) < len(live) and found.items() <= live.items()
    assert not [path for path in out.rglob("*") if path.is_file() and path.stat().st_size == 0]


def test_a_second_store_helps_where_the_first_is_damaged(
    leftover: Leftover, reader: BareReader, tmp_path: Path
) -> None:
    import shutil

    replica = tmp_path / "replica"
    shutil.copytree(leftover.store, replica)
    flip(leftover.packs()[0], 60)
    leftover.packs()[-1].unlink()
    leftover.journals()[0].write_bytes(b"")
    out = tmp_path / "out"
    said = reader("export", leftover.store, replica, "--recovery-key", "-", "--to", out, given=leftover.key)
    assert said.status == 0, said.err
    assert exported(out) == leftover.days[-1][1]


def test_a_missing_pack_and_a_missing_journal_are_noticed(leftover: Leftover, reader: BareReader) -> None:
    leftover.packs()[-1].unlink()
    said = run(reader, leftover, "verify")
    assert said.status == 1 and "is lost: " in said.err
    leftover.journals()[1].unlink()
    said = run(reader, leftover, "verify")
    assert said.status == 1 and "the journal of snapshot 2 is missing or damaged" in said.err


def test_a_renamed_journal_or_pack_is_refused(leftover: Leftover, reader: BareReader) -> None:
    first, second, _ = leftover.journals()
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)
    assert "lies another journal" in run(reader, leftover, "verify").err
    pack = leftover.packs()[0]
    pack.rename(pack.with_name("0" * 32))
    assert "lies another one" in run(reader, leftover, "verify").err


def test_nothing_is_overwritten_and_unknown_names_are_answered(
    leftover: Leftover, reader: BareReader, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    said = run(reader, leftover, "export", "--to", tmp_path / "full")
    assert said.status == 2 and "not an empty folder" in said.err
    said = run(reader, leftover, "export", "--to", tmp_path / "new", "--entity", "nobody@x.example")
    assert said.status == 2 and leftover.address in said.err
    said = run(reader, leftover, "export", "--to", tmp_path / "new", "--day", "2001-01-01")
    assert "no snapshot of that day" in said.out and not (tmp_path / "new").exists()
