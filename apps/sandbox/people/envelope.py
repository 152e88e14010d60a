"""Raw mails put together by hand: byte-exact, deterministic, and free to break the rules."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass, field

CRLF = b"\r\n"


@dataclass(slots=True)
class Part:
    """`headers` without Content-Type; `data` is the encoded body as it goes into the mail."""

    content_type: str
    data: bytes
    headers: list[str] = field(default_factory=list)

    def raw(self) -> bytes:
        lines = [f"Content-Type: {self.content_type}", *self.headers]
        return CRLF.join([line.encode("latin-1", "replace") for line in lines]) + CRLF * 2 + self.data


def base64_lines(data: bytes) -> bytes:
    text = b64encode(data)
    return CRLF.join(text[at : at + 76] for at in range(0, len(text), 76))


def attached(name: str, content_type: str, data: bytes) -> Part:
    headers = ["Content-Transfer-Encoding: base64", f'Content-Disposition: attachment; filename="{name}"']
    return Part(f'{content_type}; name="{name}"', base64_lines(data), headers)


def inline(name: str, content_type: str, data: bytes, content_id: str) -> Part:
    headers = [
        "Content-Transfer-Encoding: base64",
        f"Content-ID: <{content_id}>",
        f'Content-Disposition: inline; filename="{name}"',
    ]
    return Part(f'{content_type}; name="{name}"', base64_lines(data), headers)


def text(content: str, *, kind: str = "plain", charset: str = "utf-8") -> Part:
    encoded = content.replace("\n", "\r\n").encode(charset, "replace")
    headers = ["Content-Transfer-Encoding: " + ("7bit" if encoded.isascii() else "8bit")]
    return Part(f"text/{kind}; charset={charset}", encoded, headers)


def multipart(kind: str, parts: list[Part]) -> Part:
    digest = hashlib.sha256(b"".join(part.data for part in parts)).hexdigest()[:20]
    boundary = f"----=_Part_{digest}"
    mark = f"--{boundary}".encode()
    data = b"".join(mark + CRLF + part.raw() + CRLF for part in parts) + mark + b"--" + CRLF
    return Part(f'multipart/{kind}; boundary="{boundary}"', data)


def mail(headers: list[tuple[str, str | bytes]], body: Part) -> bytes:
    """Header values given as bytes go in raw, whatever is in them."""
    lines = [
        name.encode() + b": " + (value if isinstance(value, bytes) else value.encode("latin-1", "replace"))
        for name, value in headers
    ]
    return CRLF.join([*lines, b"MIME-Version: 1.0"]) + CRLF + body.raw() + CRLF
