"""Mail becomes what Graph creates a message of, whatever state it is in."""

import base64

import pytest

from apps.connectors.microsoft.exchange.item_write import RESTORE_KEY
from apps.connectors.microsoft.exchange.mail_compare import mail_faults, mail_lost
from apps.connectors.microsoft.exchange.mail_compose import MEETING, SEALED, SIGNED, read_letter
from apps.connectors.microsoft.exchange.mail_fields import message_json
from apps.core.errors import Malformed

NESTED = b"Subject: inner\r\nMessage-ID: <inner@x>\r\n\r\ninner text\r\n"


def properties(message: dict[str, object]) -> dict[str, str]:
    listed = message["singleValueExtendedProperties"]
    assert isinstance(listed, list)
    return {each["id"]: each["value"] for each in listed}


def test_html_is_the_body_and_every_other_part_is_an_attachment() -> None:
    letter = read_letter(
        b"Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: multipart/related; boundary=r\r\n\r\n"
        b"--r\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
        b"--a\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
        b'--a\r\nContent-Type: text/html\r\n\r\n<img src="cid:logo">\r\n--a--\r\n'
        b"--r\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.b64encode(b"PNG")
        + b"\r\n--r--\r\n--b\r\nContent-Type: application/pdf\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''%C3%A4.pdf\r\n\r\nPDF\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + NESTED + b"\r\n--b--\r\n"
    )
    assert (letter.subject, letter.body, letter.body_is_html) == ("Grüße", '<img src="cid:logo">', True)
    assert [(a.name, a.content_id, a.inline) for a in letter.attachments] == [
        ("part-3.png", "logo", True),
        ("ä.pdf", "", False),
        ("inner.eml", "", False),
    ]
    assert [a.content for a in letter.attachments] == [b"PNG", b"PDF", NESTED]


@pytest.mark.parametrize("encoding", ["7bit", "base64"])
def test_a_nested_message_comes_back_as_it_was_also_when_it_is_wrapped(encoding: str) -> None:
    inner = base64.encodebytes(NESTED) if encoding == "base64" else NESTED
    letter = read_letter(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee below\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + inner
        + b"\r\n--b--\r\n"
    )  # fmt: skip
    assert [attachment.content.strip() for attachment in letter.attachments] == [NESTED.strip()]


def test_an_invitation_keeps_its_calendar_part() -> None:
    letter = read_letter(
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nCome\r\n"
        b"--b\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n--b--\r\n"
    )
    assert letter.body == "Come"
    assert [(a.name, a.content_type) for a in letter.attachments] == [("invitation.ics", "text/calendar")]


@pytest.mark.parametrize(
    "mime",
    [
        b"",
        b"\r\n\r\n",
        b"not a mail at all",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: text/plain; charset=x-unknown-8bit\r\n\r\n\xe4\xf6",
        b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B\xff\xff",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!not base64",
        b"Subject: \xe4\xf6\xfc raw\r\nFrom: \xff <a@b>\r\n\r\nx",
        b"Subject: =?utf-8?b?%%%?=\r\nTo: =?x?q?y?= <>, ;;;\r\n\r\nx",
        b"Content-Type: a/b; name*0*=x''%; name*1=\r\n\r\nx",
        b"Content-Type: message/rfc822\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" * 30,
        bytes(range(256)) * 4,
    ],
)
def test_broken_mail_never_fails(mime: bytes) -> None:
    message = message_json(read_letter(mime), {}, [], "key")
    for text in (message["subject"], message["body"]["content"]):
        assert text == text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\x00", "")


def test_windows_text_without_a_charset_is_read_as_windows_text() -> None:
    assert read_letter(b"Content-Type: text/plain; charset=us-ascii\r\n\r\n\x80 5").body == "€ 5"


def test_a_received_mail_is_written_with_its_dates_and_read_state_and_no_draft() -> None:
    letter = read_letter(
        b"Subject: s\r\nIn-Reply-To: <a@x>\r\nReferences: <a@x>\r\nSensitivity: Private\r\n\r\nt"
    )
    kept = {
        "isRead": True,
        "receivedDateTime": "2024-01-31T11:00:00+01:00",
        "sentDateTime": "2024-01-31T09:59:00Z",
    }
    found = properties(message_json(letter, kept, [], "key"))
    assert found["Integer 0x0E07"] == "5"
    assert found["SystemTime 0x0E06"] == "2024-01-31T10:00:00Z"
    assert found["SystemTime 0x0039"] == "2024-01-31T09:59:00Z"
    assert found["Integer 0x0036"] == "2"
    assert (found["String 0x1042"], found["String 0x1039"]) == ("<a@x>", "<a@x>")
    assert found["String 0x007D"].startswith("Subject: s\r\nIn-Reply-To")
    assert found[RESTORE_KEY] == "key"


def test_an_unread_mail_stays_unread_and_a_draft_a_draft() -> None:
    letter = read_letter(b"Subject: s\r\n\r\nt")
    assert properties(message_json(letter, {}, [], "key"))["Integer 0x0E07"] == "4"
    assert "Integer 0x0E07" not in properties(message_json(letter, {"isDraft": True}, [], "key"))


def test_people_whom_exchange_would_refuse_are_left_out() -> None:
    letter = read_letter(
        b"From: Ann <ann@x.example>\r\nTo: undisclosed-recipients:;\r\nCc: Bob <bob@x.example>, nobody\r\n"
        b"Reply-To: invalid address, </o=ORG/ou=X/cn=Y>\r\n\r\nt"
    )
    message = message_json(letter, {}, [], "key")
    assert "toRecipients" not in message
    assert [person["emailAddress"]["address"] for person in message["ccRecipients"]] == ["bob@x.example"]
    assert [person["emailAddress"]["address"] for person in message["replyTo"]] == ["/o=ORG/ou=X/cn=Y"]
    assert message["from"]["emailAddress"] == {"name": "Ann", "address": "ann@x.example"}


def test_brackets_without_end_cost_the_address_and_not_the_mail() -> None:
    letter = read_letter(b"Subject: x\r\nTo: " + b"(" * 5_000 + b"\r\n\r\nText")
    assert (letter.subject, letter.body, letter.people["to"]) == ("x", "Text", [])


def test_parameters_and_words_without_number_cost_themselves_only() -> None:
    """Hours, were the standard library asked for all of it. An enclosed message comes back as it was."""
    bomb = b';"' + b";" * 600_000
    inner = b"Subject: in\r\nContent-Disposition: attachment; filename=a.txt" + bomb + b"\r\n\r\ninside"
    words = b"=?a?q?a?= " * 200_000
    head = b"Subject: %s\r\nContent-Type: multipart/mixed; boundary=b%s\r\n\r\n--b\r\n" % (words, bomb)
    letter = read_letter(head + b"Content-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--b--\r\n")
    assert [each.content for each in letter.attachments] == [inner]


def test_a_mail_nested_beyond_reading_fails_alone() -> None:
    """Any other error would end the restore of the whole mailbox, and each one after it at the same place."""
    with pytest.raises(Malformed):
        read_letter(b"Content-Type: message/rfc822\r\n\r\n" * 2_000)


PARTS = b"; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nText\r\n--b\r\n"


@pytest.mark.parametrize(
    ("mime", "lost"),
    [
        (b"From: a@x.example\r\nTo: undisclosed-recipients:;\r\n\r\nt", []),
        (
            b"From: Ann\r\nTo: b@x.example, Bob, nobody at all\r\n\r\nt",
            ["People without a valid address are missing in From (1), To (2)"],
        ),
        (
            b"X-Long: " + b"x" * 30_001 + b"\r\n\r\nt",
            ["Its internet headers: they are longer than Microsoft Graph takes"],
        ),
        (
            b"Content-Type: multipart/alternative" + PARTS + b"Content-Type: text/calendar; method=REQUEST",
            [MEETING],
        ),
        (b"Content-Type: multipart/mixed" + PARTS + b"Content-Type: text/calendar; method=PUBLISH", []),
        (b"Content-Type: multipart/signed" + PARTS + b"Content-Type: application/pkcs7-signature", [SIGNED]),
        (b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\nt", [SIGNED]),
        (b"Content-Type: application/x-pkcs7-mime\r\n\r\nt", [SEALED]),
    ],
)
def test_what_cannot_be_written_is_named(mime: bytes, lost: list[str]) -> None:
    assert mail_lost(read_letter(mime)) == lost


def test_whoever_is_missing_in_what_was_written_is_named_by_field() -> None:
    letter = read_letter(
        b"From: Ann <ANN@x.example>\r\nTo: b@x.example, </o=ORG/cn=C>\r\nCc: d@x.example\r\n\r\nt"
    )
    live = {
        "from": {"emailAddress": {"name": "Ann of X", "address": "ann@x.example"}},
        "sender": {"emailAddress": {"address": "ann@x.example"}},
        "toRecipients": [{"emailAddress": {"address": "b@x.example"}}],
        "ccRecipients": [{"emailAddress": {"address": "b@x.example"}}],
    }
    assert mail_faults(letter, {}, live) == ["Cc"]
