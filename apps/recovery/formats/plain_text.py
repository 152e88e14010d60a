"""Text of an item's body: HTML of strangers as words, in time that grows with its length only."""

from html.parser import HTMLParser
from typing import Any

from .item import map_of, text_of

_BLOCKS = {
    "address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "li", "ol", "p", "pre", "section", "table", "tr", "ul",
}  # fmt: skip
_UNSEEN = {"script", "style", "title", "head", "template"}


def body_text(body: object) -> str:
    """Return Graph's `{"contentType", "content"}` as plain text."""
    found = map_of(body)
    content = text_of(found.get("content"))
    return html_text(content) if is_html(found) else content.strip()


def is_html(body: dict[str, Any]) -> bool:
    return str(body.get("contentType", "")).lower() == "html"


def html_text(source: str) -> str:
    """Return what a reader would see, one line a paragraph."""
    reader = _Reader()
    reader.feed(source)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.found).splitlines())
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._unseen = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN and not self._unseen:
            self._unseen = tag
        elif tag in _BLOCKS:
            self.found.append("\n")
        elif tag in ("td", "th"):
            self.found.append("\t")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._unseen:
            self._unseen = ""
        elif tag in _BLOCKS:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.found.append(data)
