"""Files inside of mails that are called otherwise: seen in the heads of mails, a sample of them at most."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from unittest.mock import patch

import pytest

from apps.alerts import endings
from apps.alerts.endings import SAMPLE, other_endings
from apps.backups.selectors.measuring import ItemState, Turn
from apps.vault.api import BlobMissing, ContentPart, Role, decode_content, encode_content

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Vault:
    """Heads of mails by their blob."""

    def __init__(self) -> None:
        self.heads, self.read_of = dict[bytes, bytes](), list[bytes]()

    def expect(self, parts: Sequence[ContentPart]) -> None:
        pass

    def read(self, part: ContentPart) -> bytes:
        self.read_of.append(part.blobs[0])
        if part.blobs[0] not in self.heads:
            raise BlobMissing("gone", blob_id=part.blobs[0])
        return self.heads[part.blobs[0]]

    def mail(self, number: int, *files: str, at: datetime = NOON, place: str = "here") -> ItemState:
        parts = "".join(
            f'--x\r\nContent-Type: application/octet-stream; name="{name}"\r\n'
            f'Content-Disposition: attachment; filename="{name}"\r\n\r\n.\r\n'
            for name in files
        )
        head = f"Content-Type: multipart/mixed; boundary=x\r\n\r\n{parts}--x--\r\n".encode()
        blob = f"{number} {place} {len(self.heads)}".encode().ljust(32)
        self.heads[blob] = head
        content = encode_content([ContentPart(Role.MIME, len(head), (blob,))])
        name = f"Letter {number}"
        return ItemState(f"{place} {number}", number, 1, name, len(head), at, bool(files), content)


@pytest.fixture
def vault() -> Iterator[Vault]:
    vault = Vault()
    with patch.object(endings, "open_reader", return_value=vault):
        yield vault


def rewritten(vault: Vault, count: int, was: Sequence[str], now: Sequence[str]) -> list[Turn]:
    return [Turn(vault.mail(number, *was), vault.mail(number, *now)) for number in range(count)]


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        (["a.pdf", "b.docx"], ["a.pdf.locked", "b.docx.locked"], True),
        (["logo.png", "b.docx"], ["logo.png", "8F3A.k7x"], True),
        (["a.tar"], ["a"], True),
        (["a.pdf"], ["other.PDF"], False),
        (["a.pdf"], ["a.pdf", "b.locked"], False),
        (["a.pdf", "b.docx"], ["a.pdf"], False),
        (["a.locked"], ["b.locked"], False),
    ],
)
def test_one_file_gone_and_another_ending_that_was_not_there(
    vault: Vault, was: list[str], now: list[str], told: bool
) -> None:
    assert other_endings(1, rewritten(vault, 30, was, now)) == (30 if told else 0)


def test_mails_that_came_anew_as_they_were_but_for_their_files_are_the_same_mails(vault: Vault) -> None:
    gone = [Turn(vault.mail(number, "a.pdf"), None) for number in range(40)]
    locked = [Turn(None, vault.mail(number, "a.pdf.locked", place="anew")) for number in range(40)]
    assert other_endings(1, [*gone, *locked]) == 40
    next_day = [
        Turn(None, vault.mail(number, "a.xlsx", at=NOON.replace(day=3), place="next")) for number in range(40)
    ]
    assert other_endings(1, [*gone, *next_day]) == 0, "the same subject on another day is another mail"


def test_little_is_read_and_what_cannot_be_read_says_nothing(vault: Vault) -> None:
    assert other_endings(1, rewritten(vault, 19, ["a.pdf"], ["a.locked"])) == 0
    assert other_endings(1, [Turn(None, vault.mail(number, "a.locked")) for number in range(50)]) == 0
    assert not vault.read_of, "so few, and mails that only came, are not looked into"
    deep = rewritten(vault, 30, ["a.pdf"], ["a.pdf.locked"])
    (blob,) = decode_content(deep[0].after.content)[0].blobs if deep[0].after else ()
    vault.heads[blob] = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(1_000)
    )
    assert other_endings(1, deep) == 29
    vault.read_of.clear()
    many = rewritten(vault, 500, ["a.pdf"], ["a.pdf.locked"])
    assert other_endings(1, many, times=2.0) == 1_000
    assert len(vault.read_of) == 2 * SAMPLE
    vault.heads.clear()
    assert other_endings(1, many) == 0
