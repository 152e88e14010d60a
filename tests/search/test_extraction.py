"""Words out of what strangers wrote: odd charsets never fail, a hostile file costs its own text only."""

import io
import sys
import tarfile
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from apps.search.extraction.extracted import Cause, File
from apps.search.extraction.files import FileReader
from apps.search.extraction.mail import read_mail
from apps.search.extraction.plain import html_text

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "mail-a.tar.xz"


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return out.getvalue()


def raw(charset: str, body: bytes, kind: str = "text/plain") -> bytes:
    head = f"From: a@example.com\r\nSubject: x\r\nContent-Type: {kind}; charset={charset}\r\n"
    return f"{head}Content-Transfer-Encoding: 8bit\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("charset", "body", "word"),
    [
        ("iso-8859-1", "Grüße".encode("cp1252"), "Grüße"),
        ("gb2312", "你好".encode("gb18030"), "你好"),
        ("koi8-r", "привет".encode("koi8-r"), "привет"),
        ("no-such-charset", "Grüße".encode(), "Grüße"),
        ("zlib", b"plain", "plain"),
        ("us-ascii", b"\xff\xfe\xfd\x00 left", "left"),
        ('"utf-8', "Grüße".encode(), "Grüße"),
        ("utf-7", b"odd +2AA- half", "half"),
    ],
)
def test_a_charset_is_what_it_is_said_to_be_or_whatever_it_is(charset: str, body: bytes, word: str) -> None:
    text = read_mail(raw(charset, body)).text
    assert word in text
    assert text.encode("utf-8")


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode-escape"])
def test_no_charset_takes_quadratic_time(charset: str) -> None:
    """Half an hour, were these words read as what they say they are."""
    assert read_mail(raw(charset, b"-" + b"b" * 2_000_000)).text.startswith("-bbb")


def test_parameters_without_number_cost_themselves_only() -> None:
    """Minutes per header, were the parser asked for all of it: of the whole, of a part, of a name."""
    bomb = b';"' + b";" * 600_000
    part = b"--b\r\nContent-Type: text/plain%s\r\nContent-Disposition: attachment%s\r\n\r\nhello\r\n"
    head = b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b%s\r\n\r\n" % bomb
    found = read_mail(head + part % (bomb, b"; filename=a.txt" + bomb) + part % (b"", b"; filename=b.txt"))
    assert found.names == ["a.txt", "b.txt"]


def test_a_mail_gives_its_people_its_text_with_quotes_and_its_files() -> None:
    message = EmailMessage()
    message["From"] = "Zoë Müller <zoe@example.com>"
    message["To"] = '"Smith, Bob" <bob@example.com>, ann@example.com'
    message["Cc"] = "=?utf-8?q?J=C3=BCrgen?= <j@example.com>"
    message.set_content("the same in plain")
    message.add_alternative("<style>p{}</style><p>Vis<b>ible</b></p><blockquote>quoted</blockquote>", "html")
    message.add_attachment(b"one,two", maintype="text", subtype="csv", filename="Zahlen.csv")
    found = read_mail(message.as_bytes())
    assert found.senders == ("Zoë Müller <zoe@example.com>",)
    assert found.recipients == (
        "Smith, Bob <bob@example.com>",
        "ann@example.com",
        "Jürgen <j@example.com>",
    )
    assert found.text.split() == ["Visible", "quoted"]
    assert (found.names, [file.data for file in found.files]) == (["Zahlen.csv"], [b"one,two"])


def test_html_of_strangers_takes_linear_time() -> None:
    for piece in ("<!--", "<style>", "<p", "<", "&lt;", "<script", "</"):
        html_text(piece * 500_000)
    deep = raw("utf-8", b"", "multipart/mixed; boundary=b")
    assert read_mail(deep + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 3_000) is not None


def test_hostile_files_cost_their_own_text_only() -> None:
    with FileReader() as reader:
        inner = zipped(readme__txt="Grüße".encode(), deeper__zip=zipped(x__txt=b"hidden"))
        assert reader.texts(File("all.zip", "", inner)) == ["readme.txt", "Grüße", "deeper.zip"]
        bomb = zipped(huge__txt=b"0" * 100_000_000, after__txt=b"after")
        assert "0" * 100 not in "".join(reader.texts(File("bomb.zip", "", bomb)))
        for name in ("a.pdf", "a.docx", "a.xlsx", "a.odt", "a.zip", "a.tar", "a.rtf"):
            reader.texts(File(name, "", b"\x00not at all\xff" * 50))
        assert reader.texts(File("picture.png", "image/png", b"1")) == []
        assert reader.texts(File("large.pdf", "", bytes(50_000_001))) == []
        assert set(reader.trouble) == {Cause.UNREADABLE, Cause.TOO_LARGE}
        after = File("after.zip", "", zipped(good__txt=b"still works"))
        assert reader.texts(after) == ["good.txt", "still works"]


@pytest.mark.parametrize(
    ("script", "cause", "seconds"),
    [
        ("while True: pass", Cause.TOO_LONG, 1.0),
        ("import os; os.kill(os.getpid(), 9)", Cause.CRASHED, 60.0),
        # It stays alive: of one that lies and is gone either may be seen first.
        ("print('no frame' * 9, flush=True); import sys; sys.stdin.read()", Cause.TOO_LARGE, 60.0),
    ],
)
def test_a_reader_that_hangs_dies_or_lies_is_ended(script: str, cause: Cause, seconds: float) -> None:
    with FileReader(seconds=seconds, command=[sys.executable, "-c", script]) as reader:
        assert reader.texts(File("a.pdf", "", b"x" * 3_000_000)) == []
        assert reader.trouble == {cause: 1}


def test_the_reader_has_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERKEEP_MASTER_KEYS", "secret")
    answer = "import json, os, struct, sys; said = json.dumps({'texts': sorted(os.environ), 'bad': 0}).encode()"
    script = f"{answer}; sys.stdout.buffer.write(struct.pack('>I', len(said)) + said); sys.stdout.flush()"
    with FileReader(seconds=10.0, command=[sys.executable, "-c", f"{script}; sys.stdin.read()"]) as reader:
        assert set(reader.texts(File("a.pdf", "", b"x"))) <= {"LC_ALL", "LC_CTYPE", "PATH", "TMPDIR"}


def test_three_thousand_real_mails_all_have_people_and_words() -> None:
    if not CORPUS.exists():
        pytest.skip("the corpus of real mails is not here")
    count = without_people = without_text = 0
    with tarfile.open(CORPUS) as corpus:
        for member in corpus:
            if (opened := corpus.extractfile(member) if member.isfile() else None) is None:
                continue
            found = read_mail(opened.read())
            count += 1
            without_people += not found.senders
            without_text += not found.text.strip() and not found.files
            found.text.encode("utf-8")
            if count == 3_000:
                break
    assert count == 3_000
    assert without_people <= 30
    assert without_text <= 30


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is of Linux")
def test_no_program_that_the_reader_starts_gets_more_rights_than_it_has() -> None:
    with FileReader() as reader:
        assert reader.texts(File("a.zip", "", zipped(a__txt=b"inside"))) == ["a.txt", "inside"]
        assert reader._child
        assert "NoNewPrivs:\t1" in Path(f"/proc/{reader._child.pid}/status").read_text()
