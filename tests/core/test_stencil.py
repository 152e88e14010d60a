"""A row that is drawn once for many: every row gets its own words, escaped, and nobody else's."""

from uuid import uuid4

from django.utils.safestring import SafeString

from apps.core.stencil import MARK_ID, Stencil, mark


def test_each_row_gets_its_own_words_escaped_and_nothing_of_another() -> None:
    stencil = Stencil(f'<a href="/m/{MARK_ID}/" id="{MARK_ID.hex}">{mark("name")}</a>{mark("cell")}!')
    first, second = uuid4(), uuid4()
    hostile = f"<b>{mark('cell')}{MARK_ID}"
    assert stencil.filled(first, {"name": hostile, "cell": SafeString("<i>1</i>")}) == (
        f'<a href="/m/{first}/" id="{first.hex}">&lt;b&gt;{mark("cell")}{MARK_ID}</a><i>1</i>!'
    )
    assert stencil.filled(second, {"name": "Bob", "cell": "2"}) == (
        f'<a href="/m/{second}/" id="{second.hex}">Bob</a>2!'
    )
