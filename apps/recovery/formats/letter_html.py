"""HTML of strangers, made harmless: nothing in it runs, nothing is loaded, not even from us.

Three walls, each enough by itself: this cleaning by an allowlist, a response whose policy forbids everything
but styles and embedded pictures, and a frame without rights (`views.preview`).
"""

import base64
import html
import re
from collections.abc import Mapping
from urllib.parse import unquote

import nh3


def _words(text: str) -> set[str]:
    return set(text.split())


MAX_IMAGE_BYTES = 5_000_000
MAX_IMAGES_BYTES = 15_000_000
_TAGS = _words(
    """
    a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup
    dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img
    ins kbd li main mark ol p pre q s samp section small span strike strong sub summary sup table
    tbody td tfoot th thead time tr tt u ul var wbr
    """
)
_DROPPED_WITH_CONTENT = _words(
    """
    script style title head iframe object embed applet svg math template noscript form select
    textarea button audio video canvas frameset xmp noembed noframes
    """
)
_EVERYWHERE = {"align", "valign", "bgcolor", "color", "dir", "lang", "style", "title", "width", "height"}
_ATTRIBUTES = {
    "*": _EVERYWHERE,
    "a": {"href"},
    "img": {"src", "alt"},
    "font": {"face", "size"},
    "table": {"border", "cellpadding", "cellspacing", "summary"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start", "type"},
    "ul": {"type"},
    "li": {"value", "type"},
}
_STYLES = _words(
    """
    background-color border border-bottom border-bottom-color border-bottom-style
    border-bottom-width border-collapse border-color border-left border-left-color border-left-style
    border-left-width border-radius border-right border-right-color border-right-style
    border-right-width border-spacing border-style border-top border-top-color border-top-style
    border-top-width border-width color direction display font font-family font-size font-style
    font-variant font-weight height letter-spacing line-height list-style-type margin margin-bottom
    margin-left margin-right margin-top max-width min-width padding padding-bottom padding-left
    padding-right padding-top table-layout text-align text-decoration text-indent text-transform
    vertical-align white-space width word-break word-spacing word-wrap
    """
)
_FOLLOWED = ("http:", "https:", "mailto:", "tel:")
_UNSAFE_STYLE = re.compile(r"url|image|expression|@|\\|attr\s*\(|var\s*\(", re.I)
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
)
BLANK = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


_FRAME = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light">'
    "<title>Text of the message</title><style>body{{font:14px/1.5 system-ui,sans-serif;color:#1c1d21;"
    "background:#fff;margin:16px;overflow-wrap:anywhere}}img{{max-width:100%;height:auto}}table{{max-width:100%}}"
    "</style></head><body>{}</body></html>"
)


def frame_document(cleaned: str) -> str:
    """Put what `clean_html` returned into a page of its own."""
    return _FRAME.format(cleaned)


def clean_html(source: str, images: Mapping[str, bytes]) -> str:
    """Return the body of a message fit for the preview's frame. `images` are its own pictures by content id.

    Pictures from elsewhere become blanks; links stay, and open only when a person follows them.
    """
    embedded = _Embedder(images)

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "style":
            return None if _UNSAFE_STYLE.search(html.unescape(value)) else value
        if tag == "img" and attribute == "src":
            return embedded.source(value)
        if attribute == "href" and not value.strip().lower().startswith(_FOLLOWED):
            return None
        return value

    return nh3.clean(
        source,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        filter_style_properties=_STYLES,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )


class _Embedder:
    """Turns `cid:` into the bytes themselves, so that the frame has nothing to ask anybody for."""

    def __init__(self, images: Mapping[str, bytes]) -> None:
        self._images, self._left = images, MAX_IMAGES_BYTES

    def source(self, value: str) -> str:
        if not value.lower().startswith("cid:"):
            return BLANK
        data = self._images.get(value[4:]) or self._images.get(unquote(value[4:])) or b""
        kind = image_type(data)
        if not kind or len(data) > min(MAX_IMAGE_BYTES, self._left):
            return BLANK
        self._left -= len(data)
        return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def image_type(data: bytes) -> str:
    """Return the media type that the bytes themselves show; "" when they are no plain picture (SVG is none)."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), "")
