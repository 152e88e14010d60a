"""Names of files and folders that every system takes, whatever a stranger called them."""

import re
import unicodedata

NAME_LIMIT = 100
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_RESERVED = re.compile(r"^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[\d¹²³]) *(\.|$)", re.I)
# Characters that change how text is read without being seen: a name must be what it looks like.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def safe_file_name(name: str, otherwise: str, *, limit: int = NAME_LIMIT) -> str:
    """Return `name` as a file name without a path: at most `limit` letters and 200 bytes, its ending kept."""
    text = unicodedata.normalize("NFC", name)
    text = "".join(
        " " if c in "\r\n\t" else c for c in text if unicodedata.category(c) not in _HIDDEN or c in "\r\n\t"
    )
    text = " ".join(_FORBIDDEN.sub("_", text).split()).strip(". ")
    if not text.strip("_ "):
        return otherwise
    if _RESERVED.match(text):
        text = "_" + text
    return _cut(text, limit)


def _cut(text: str, limit: int) -> str:
    stem, dot, ending = text.rpartition(".")
    if not dot or len(ending) > 10:
        stem, dot, ending = text, "", ""
    tail = dot + ending
    while len(stem) + len(tail) > limit or len((stem + tail).encode()) > 200:
        stem = stem[:-1]
    return stem.rstrip(". ") + tail
