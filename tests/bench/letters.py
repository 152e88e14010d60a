"""Mails as an office has them: letters and replies, notices, newsletters and lists, some with attachments.

Nothing in them is shared that is not shared in life: signatures and disclaimers, quoted text, what a sender's
template repeats, and attachments that are sent again.
"""

import base64
import math
import quopri
import random
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final, NamedTuple

from .papers import make_paper
from .prose import Prose

_NAMES: Final = """
acme contoso fabrikam globex initech northwind pizza tailspin
Ada Ali Amir Anna Ben Carla Dana Emil Fay Gus Hana Ivo Jana Kai Lea Mia Noa Olga Pia Ravi Sven Tom Uma
Adler Berg Cole Dietz Eriksen Fuchs Garcia Holm Ivanova Jansen Klein Lopez Moreau Novak Okafor Rossi Sato
"""
_COMPANIES, _FIRST, _LAST = (line.split() for line in _NAMES.strip().splitlines())
_DOMAINS: Final = [f"{company}.example" for company in _COMPANIES]
_FOLDERS: Final = {
    "Inbox": 40,
    "Sent": 20,
    "Archive/2024": 14,
    "Archive/2025": 14,
    "Projects": 8,
    "Invoices": 4,
}
_KINDS: Final = {"letter": 68, "notice": 14, "newsletter": 8, "list": 10}
_ATTACHING, _SENT_BEFORE = 0.09, 0.4  # of the letters; of the attachments
_ATTACHED: Final = {"pdf": 72, "csv": 12, "txt": 12, "log": 4}
_START, _SPAN = 1_704_067_200, 63_000_000
_STYLE: Final = (
    '<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"><style>@font-face'
    "{font-family:Calibri;panose-1:2 15 5 2 2 2 4 3 2 4}p.MsoNormal,li.MsoNormal{margin:0cm;font-size:11.0pt;"
    'font-family:"Calibri",sans-serif}div.WordSection1{page:WordSection1}</style></head>'
    '<body lang="EN-GB"><div class="WordSection1">'
)


class _Person(NamedTuple):
    name: str
    address: str
    domain: str


class _Said(NamedTuple):
    """What a reply needs of the mail before it."""

    author: str
    subject: str
    date: str
    text: str
    thread: str


@dataclass(frozen=True, slots=True)
class _Draft:
    subject: str
    body: str
    thread: str = ""


class Office:
    """Everything that comes back: people, their signatures, senders' templates, attachments, threads."""

    def __init__(self, seed: int) -> None:
        rng = self._rng = random.Random(f"office {seed}")
        self._prose = Prose(rng)
        self._people = [_person(rng, first, last) for first in _FIRST for last in _LAST]
        rng.shuffle(self._people)
        self._busy = [1 / (rank + 4) for rank in range(len(self._people))]
        self._signatures = {person: self._signature(person) for person in self._people}
        self._disclaimers = {each: self._prose.paragraph(rng.randint(500, 1_400)) for each in _DOMAINS}
        self._templates = [self._template() for _ in range(24)]
        self._attachments: list[tuple[str, str, bytes]] = []
        self._recent: list[_Said] = []

    def mail(self, number: int, of: int) -> tuple[str, bytes]:
        """Return the folder and the bytes of mail `number` of `of`."""
        rng = self._rng
        kind = _one_of(rng, _KINDS)
        author = rng.choices(self._people, self._busy)[0]
        others = rng.choices(self._people, self._busy, k=rng.choice((1, 1, 1, 2, 3, 8)))
        date = formatdate(_START + number / of * _SPAN + rng.randint(0, 80_000))
        draft: _Draft = getattr(self, f"_{kind}")(author, date)
        body = draft.body
        if kind == "letter" and rng.random() < _ATTACHING:
            body = self._with_attachments(body)
        head = _head(rng, kind, date, draft) + _addresses(author, others)
        folder = "Lists" if kind == "list" else _one_of(rng, _FOLDERS)
        return folder, (head + body).replace("\n", "\r\n").encode()

    def _letter(self, author: _Person, date: str) -> _Draft:
        """A letter or a reply, as plain text and HTML, or as plain text alone."""
        rng, prose = self._rng, self._prose
        size = _lognormal(rng, 4_300, 0.75, 120, 60_000)
        quoted, subject, thread = "", prose.few(rng.randint(2, 7)).capitalize(), ""
        if self._recent and rng.random() < 0.4:
            before = rng.choice(self._recent[-200:])
            kept = before.text[: rng.randint(300, 9_000)].replace("\n", "\n> ")
            quoted = f"\n\nOn {before.date}, {before.author} wrote:\n> {kept}"
            subject = "Re: " + before.subject.removeprefix("Re: ")
            thread = before.thread
        text = _wrapped(prose.text(max(120, size - len(quoted)))) + self._signatures[author]
        if rng.random() < 0.5:
            text += "\n\n" + _wrapped(self._disclaimers[author.domain])
        thread = f"{thread} <{rng.getrandbits(80):x}@{author.domain}>".strip()
        self._recent.append(_Said(f"{author.name} <{author.address}>", subject, date, text + quoted, thread))
        del self._recent[:-400]
        if rng.random() < 0.12:
            plain = _part("text/plain", text + quoted, rng.choice(("7bit", "base64")))
            return _Draft(subject, plain, thread)
        paragraphs = "".join(
            f'<p class="MsoNormal"><span style="font-size:11.0pt;color:#1F497D">{each}<o:p></o:p></span></p>\n'
            for each in text.split("\n\n")
        )
        html = f"{_STYLE}{paragraphs}<blockquote>{quoted}</blockquote></div></body></html>"
        encoding = rng.choice(("7bit", "7bit", "quoted-printable"))
        both = [_part("text/plain", text + quoted, encoding), _part("text/html", html, encoding)]
        return _Draft(subject, _multipart(rng, "alternative", both), thread)

    def _notice(self, author: _Person, date: str) -> _Draft:
        """A machine's mail: a template with a few words and numbers filled in."""
        rng, (before, after) = self._rng, self._rng.choice(self._templates)
        lines = "".join(
            f"<tr><td>{self._prose.few(3)}</td><td>{rng.randint(1, 10**6)}</td>"
            f"<td>{rng.getrandbits(64):x}</td></tr>\n"
            for _ in range(rng.randint(2, 30))
        )
        subject = f"[{self._prose.words[rng.randint(60, 400)]}] {date}"
        return _Draft(subject, _part("text/html", f"{before}<table>{lines}</table>{after}", "7bit"))

    def _newsletter(self, author: _Person, date: str) -> _Draft:
        """Much HTML with a link of its own for each reader, quoted-printable."""
        rng, (before, after) = self._rng, self._rng.choice(self._templates)
        blocks = "".join(
            '<td style="padding:0 18px;font-family:Arial,Helvetica,sans-serif">'
            f'<a href="https://click.{author.domain}/?q={base64.b32encode(rng.randbytes(40)).decode()}">'
            f"{self._prose.few(5)}</a><p>{self._prose.paragraph(300)}</p></td>\n"
            for _ in range(rng.randint(8, 40))
        )
        page = _part("text/html", before * 2 + blocks + after, "quoted-printable")
        return _Draft(self._prose.few(6).capitalize(), page)

    def _list(self, author: _Person, date: str) -> _Draft:
        """A plain mail to a list, sometimes with a long piece of log."""
        rng = self._rng
        text = _wrapped(self._prose.text(_lognormal(rng, 1_800, 0.9, 80, 40_000)))
        if rng.random() < 0.15:
            text += "\n\n" + make_paper(rng, self._prose, "log", rng.randint(1_000, 30_000)).decode()
        text += f"\n\n_______________________________________________\nDiscuss mailing list\n{author.address}"
        return _Draft(self._prose.few(5).capitalize(), _part("text/plain", text, "7bit"))

    def _with_attachments(self, body: str) -> str:
        rng, parts = self._rng, [body]
        for _ in range(rng.choice((1, 1, 1, 2))):
            if self._attachments and rng.random() < _SENT_BEFORE:
                name, kind, data = rng.choice(self._attachments)
            else:
                kind = _one_of(rng, _ATTACHED)
                data = make_paper(rng, self._prose, kind, _lognormal(rng, 85_000, 1.25, 3_000, 3_900_000))
                name = f"{self._prose.words[rng.randint(60, 5_000)]}-{rng.randint(1, 9_999)}.{kind}"
                self._attachments.append((name, kind, data))
                del self._attachments[:-300]
            parts.append(
                f'Content-Type: application/{kind}; name="{name}"\nContent-Transfer-Encoding: base64\n'
                f'Content-Disposition: attachment; filename="{name}"\n\n{_base64(data)}'
            )
        return _multipart(rng, "mixed", parts)

    def _signature(self, person: _Person) -> str:
        claim = _wrapped(self._prose.paragraph(self._rng.randint(60, 420)))
        return f"\n\n-- \n{person.name}\n{self._prose.few(4).title()}\n{claim}"

    def _template(self) -> tuple[str, str]:
        """A sender's page: what stands before and after what differs."""
        rows = "".join(
            '<table width="600" cellpadding="0" cellspacing="0" border="0" style="margin:0 auto;'
            f'background:#{self._rng.getrandbits(24):06x}"><tr><td align="center" '
            f'class="{self._prose.few(1)}">{self._prose.few(8)}</td></tr></table>\n'
            for _ in range(self._rng.randint(6, 24))
        )
        return f"<html><body>{rows}", f"<p>{self._prose.paragraph(700)}</p></body></html>\n"


def _person(rng: random.Random, first: str, last: str) -> _Person:
    domain = rng.choice(_DOMAINS)
    return _Person(f"{first} {last}", f"{first}.{last}@{domain}".lower(), domain)


def _head(rng: random.Random, kind: str, date: str, draft: _Draft) -> str:
    """The lines that servers and programs write, most of them different in every mail."""
    domain = rng.choice(_DOMAINS)
    received = "".join(
        f"Received: from {host} ([10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}])\n"
        f" by {by} with ESMTPS (TLS1.3) id {rng.getrandbits(72):X};\n {date}\n"
        for host, by in (
            (f"mx{rng.randint(1, 9)}.{domain}", "edge.pizza.example"),
            ("edge.pizza.example", "mbx7"),
        )
    )
    signature = _base64(rng.randbytes(256)).replace("\n", "\n ").rstrip()
    lines = [
        f"{received}DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s{rng.randint(1, 3)};",
        f" h=from:to:subject:date:message-id; bh={_base64(rng.randbytes(32)).strip()};",
        f" b={signature}",
        f"Subject: {draft.subject}",
        f"Date: {date}",
        f"Message-ID: <{rng.getrandbits(120):x}@{domain}>",
    ]
    if draft.thread:
        lines += [f"References: {draft.thread}", f"In-Reply-To: {draft.thread.rsplit(maxsplit=1)[-1]}"]
    if kind in ("newsletter", "list"):
        lines += [
            f"List-Id: <{kind}.{domain}>",
            f"List-Unsubscribe: <https://{domain}/{rng.getrandbits(96):x}>",
        ]
    return "\n".join([*lines, "MIME-Version: 1.0", "X-Mailer: Microsoft Outlook 16.0", ""])


def _addresses(author: _Person, others: list[_Person]) -> str:
    to = ",\n ".join(f"{other.name} <{other.address}>" for other in others)
    return f"From: {author.name} <{author.address}>\nTo: {to}\n"


def _part(kind: str, text: str, encoding: str) -> str:
    if encoding == "base64":
        text = _base64(text.encode())
    elif encoding == "quoted-printable":
        text = quopri.encodestring(text.encode()).decode()
    return f"Content-Type: {kind}; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n{text}\n"


def _multipart(rng: random.Random, kind: str, parts: list[str]) -> str:
    border = f"_000_{rng.getrandbits(128):032X}_"
    inside = "".join(f"--{border}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind};\n\tboundary="{border}"\n\n{inside}--{border}--\n'


def _base64(data: bytes) -> str:
    text = base64.b64encode(data).decode()
    return "".join(f"{text[at : at + 76]}\n" for at in range(0, len(text), 76))


def _wrapped(text: str) -> str:
    """Break lines at spaces after at most 76 letters."""
    lines = []
    for paragraph in text.split("\n"):
        rest = paragraph
        while len(rest) > 76 and (at := rest.rfind(" ", 0, 76)) > 0:
            lines.append(rest[:at])
            rest = rest[at + 1 :]
        lines.append(rest)
    return "\n".join(lines)


def _one_of(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _lognormal(rng: random.Random, median: int, sigma: float, least: int, most: int) -> int:
    return int(min(most, max(least, rng.lognormvariate(math.log(median), sigma))))
