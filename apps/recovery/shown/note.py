"""A note."""

from typing import Any

from .fields import Shown, files_of, text_of, texts_of, time_words


def show_note(document: dict[str, Any], props: dict[str, Any]) -> Shown:
    """Return the note with its text."""
    shown = Shown(text_of(document.get("subject")))
    shown.fact("Updated", time_words(document.get("lastModifiedDateTime")))
    shown.fact("Created", time_words(document.get("createdDateTime")))
    shown.fact("Categories", ", ".join(texts_of(document.get("categories"))))
    shown.body(document.get("body"))
    if not shown.html and not shown.text:
        shown.text = text_of(document.get("bodyPreview")) or text_of(props.get("preview"))
    shown.files = files_of(document)
    return shown
