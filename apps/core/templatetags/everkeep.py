"""Template tags of the design system: `{% load everkeep %}`. Examples of each in docs/design-system.md."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django import forms, template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.files.storage import Storage, storages
from django.template import Context
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import clock, navigation
from apps.core.banners import Banner
from apps.core.banners import banners as banners_of
from apps.core.counting import counted_words
from apps.core.status import look_of

register = template.Library()

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PLACE = ("before", "after")
BYTE_UNITS = ["kB", "MB", "GB", "TB", "PB"]


@register.simple_tag
def icon(name: str, size: str = "", *, spin: bool = False, label: str = "") -> SafeString:
    """Draw one icon of the sprite. `size` "s" is 15 px; `label` only when no word stands beside it."""
    classes = "ek-icon" + (" ek-icon-s" if size == "s" else "") + (" ek-spin" if spin else "")
    if label:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', classes, label, _symbol(name)
        )
    return _silent_icon(name, classes, storages["staticfiles"])


@lru_cache(maxsize=512)
def _silent_icon(name: str, classes: str, files: Storage) -> SafeString:
    """Kept, for as long as the same static files are served: a list of fifty rows draws five hundred."""
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', classes, _symbol(name))


def _symbol(name: str) -> str:
    return f"{static('img/icons.svg')}#i-{name}"


def _status(status: str, label: str, shape: str) -> SafeString:
    look = look_of(status)
    classes = f"{shape} {shape}-{look.tone}" if look.tone else shape
    drawing = icon(look.icon, spin=look.icon == "run")
    return format_html('<span class="{}">{}{}</span>', classes, drawing, label or look.word)


@register.simple_tag
def status_chip(status: str, label: str = "") -> SafeString:
    """The one tinted status of a row or page. `label` may say more ("In progress, 62 %")."""
    return _status(status, label, "ek-chip")


@register.simple_tag
def status_state(status: str, label: str = "") -> SafeString:
    """A further status: icon and word without tint, in tables and running text."""
    return _status(status, label, "ek-state")


register.filter("counted", counted_words)


@register.filter
def filesize(size: int | None) -> str:
    """1500 → "1.5 kB". Units of a thousand, three figures, as providers and disks state them."""
    if size is None:
        return "unknown"
    if abs(size) < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in BYTE_UNITS:
        amount /= 1000
        if abs(amount) < 999.5 or unit == BYTE_UNITS[-1]:
            break
    digits = 2 if abs(amount) < 9.995 else 1 if abs(amount) < 99.95 else 0
    text = f"{amount:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {unit}"


@register.simple_tag
def plural(number: int, one: str, many: str = "") -> str:
    """`{% plural 3 "mailbox" "mailboxes" %}` → "3 mailboxes"; without `many` an s is added."""
    return f"{intcomma(number)} {one if number == 1 else many or one + 's'}"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def relative_words(moment: datetime, now: datetime) -> str:
    """ "9 hours ago", "In 15 hours", and the date when it is more than two days away."""
    distance = abs(now - moment)
    if distance >= timedelta(days=2):
        return _date_words(timezone.localtime(moment))
    minutes = int(distance.total_seconds() // 60)
    if minutes < 1:
        return "Just now" if moment <= now else "Within a minute"
    words = _count(minutes, "minute") if minutes < 60 else _count(minutes // 60, "hour")
    return f"{words} ago" if moment <= now else f"In {words}"


def exact_words(moment: datetime) -> str:
    """ "18 Nov 2026, 04:02 UTC": the exact time in the reader's time zone."""
    local = timezone.localtime(moment)
    return f"{_date_words(local)}, {local:%H:%M} {local.tzname()}"


def _date_words(day: datetime) -> str:
    """ "18 Nov 2026", as `date_format` writes it in English, in a tenth of its time: a list has 150 of them."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


@register.simple_tag
def ago(moment: datetime | None, never: str = "Never", *, mid: bool = False) -> SafeString | str:
    """A time as people say it, exact in `title`. `mid`: in the middle of a sentence ("just now")."""
    if moment is None:
        return never
    words = relative_words(moment, clock.now())
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        exact_words(moment),
        words[0].lower() + words[1:] if mid else words,
    )


@register.simple_tag
def exact(moment: datetime | None, never: str = "Never") -> SafeString | str:
    """The date and time themselves: "18 Nov 2026, 04:02"."""
    if moment is None:
        return never
    local = timezone.localtime(moment)
    words = f"{_date_words(local)}, {local:%H:%M}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), f"{words} {local.tzname()}", words
    )


@register.simple_tag
def percent(part: int, whole: int) -> int:
    """Whole per cent, rounded down: almost all is never shown as 100."""
    return part * 100 // whole if whole else 0


# ---- the frame ----


@register.simple_tag
def link_to(key: str) -> str:
    """The address of a named link of the frame (`sign_in`, `log_out`, `add_task`), or ""."""
    return navigation.link(key)


@dataclass(frozen=True)
class NavEntry:
    """One drawn entry of the side navigation."""

    area: navigation.Area
    current: bool
    badge: int
    sections: list[tuple[navigation.Section, bool]]

    @property
    def current_word(self) -> str:
        """For `aria-current`: the page itself, or what the page is a part of."""
        return "true" if any(here for _, here in self.sections) else "page"


@register.simple_tag(takes_context=True)
def nav_entries(context: Context) -> list[NavEntry]:
    """The side navigation for this request; a page may set `area` (a key) to say where it belongs."""
    request, key = context["request"], _area_key(context)
    return [
        NavEntry(
            area,
            area.key == key,
            area.badge(request) if area.badge else 0,
            _sections(request.path) if area.key == key == "settings" else [],
        )
        for area in navigation.areas()
        if area.is_open
    ]


@register.simple_tag
def may_open(key: str) -> bool:
    """Whether the actor in force could open this area: the frame leads nobody to a refusal."""
    return any(area.key == key and area.is_open for area in navigation.areas())


def _sections(path: str) -> list[tuple[navigation.Section, bool]]:
    return [(section, path.startswith(section.url)) for section in navigation.sections()]


@register.simple_tag(takes_context=True)
def current_area(context: Context) -> str:
    """The key of the area that this page belongs to, for its help link."""
    return _area_key(context) or "home"


@register.simple_tag(takes_context=True)
def area_words(context: Context) -> str:
    """The name of the area that this page belongs to; "" where the actor in force could not open it."""
    key = _area_key(context)
    return next((area.label for area in navigation.areas() if area.key == key and area.is_open), "")


def _area_key(context: Context) -> str:
    area = None if context.get("area") else navigation.current_area(context["request"].path)
    return str(context.get("area") or (area.key if area else ""))


@register.simple_tag(takes_context=True)
def banners(context: Context) -> list[Banner]:
    """What this person must not overlook, on top of every page (core/banners.py)."""
    request = context.get("request")
    return banners_of(request) if request and getattr(request, "membership", None) else []


@register.filter
def initials(name: str) -> str:
    """ "Olivia Romano" → "OR"; an address gives its first letters."""
    words = [word for word in re.split(r"[\s.@_-]+", str(name)) if word]
    return "".join(word[0] for word in words[:2]).upper()


# ---- parts with a body: {% note %}…{% endnote %} ----


def _block(template_name: str) -> Callable[..., SafeString]:
    """A block tag that renders components/<name>.html with `content` and the tag's keywords."""

    def render(content: SafeString, **options: Any) -> SafeString:
        loaded = get_template(f"components/{template_name}.html")
        # The body was rendered, and escaped, by the engine a moment ago; only its margins are cut.
        return SafeString(loaded.render({"content": SafeString(content.strip()), **options}))

    return render


for _name in ("card", "note", "empty", "dialog", "menu", "bulk", "toolbar", "head", "toast"):
    register.simple_block_tag(_block(_name), name=_name)


# ---- forms ----


@register.inclusion_tag("components/field.html")
def field(bound: forms.BoundField, **options: Any) -> dict[str, Any]:
    """One field with its label, hint and error, wired up for screen readers.

    Options: `label`, `hint`, `optional` (says so beside the label), `aside_url` and `aside_words` (a link on
    the label's right), `tall` (the signed-out pages), `autofocus`, and `inline` (short choices side by side).
    """
    widget = bound.field.widget
    kind = _field_kind(widget)
    hint = options.get("hint", bound.help_text)
    described = [f"{bound.id_for_label}_hint"] if hint else []
    described += [f"{bound.id_for_label}_error"] if bound.errors else []
    attributes: dict[str, Any] = {"class": _field_class(kind, bool(options.get("tall")))}
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if bound.errors:
        attributes["aria-invalid"] = "true"
    if options.get("autofocus"):
        attributes["autofocus"] = True
    if kind == "radios":
        widget.attrs.setdefault("class", "form-check-input")
    control = "" if kind == "radios" else bound.as_widget(attrs=attributes)
    label = options.get("label") or bound.label
    return {**options, "field": bound, "kind": kind, "hint": hint, "control": control, "label": label}


def _field_kind(widget: forms.Widget) -> str:
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return "radios"
    if isinstance(widget, forms.CheckboxInput):
        return "check"
    if isinstance(widget, forms.PasswordInput):
        return "password"
    if isinstance(widget, forms.Select):
        return "select"
    return "hidden" if widget.is_hidden else "text"


def _field_class(kind: str, tall: bool) -> str:
    base = {"check": "form-check-input", "select": "form-select", "hidden": ""}.get(kind, "form-control")
    return f"{base} ek-tall" if tall and kind != "check" else base


@register.inclusion_tag("components/form_errors.html")
def form_errors(form: forms.BaseForm) -> dict[str, Any]:
    """The note on top of a form with errors: says how many and links to the fields."""
    fields = [form[name] for name in form.errors if name in form.fields]
    return {"form": form, "fields": fields}


@register.inclusion_tag("components/filter_unread.html")
def filter_unread(form: forms.BaseForm) -> dict[str, Any]:
    """What of a list's filter could not be read. A place in the list that is none is its beginning."""
    return {"fields": [form[name] for name in form.errors if name in form.fields and name not in PLACE]}


# ---- drawings ----

BAR_CLASSES = {
    "success": "g",
    "partial": "p",
    "failed": "b",
    "overdue": "o",
    "in_progress": "r",
    "waiting": "r",
    "archived": "a",
    "not_active": "n",
    "deleting": "b",
    "in_another_task": "n",
    "never_backed_up": "n",
}


@register.inclusion_tag("components/bar.html")
def bar(counts: dict[str, int]) -> dict[str, Any]:
    """Share of a whole, with its legend: `counts` maps status words to numbers, in the order to draw."""
    present = {status: number for status, number in counts.items() if number}
    total = sum(present.values())
    gap = 3
    room = 1000 - gap * max(len(present) - 1, 0)
    rects, offset = [], 0.0
    for status, number in present.items():
        width = room * number / total
        rects.append({"css": BAR_CLASSES.get(status, "i"), "x": round(offset, 1), "width": round(width, 1)})
        offset += width + gap
    label = ", ".join(f"{number} {look_of(status).word.lower()}" for status, number in present.items())
    return {"rects": rects, "counts": present, "label": label or "Nothing yet"}


STRIP_CLASSES = {"success": "g", "partial": "p", "failed": "b", "scheduled": "n", "none": "n"}
STRIP_TOPS = {"b": 0, "g": 4, "p": 4, "n": 8.5, "m": 14}


@register.simple_tag
def strip(nights: list[str], sentence: str) -> SafeString:
    """One tick a night, oldest first: success, partial, failed, missed (no run), none (not yet due).

    Heights differ as well as colours, so that the strip reads without colour. `sentence` says the same.
    """
    return _drawn_strip(tuple(nights), sentence)


@lru_cache(maxsize=512)
def _drawn_strip(nights: tuple[str, ...], sentence: str) -> SafeString:
    """Kept: the nights of most tasks were alike, and a page of cards draws twenty-four."""
    ticks = []
    for index, night in enumerate(nights):
        css = STRIP_CLASSES.get(night, "m")
        inset = 0.5 if css == "n" else 0
        top = STRIP_TOPS[css]
        ticks.append(
            {"css": css, "x": index * 8 + inset, "y": top, "width": 5 - 2 * inset, "height": 22 - inset - top}
        )
    width = max(len(nights) * 8 - 3, 1)
    drawing = get_template("components/strip.html")
    return SafeString(drawing.render({"ticks": ticks, "width": width, "sentence": sentence}))


@register.filter
def words(text: str) -> list[str]:
    """A list of names written as one string."""
    return text.split()
