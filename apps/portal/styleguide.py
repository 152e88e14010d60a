"""/styleguide/: every component in every state, with made-up data. Only where settings.STYLEGUIDE is on."""

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.backups.selectors import TaskCard, Word, nouns_of
from apps.connectors.enums import ConnectionState, Service
from apps.core import clock
from apps.core.calendar import DayMark, month_of
from apps.core.picker import Option, Picker
from apps.core.status import LOOKS

from .cards import Card
from .home import HomePage, page_of

TOKENS = (
    "paper surface sunken raised hover line line-mid line-strong ink ink-2 ink-3 accent accent-solid "
    "accent-soft good good-solid good-soft part part-solid part-soft bad bad-solid bad-soft "
    "idle idle-solid idle-soft arch arch-soft c1 c2 c3 c4 c5"
)


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label="Text", help_text="One line of help.", initial="Mail and calendars")
    address = forms.GenericIPAddressField(label="With an error", initial="203.0.113")
    often = forms.ChoiceField(label="Choice", choices=[("daily", "Daily"), ("weekly", "Weekly")])
    password = forms.CharField(label="Password", widget=forms.PasswordInput)
    words = forms.CharField(label="Several lines", widget=forms.Textarea(attrs={"rows": 2}), required=False)
    licence = forms.BooleanField(label="Tick box", help_text="With what it means.", required=False)
    mode = forms.ChoiceField(
        label="One of two",
        choices=[("skip", "Skip it"), ("replace", "Replace it")],
        widget=forms.RadioSelect,
        initial="skip",
    )


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Render all samples."""
    form = SampleForm({"name": "Mail and calendars", "address": "203.0.113", "often": "daily", "mode": "skip"})
    form.is_valid()
    today = date(2026, 11, 18)
    marks = {today - timedelta(days=n): DayMark(_status_of(n), "#calendar") for n in range(17)}
    context = {
        "area": "home",
        "crumbs": [{"words": "Home", "url": "/"}, {"words": "Components and states", "url": ""}],
        "statuses": list(LOOKS),
        "form": form,
        "picker": _sample_picker(),
        "month": month_of(2026, 11, marks, today=today, selected=date(2026, 11, 14)),
        "home": _sample_home(),
        "icons": icon_names(),
        "tokens": TOKENS.split(),
        "moment": clock.now() - timedelta(hours=9),
        "facts": [("Mailbox", "Bob Smith"), ("Snapshots", "209"), ("Kept since", "3 March 2025")],
        "steps": ["Service", "Connect", "Name and schedule"],
        "tabs": [
            {"words": "Mailboxes", "url": "#tabs", "current": True, "count": 12},
            {"words": "Runs", "url": "#tabs"},
            {"words": "Settings", "url": "#tabs"},
        ],
    }
    return render(request, "portal/styleguide.html", context)


def _sample_picker() -> Picker:
    found = (Option("bob", "Bob Smith", "bob.smith@pizza-perfecto.example, Mail and calendars"),)
    chosen = Option("agata", "Agata Brown", "agata.brown@pizza-perfecto.example, Mail and calendars")
    return Picker(name="into", label="Mailbox", url="", text="b", chosen=chosen, found=found)


def icon_names() -> list[str]:
    """The names in the sprite."""
    sprite = Path(settings.BASE_DIR) / "static" / "img" / "icons.svg"
    return re.findall(r'<symbol id="i-([\w-]+)"', sprite.read_text())


def _status_of(days_ago: int) -> str:
    return {4: "partial", 8: "failed"}.get(days_ago, "success")


def _sample_home() -> HomePage:
    return page_of([_disconnected(), _incomplete(), _unchosen(), _card("Company mail", {Word.SUCCESS: 11})])


def _card(name: str, by_word: dict[Word, int], nights: list[str] | None = None, **different: Any) -> Card:
    now = clock.now()
    total = sum(by_word.values())
    idle = sum(by_word.get(word, 0) for word in (Word.PAUSED, Word.ARCHIVED, Word.NOT_ACTIVE))
    usual: dict[str, Any] = {
        "public_id": uuid5(NAMESPACE_DNS, name),
        "name": name,
        "service": Service.EXCHANGE,
        "service_label": Service.EXCHANGE.label,
        "nouns": nouns_of(Service.EXCHANGE),
        "status": next(word for word in Word if word in by_word),
        "connection_id": uuid5(NAMESPACE_DNS, "connection"),
        "connection_state": ConnectionState.CONNECTED,
        "connection_since": now - timedelta(days=40),
        "connection_reason": "",
        "is_connected": True,
        "is_discovering": False,
        "discovery_error": "",
        "total": total,
        "active": total - idle,
        "paused": by_word.get(Word.PAUSED, 0),
        "archived": by_word.get(Word.ARCHIVED, 0),
        "by_word": {str(word): number for word, number in by_word.items()},
        "size": 21_700_000_000,
        "last_snapshot_at": now - timedelta(hours=8),
        "next_run_at": now + timedelta(hours=16, minutes=2),
    }
    task = TaskCard(**(usual | different))
    return Card(task, nights or ["success"] * 14, may_run=True, may_change=True, may_recover=True)


def _incomplete() -> Card:
    by_word = {Word.PARTIAL: 2, Word.SUCCESS: 7, Word.PAUSED: 1, Word.ARCHIVED: 1, Word.NOT_ACTIVE: 1}
    nights = ["none", "missed", "failed", "success", "partial", *["success"] * 8, "partial"]
    return _card("Mail and calendars", by_word, nights, size=28_100_000_000)


def _unchosen() -> Card:
    nothing = {"size": 0, "last_snapshot_at": None, "next_run_at": None}
    return _card("Shop counters", {Word.NOT_ACTIVE: 6}, ["none"] * 14, **nothing)


def _disconnected() -> Card:
    return _card(
        "Branch office",
        {Word.OVERDUE: 5},
        ["success"] * 11 + ["missed"] * 3,
        is_connected=False,
        connection_state=ConnectionState.DISCONNECTED,
        connection_since=clock.now() - timedelta(days=3),
        connection_reason="The consent was withdrawn.",
        next_run_at=None,
    )
