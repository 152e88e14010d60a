"""The words and drawings of the design system's template tags."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django import forms
from django.template import Context, Template

from apps.core import clock
from apps.core.calendar import DayMark, month_of
from apps.core.status import LOOKS, look_of
from apps.core.templatetags.everkeep import filesize, initials, plural, relative_words

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 18, 14, 20, tzinfo=UTC)


def render(source: str, **context: object) -> str:
    return Template("{% load everkeep %}" + source).render(Context(context))


def icon_names() -> set[str]:
    return set(re.findall(r'<symbol id="i-([\w-]+)"', (ROOT / "static/img/icons.svg").read_text()))


def test_green_is_said_by_success_only() -> None:
    assert [status for status, look in LOOKS.items() if look.tone == "good"] == ["success"]


def test_every_status_has_a_drawn_icon() -> None:
    assert {look.icon for look in LOOKS.values()} <= icon_names()


def test_every_icon_named_in_a_template_is_in_the_sprite() -> None:
    named = set()
    for path in (ROOT / "templates").rglob("*.html"):
        named |= set(re.findall(r'{% icon "([\w-]+)"', path.read_text()))
    assert named and named <= icon_names()


def test_no_template_carries_an_inline_script_handler_or_style() -> None:
    found = []
    for path in (ROOT / "templates").rglob("*.html"):
        if path.parts[-2] in ("mail", "mails", "email"):  # mail programs drop style sheets
            continue
        if re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|<style|\son\w+=|\shx-on|javascript:", path.read_text()):
            found.append(path.name)
    assert found == []


def test_enum_values_and_words_find_the_same_look() -> None:
    assert look_of("in_progress") is look_of("In progress") is look_of("running")


def test_a_word_outside_the_vocabulary_is_refused() -> None:
    with pytest.raises(LookupError, match="no status word"):
        look_of("completed")


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (28_100_000_000, "28.1 GB"), (3_910_000_000, "3.91 GB")],
)
def test_sizes_are_said_in_three_figures(size: int, words: str) -> None:
    assert filesize(size) == words


def test_a_size_just_below_a_unit_is_not_rounded_into_four_figures() -> None:
    assert filesize(999_999) == "1 MB"


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(seconds=-20), "Just now"),
        (timedelta(minutes=-1), "1 minute ago"),
        (timedelta(hours=-9), "9 hours ago"),
        (timedelta(days=-3), "15 Nov 2026"),
        (timedelta(hours=15), "In 15 hours"),
    ],
)
def test_times_near_are_relative_and_far_ones_are_dates(distance: timedelta, words: str) -> None:
    assert relative_words(NOW + distance, NOW) == words


def test_ago_keeps_the_exact_time_in_its_title() -> None:
    with clock.travel(NOW):
        html = render("{% ago moment %}", moment=NOW - timedelta(hours=9))
    assert 'title="18 Nov 2026, 05:20 UTC"' in html
    assert ">9 hours ago<" in html


def test_ago_fits_into_the_middle_of_a_sentence() -> None:
    with clock.travel(NOW):
        html = render("Starts {% ago moment mid=True %}.", moment=NOW + timedelta(hours=2, minutes=1))
    assert html.endswith(">in 2 hours</time>.")


def test_numbers_and_their_nouns_agree() -> None:
    assert [plural(1, "mailbox", "mailboxes"), plural(3, "mailbox", "mailboxes"), plural(0, "run")] == [
        "1 mailbox",
        "3 mailboxes",
        "0 runs",
    ]


def test_initials_come_from_a_name_or_an_address() -> None:
    assert (initials("Olivia Romano"), initials("bob.smith@pizza.example")) == ("OR", "BS")


def test_almost_all_is_never_a_hundred_per_cent() -> None:
    assert render("{% percent 7999 8000 %}") == "99"


def test_what_people_wrote_is_escaped_in_every_part() -> None:
    name = "<script>x</script>"
    html = render(
        "{% note %}{{ name }}{% endnote %}{% status_chip 'failed' name %}{% head title=name %}{% endhead %}",
        name=name,
    )
    assert "<script>" not in html and html.count("&lt;script&gt;") == 3


class AddressForm(forms.Form):
    address = forms.EmailField(help_text="Where we write to.")


def test_a_field_with_an_error_is_wired_to_its_hint_and_its_error() -> None:
    form = AddressForm({"address": "nobody"})
    html = render("{% field form.address %}", form=form)
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_address_hint id_address_error"' in html
    assert 'id="id_address_error"' in html and 'id="id_address_hint"' in html


def test_the_note_on_top_of_a_refused_form_links_to_its_fields() -> None:
    html = render("{% form_errors form %}", form=AddressForm({"address": "nobody"}))
    assert 'href="#id_address"' in html and 'role="alert"' in html


def test_a_month_marks_its_days_with_dot_and_word() -> None:
    marks = {date(2026, 11, 14): DayMark("partial", "/day/14/")}
    month = month_of(2026, 11, marks, today=date(2026, 11, 18), selected=date(2026, 11, 14))
    html = render('{% include "components/calendar.html" %}', month=month)
    assert 'href="/day/14/" aria-current="date"' in html
    assert "ek-dot-p" in html and ">Partial<" in html
    assert html.count("<tr>") == 7
