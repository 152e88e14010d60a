"""Messages as they really come: every charset, every breakage, never an error."""

import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.connectors.microsoft.exchange.mail_compose import read_letter as compose
from apps.recovery.formats.eml import images_by_content_id, original_headers, read_letter, read_part
from apps.recovery.formats.letter_html import clean_html
from tests.recovery.factories import mail

_BESIDE = [folder / "shared" / "corpus" / "mail-a.tar.xz" for folder in Path(__file__).resolve().parents[3:]]
CORPUS = next((path for path in _BESIDE if path.exists()), None)


def test_a_letter_shows_its_headers_and_text() -> None:
    letter = read_letter(mail("Grüße aus Köln", "Guten Morgen, schön."))
    assert (letter.subject, letter.sender) == (
        "Grüße aus Köln",
        "Agata Brown <agata.brown@pizza-perfecto.example>",
    )
    assert letter.text.strip() == "Guten Morgen, schön."
    assert letter.date is not None and letter.date.isoformat() == "2026-11-14T13:28:00+00:00"


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-8859-1", "café"), ("windows-1252", "“smart” €"), ("koi8-r", "Привет"), ("gb2312", "你好"),
        ("big5", "中文"), ("shift_jis", "こんにちは"), ("iso-2022-jp", "日本"), ("euc-kr", "안녕"),
        ("windows-1256", "مرحبا"), ("iso-8859-8", "שלום"), ("utf-7", "Grüße"), ("ks_c_5601-1987", "한글"),
    ],
)  # fmt: skip
def test_every_charset_is_read(charset: str, text: str) -> None:
    python_name = {"ks_c_5601-1987": "cp949"}.get(charset, charset)
    data = (
        b"Subject: x\r\nContent-Type: text/plain; charset="
        + charset.encode()
        + b"\r\n\r\n"
        + text.encode(python_name)
    )
    assert read_letter(data).text == text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"no headers at all",
        b"Subject: =?utf-8?b?broken\r\nFrom: \"<>,;:\r\nTo: (((\r\nDate: yesterday-ish\r\n\r\nx",
        b"Subject: =?nonsense?q?a=FFb?=\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: ;;;\r\n\r\na\r\n--x",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!! not base64",
        b"Content-Type: text/plain; charset*0*=utf-8''%zz; name*1=b\r\n\r\nx",
        b"Date: Mon, 99 Foo 99999 99:99:99 +9999\r\n\r\nx",
        b"From: \xe4\xf6\xfc <a@b>\r\nSubject: \xd0\x9f\xd1\x80\r\n\r\nx",
        b"Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\nSubject: deep\r\n\r\nx",
        b"Content-Type: text/plain; charset=idna\r\n\r\n" + b"a" * 300 + b"\xff",
        b"Content-Type: text/plain; charset=base64\r\n\r\nx",
        b"Content-Type: text/plain; charset=zlib\r\n\r\nx",
        b"To: " + b"(" * 5_000 + b"\r\n\r\nx",
        b"Content-Type: message/rfc822\r\n\r\n" * 2_000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(999)),
    ],
)  # fmt: skip
def test_broken_mail_is_shown_as_far_as_it_goes(data: bytes) -> None:
    letter = read_letter(data)
    clean_html(letter.html, images_by_content_id(data))
    original_headers(data).encode()
    for part in letter.parts:
        assert read_part(data, part.number) is not None
    (letter.subject + letter.sender + letter.text + letter.html).encode()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.binary(max_size=400))
def test_any_bytes_are_a_letter(head: bytes, body: bytes) -> None:
    data = (
        b"Content-Type: multipart/mixed; boundary=b\r\nSubject: "
        + head
        + b"\r\n\r\n--b\r\n"
        + body
        + b"\r\n--b--"
    )
    letter = read_letter(data)
    (letter.subject + letter.text + letter.html).encode()
    assert [part.number for part in letter.parts] == list(range(len(letter.parts)))


def test_nesting_without_end_is_cut_off() -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(200)
    )
    assert len(read_letter(deep + b"x").parts) >= 1


@pytest.mark.timeout(20)
@pytest.mark.parametrize("charset", [b"punycode", b"Punycode", b"idna", b"unicode_escape"])
def test_a_strangers_charset_does_not_keep_us_busy(charset: bytes) -> None:
    text = b"a" * 500_000 + b"-" + b"b" * 500_000
    data = b"Subject: x\r\nContent-Type: text/plain; charset=" + charset + b"\r\n\r\n" + text
    assert read_letter(data).text == text.decode()
    assert compose(data).body == text.decode()


def test_attachments_are_told_from_the_text_and_from_its_pictures() -> None:
    data = (
        b"Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html\r\n\r\n"
        b'<img src="cid:logo">\r\n--r\r\nContent-Type: image/png; name=logo.png\r\n'
        b"Content-ID: <logo>\r\n\r\nPNG\r\n"
        b"--r\r\nContent-Type: application/pdf\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''R%C3%A9sum%C3%A9.pdf\r\n\r\nPDF\r\n"
        b"--r\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhi\r\n--r--"
    )
    letter = read_letter(data)
    assert [part.file_name for part in letter.attachments] == ["Résumé.pdf", "Enclosed message.eml"]
    found = read_part(data, letter.attachments[0].number)
    assert found is not None and found[1] == b"PDF"
    assert read_part(data, 99) is None


def test_the_corpus_of_real_mail_previews_without_an_error() -> None:
    if CORPUS is None:
        pytest.skip("the corpus of real mail is not here")
    read = 0
    with tarfile.open(CORPUS) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is None:
                continue
            data = stream.read()
            letter = read_letter(data)
            clean_html(letter.html, images_by_content_id(data))
            (letter.subject + letter.sender + letter.to + letter.text + original_headers(data)).encode()
            read += 1
    assert read > 2_000


def test_parameters_and_words_without_number_cost_themselves_only() -> None:
    """Hours, were the standard library asked for all of it."""
    bomb = b';"' + b";" * 600_000
    words = b"=?a?q?a?= " * 200_000
    head = b"Subject: %s\r\nContent-Type: multipart/mixed; boundary=b%s\r\n\r\n--b\r\n" % (words, bomb)
    letter = read_letter(
        head + b"Content-Disposition: attachment; filename=a.txt" + bomb + b"\r\n\r\nhello\r\n--b--\r\n"
    )
    assert [part.file_name for part in letter.attachments] == ["a.txt"]
