"""Notes as text and as a page; settings of a mailbox as text that a person reads."""

import html
from typing import Any

from .confined import clean_confined
from .item import Item, line_of, map_of, text_of
from .letter_html import frame_document
from .plain_text import body_text, is_html

DEEPEST = 12


def write_note_text(item: Item) -> bytes:
    """Return subject and text."""
    text = body_text(item.document.get("body")) or text_of(item.document.get("bodyPreview"))
    return f"{item.name}\n\n{text}\n".lstrip("\n").encode()


def write_note_page(item: Item) -> bytes:
    """Return a page with everything taken out that could run or load anything."""
    body = map_of(item.document.get("body"))
    content = text_of(body.get("content"))
    if not is_html(body):
        return frame_document(f"<pre>{html.escape(content)}</pre>").encode()
    pictures = {file.content_id: file.data for file in item.files if file.content_id and file.data}
    return frame_document(clean_confined(content, pictures)).encode()


def write_setting(item: Item) -> bytes:
    """Return every field as `Name: value`, one below the other."""
    lines = [item.name, ""]
    _tell(item.document, lines, 0)
    return ("\n".join(lines) + "\n").encode()


def _tell(value: Any, lines: list[str], depth: int) -> None:
    indent = "  " * depth
    entries = value.items() if isinstance(value, dict) else (("-", each) for each in value)
    for name, each in entries:
        label = name if name == "-" else f"{_words(name)}:"
        if isinstance(each, dict | list) and each and depth < DEEPEST:
            lines.append(f"{indent}{label}")
            _tell(each, lines, depth + 1)
        else:
            lines.append(f"{indent}{label} {_said(each)}")


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ({}, []):
        return "none"
    return text_of(value).strip() if isinstance(value, str) else line_of(str(value))


def _words(name: str) -> str:
    """Turn `automaticRepliesSetting` into "Automatic replies setting"."""
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in line_of(name))
    return spaced[:1].upper() + spaced[1:]
