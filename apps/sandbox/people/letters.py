"""What people write: topics, HTML with pictures, attachments that go round, odd charsets, invitations."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.header import Header
from email.utils import format_datetime
from functools import lru_cache
from random import Random

from . import envelope
from .envelope import Part
from .papers import docx, pdf, png_dot, xlsx

TOPICS = (
    "Oven maintenance", "New autumn menu", "Delivery times on Friday", "Mozzarella order",
    "Staff rota", "Invoice",
    "Customer complaint about cold pizza", "Gluten-free dough", "Shop opening in Leeds",
    "Photo shoot", "Budget",
    "Parking permits", "Tasting session", "Loyalty cards", "Box supplier", "Allergen labels", "Team lunch",
    "Website texts", "Payroll questions", "Fire drill", "Basil shortage", "Quarterly figures",
)  # fmt: skip
OPENINGS = ("Hi {name},", "Hello {name},", "Dear {name},", "Good morning {name},")
SENTENCES = (
    "could you have a look at the attached figures before noon?",
    "the supplier confirmed the delivery for Thursday morning.",
    "we sold more Margherita than in any other week this year.",
    "please answer the customer and offer a voucher.",
    "the new boxes keep the pizza warm for ten minutes longer.",
    "I moved the meeting to half past two because of the stocktake.",
    "the council asks for the fire certificate of the second kitchen.",
    "let us try the sourdough again, with less water this time.",
    "accounts needs the receipts by the end of the month.",
    "thank you for covering the late shift yesterday.",
    "the photographs for the menu are ready, I like the third one best.",
    "nobody has ordered the anchovy special since Tuesday.",
)
CLOSINGS = ("Best regards", "Thanks", "Kind regards", "Ciao")
FILES = (
    ("Rota.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 9_000),
    ("Menu autumn.pdf", "application/pdf", 48_000),
    ("Invoice 2047.pdf", "application/pdf", 14_000),
    ("Allergens.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", 17_000),
    ("Oven.jpg", "image/jpeg", 61_000),
    ("Price list.csv", "text/csv", 3_000),
)
PAPERS: dict[str, Callable[[list[str], int, Random], bytes]] = {"pdf": pdf, "docx": docx, "xlsx": xlsx}


@dataclass(slots=True)
class Draft:
    """A mail to be written. `people` are (name, address)."""

    author: tuple[str, str]
    people: list[tuple[str, str]]
    topic: str
    when: datetime
    number: str
    in_reply_to: list[str] = field(default_factory=list)
    style: str = "plain"

    @property
    def message_id(self) -> str:
        return f"<{self.number}@mail.{self.author[1].partition('@')[2]}>"


@lru_cache(maxsize=64)
def file_bytes(name: str, size: int) -> bytes:
    """The same bytes for the same file, wherever it is attached."""
    if name.endswith(".csv"):
        lines = "\r\n".join(f"{n};Pizza {n};{4 + n % 9}.{n % 100:02d}" for n in range(size // 18))
        return lines.encode()
    random = Random(f"file-{name}")
    title, _, kind = name.rpartition(".")
    said = [f"{title}, Pizza Perfecto", *random.sample(SENTENCES, 6)]
    if kind in PAPERS:
        return PAPERS[kind](said, size, random)
    heads = {"jpg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "png": png_dot()}
    head = heads.get(kind, b"PK\x03\x04")
    return head + random.randbytes(max(0, size - len(head)))


def _words(random: Random, draft: Draft) -> list[str]:
    opening = random.choice(OPENINGS).format(name=draft.people[0][0].split()[0])
    body = [sentence[0].upper() + sentence[1:] for sentence in random.sample(SENTENCES, random.randint(2, 6))]
    return [opening, " ".join(body), f"{random.choice(CLOSINGS)}\n{draft.author[0]}"]


def _person(person: tuple[str, str]) -> str:
    name = person[0] if person[0].isascii() else Header(person[0], "utf-8").encode()
    return f'"{name}" <{person[1]}>' if person[0].isascii() else f"{name} <{person[1]}>"


def _headers(draft: Draft, subject: str) -> list[tuple[str, str | bytes]]:
    author, date = draft.author[1], format_datetime(draft.when)
    shown = subject if subject.isascii() else Header(subject, "utf-8").encode()
    headers: list[tuple[str, str | bytes]] = [
        ("Received", f"from mx.{author.partition('@')[2]} by mx.sandbox.example with ESMTPS; {date}"),
        ("From", _person(draft.author)),
        ("To", ", ".join(_person(person) for person in draft.people)),
        ("Subject", shown),
        ("Date", date),
        ("Message-ID", draft.message_id),
    ]
    if draft.in_reply_to:
        headers.append(("In-Reply-To", draft.in_reply_to[-1]))
        headers.append(("References", " ".join(draft.in_reply_to)))
    return headers


def _html(paragraphs: list[str], picture: str | None = None) -> str:
    inner = "".join(f"<p>{p}</p>" for p in paragraphs).replace("\n", "<br>")
    image = f'<p><img src="cid:{picture}" alt="Pizza Perfecto" width="40"></p>' if picture else ""
    body = f'<body style="font-family:Calibri">{inner}{image}</body>'
    return f'<html><head><meta charset="utf-8"></head>{body}</html>'


def write(random: Random, draft: Draft) -> bytes:
    """The raw mail. `draft.style` is one of STYLES."""
    paragraphs = _words(random, draft)
    subject = ("Re: " if draft.in_reply_to else "") + draft.topic
    headers = _headers(draft, subject)
    plain = "\n\n".join(paragraphs) + "\n"
    maker = _STYLES.get(draft.style, _plain)
    return maker(random, draft, headers, plain, paragraphs)


Headers = list[tuple[str, str | bytes]]


def _plain(random: Random, draft: Draft, headers: Headers, plain: str, paragraphs: list[str]) -> bytes:
    return envelope.mail(headers, envelope.text(plain))


def _alternative(plain: str, paragraphs: list[str]) -> Part:
    return envelope.multipart(
        "alternative", [envelope.text(plain), envelope.text(_html(paragraphs), kind="html")]
    )


def _rich(random: Random, draft: Draft, headers: Headers, plain: str, paragraphs: list[str]) -> bytes:
    return envelope.mail(headers, _alternative(plain, paragraphs))


def _picture(random: Random, draft: Draft, headers: Headers, plain: str, paragraphs: list[str]) -> bytes:
    page = envelope.text(_html(paragraphs, "logo@pizza-perfecto"), kind="html")
    logo = envelope.inline("logo.png", "image/png", file_bytes("logo.png", 2_000), "logo@pizza-perfecto")
    return envelope.mail(headers, envelope.multipart("related", [page, logo]))


def _file(random: Random, draft: Draft, headers: Headers, plain: str, paragraphs: list[str]) -> bytes:
    chosen = random.sample(FILES, random.choice((1, 1, 2)))
    files = [envelope.attached(name, kind, file_bytes(name, size)) for name, kind, size in chosen]
    return envelope.mail(headers, envelope.multipart("mixed", [_alternative(plain, paragraphs), *files]))


def _forwarded(random: Random, draft: Draft, headers: Headers, plain: str, paragraphs: list[str]) -> bytes:
    inner = Draft(
        draft.people[0], [draft.author], "Original order", draft.when - timedelta(days=2), draft.number + "-in"
    )
    item = Part("message/rfc822", write(random, inner), ["Content-Disposition: attachment"])
    return envelope.mail(headers, envelope.multipart("mixed", [envelope.text(plain), item]))


def _invitation(random: Random, draft: Draft, headers: Headers, plain: str, paragraphs: list[str]) -> bytes:
    begin = (draft.when + timedelta(days=random.randint(1, 9))).replace(minute=0, second=0)
    calendar = "\n".join(
        ["BEGIN:VCALENDAR", "PRODID:-//Sandbox//EN", "VERSION:2.0", "METHOD:REQUEST", "BEGIN:VEVENT"]
        + [f"UID:{draft.number}@calendar", f"SUMMARY:{draft.topic}", f"DTSTART:{begin:%Y%m%dT%H%M%SZ}"]
        + [f"DTEND:{begin + timedelta(hours=1):%Y%m%dT%H%M%SZ}", f"ORGANIZER:mailto:{draft.author[1]}"]
        + [f"ATTENDEE:mailto:{address}" for _, address in draft.people]
        + [f"DTSTAMP:{draft.when:%Y%m%dT%H%M%SZ}", "END:VEVENT", "END:VCALENDAR", ""]
    )
    part = envelope.text(calendar, kind="calendar")
    part.content_type += "; method=REQUEST"
    return envelope.mail(headers, envelope.multipart("alternative", [envelope.text(plain), part]))


FOREIGN = {
    "latin1": ("iso-8859-1", "Grüße aus der Küche: die Öfen sind heiß, das Menü ist fertig. À bientôt!"),
    "japanese": ("iso-2022-jp", "ピザの注文について。木曜日の朝に届きます。"),
    "russian": ("koi8-r", "Добрый день! Подтвердите, пожалуйста, заказ муки на пятницу."),
    "utf7": ("utf-7", "Crème fraîche, jalapeño und Käse: 3 £ pro Stück."),
}


def _foreign(random: Random, draft: Draft, headers: Headers, plain: str, paragraphs: list[str]) -> bytes:
    charset, words = FOREIGN[draft.style]
    subject = Header(words[:24], charset if charset != "utf-7" else "utf-8").encode()
    headers = [(name, subject if name == "Subject" else value) for name, value in headers]
    return envelope.mail(headers, envelope.text(f"{words}\n\n{draft.author[0]}\n", charset=charset))


def _broken(random: Random, draft: Draft, headers: Headers, plain: str, paragraphs: list[str]) -> bytes:
    """Raw 8-bit bytes in a header, an unknown charset, a wrong date, a boundary that never closes."""
    raw = "Ménü für Größe".encode("latin-1")
    headers = [(n, raw if n == "Subject" else v) for n, v in headers if n not in ("Date", "Received")]
    headers += [("Date", "Mon, 99 Foo 2026 25:61:00 +9999"), ("X-Odd", b"=?x-unknown?Q?caf=E9?=")]
    part = envelope.text(plain)
    part.content_type = "text/plain; charset=x-no-such-charset"
    whole = envelope.multipart("mixed", [part])
    whole.data = whole.data.rstrip().removesuffix(b"--")
    return envelope.mail(headers, whole)


def _undated(random: Random, draft: Draft, headers: Headers, plain: str, paragraphs: list[str]) -> bytes:
    kept = [(name, value) for name, value in headers if name not in ("Date", "Received", "Message-ID")]
    return envelope.mail(kept, envelope.text(plain))


def _huge(random: Random, draft: Draft, headers: Headers, plain: str, paragraphs: list[str]) -> bytes:
    film = envelope.attached("Kitchen tour.mp4", "video/mp4", file_bytes("Kitchen tour.mp4", 5_000_000))
    return envelope.mail(headers, envelope.multipart("mixed", [envelope.text(plain), film]))


_STYLES = {
    "plain": _plain, "rich": _rich, "picture": _picture, "file": _file, "forwarded": _forwarded,
    "invitation": _invitation, "latin1": _foreign, "japanese": _foreign, "russian": _foreign, "utf7": _foreign,
    "broken": _broken, "undated": _undated, "huge": _huge,
}  # fmt: skip
COMMON = (
    "plain",
    "plain",
    "plain",
    "rich",
    "rich",
    "rich",
    "rich",
    "picture",
    "file",
    "file",
    "invitation",
    "forwarded",
)
RARE = ("latin1", "japanese", "russian", "utf7", "broken", "undated")
