"""The corpus that the vault is measured with: the same for everybody."""

from hashlib import sha256
from pathlib import Path

from tests.bench.corpus import Day, ensure_corpus

DIGEST = "9fc9ef9ab9ffb4554b8583fae58b4233dd212c4af3d1a4cb8abe10d57c822d53"


def digest(folder: Path) -> str:
    """Return one digest of all names and bytes below `folder`."""
    found = sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.update(f"{path.relative_to(folder)} {sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def test_the_same_seed_gives_the_same_bytes_on_every_machine(tmp_path: Path) -> None:
    ensure_corpus(tmp_path, scale=0.003)
    (tmp_path / "about.json").unlink()  # it says how long this took
    assert digest(tmp_path) == DIGEST


def test_a_day_changes_one_percent_and_takes_it_back(tmp_path: Path) -> None:
    about = ensure_corpus(tmp_path, scale=0.01)
    before = {path: path.read_bytes() for path in (tmp_path / "base").rglob("*") if path.is_file()}
    with Day(tmp_path):
        after = {path: path.read_bytes() for path in (tmp_path / "base").rglob("*") if path.is_file()}
        assert sum(before.get(path) != data for path, data in after.items()) == about["changed"]
    assert {path: path.read_bytes() for path in (tmp_path / "base").rglob("*") if path.is_file()} == before


def test_a_corpus_in_which_a_day_was_left_is_made_anew(tmp_path: Path) -> None:
    ensure_corpus(tmp_path, scale=0.003)
    before = digest(tmp_path / "base")
    Day(tmp_path).__enter__()  # and the process is killed
    assert digest(tmp_path / "base") != before
    ensure_corpus(tmp_path, scale=0.003)
    assert digest(tmp_path / "base") == before
