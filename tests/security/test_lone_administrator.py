"""Nobody alone makes a byte unrecoverable inside the grace (docs/deletion.md, docs/threat-model.md).

A lone administrator with every right, whose proofs are always fresh, sends every form of every page, and every
address a body with all the words that any of them knows. Then six and a half days pass in which everything
that the house does by itself is done. What was backed up must be there, whole.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from unittest.mock import patch

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from apps.accounts.enums import AccountState
from apps.accounts.models import Account
from apps.accounts.selectors import actor_of
from apps.accounts.tasks import look_after_accounts
from apps.backups.deletion.work import look_after_deletions
from apps.backups.enums import EntityState
from apps.backups.erasure.order import erasure_cancel
from apps.backups.erasure.work import look_after_erasures
from apps.backups.models import Deletion, Entity, Erasure, Hold, NodeVersion, Snapshot
from apps.backups.models.catalog import key_of
from apps.backups.retention.night import night
from apps.backups.services.actions import ACTIONS
from apps.core import clock
from apps.core.actor import acting_as
from apps.core.errors import EverkeepError
from apps.core.scope import account_scope
from apps.vault.api import decode_content, open_reader
from apps.vault.gc import collect
from apps.vault.models import Shelf
from apps.vault.shredding import shreddings_finish
from tests.cast import Cast
from tests.recovery.factories import Mailbox, make_entity, store
from tests.security.test_url_table import routes
from tests.security.url_objects_recovery import LETTER
from tests.security.url_table import TABLE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
STEP = timedelta(hours=6)
# What asks other servers for seconds, or is only about the session that asks.
SKIPPED = {"storage_add", "account_logout", "account_signup", "account_login", "styleguide", "saml_acs"}
WORDS: dict[str, Any] = {
    "sure": "yes", "consent": "on", "on": "no", "do": "approve", "all_matching": "1", "wanted": "no",
    "days": "1", "keep": "age", "age_days": "1", "unit": "days", "password_days": "1",
    "second_factor": "", "store": "", "typed": "Bob Smith", "name": "x", "confirm": "on",
    "delete": "yes", "remove": "yes", "reason": "x",
}  # fmt: skip


class Forms(HTMLParser):
    """The forms of a page: address, fields as they stand, and the buttons that send them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, list[str]], list[tuple[str, str, str]]]] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {key: value or "" for key, value in attrs}
        if tag == "form" and at.get("method") == "post":
            self.found.append((at.get("action", ""), {}, []))
        elif self.found and tag in ("input", "button", "select", "option", "textarea"):
            _, fields, buttons = self.found[-1]
            if tag == "button":
                buttons.append((at.get("name", ""), at.get("value", ""), at.get("formaction", "")))
            elif tag == "select":
                self._select = at.get("name", "")
            elif tag == "option" and self._select:
                fields[self._select] = [
                    at.get("value", "")
                ]  # the last one: mostly the farthest from the default
            elif at.get("name"):
                fields.setdefault(at["name"], []).append(
                    at.get("value") or ("1" if at.get("type") == "number" else "on")
                )


@pytest.fixture
def kept(cast: Cast) -> Entity:
    """Bob's mailbox with one backup of one message; the house as it is on any day."""
    cache.clear()
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox", well_known="inbox")
        box.item("m1", "inbox", "Papers", content=store(LETTER), size=len(LETTER), has_attachments=True)
        box.day(at=clock.now() - timedelta(days=400))
        box.item("m2", "inbox", "More", content=store(LETTER + b"more"), size=len(LETTER))
        box.day(at=clock.now() - timedelta(days=1))
    return box.entity


@pytest.fixture(autouse=True)
def _no_broker_and_fresh_proofs() -> Iterator[None]:
    with (
        patch("celery.app.task.Task.apply_async"),
        patch("celery.app.base.Celery.send_task"),
        patch("apps.accounts.sudo.is_fresh", return_value=True),
    ):
        yield


def address_of(route: URLPattern, cast: Cast, kept: Entity, made: dict[Any, list[object]]) -> str:
    """The address that names what is kept, where the route names such a thing; else what the table makes."""
    with account_scope(cast.account.pk):
        shelf = Shelf.objects.first()
        run = Snapshot.objects.filter(entity=kept).latest("number").run
    ours = {
        "task_id": kept.task.public_id, "entity_id": kept.public_id, "run_id": run.public_id,
        "connection_id": kept.task.connection.public_id, "shelf_id": shelf.public_id if shelf else None,
    }  # fmt: skip
    names = list(route.pattern.converters)
    if names and all(ours.get(name) for name in names):
        return reverse(route.name or "", kwargs={name: ours[name] for name in names})
    args = TABLE[route.name or ""].args
    if args not in made:
        made[args] = args(cast)
    return reverse(route.name or "", args=made[args])


def places(cast: Cast, kept: Entity) -> list[tuple[URLPattern, str]]:
    """All addresses, found before anything is changed."""
    found, made = [], dict[Any, list[object]]()
    for route in routes(get_resolver().url_patterns):
        if (
            route.name
            and route.name not in SKIPPED
            and not route.name.startswith(("provider_", "sudo", "passkey"))
        ):
            found.append((route, address_of(route, cast, kept, made)))
    return found


def send(client: Client, cast: Cast, address: str, body: Any) -> str:
    """Send it as the lone administrator; take back what would only lock them out."""
    client.force_login(cast.owner)
    with suppress(EverkeepError):
        answer = client.post(address, body)
        found = answer.content.decode(errors="replace") if not answer.streaming else ""
    Account.objects.filter(pk=cast.account.pk, state=AccountState.CLOSING).update(state=AccountState.ACTIVE)
    Account.objects.update(second_factor_required=False, password_days=None, only_allowed_addresses=False)
    return found


def drive(client: Client, cast: Cast, kept: Entity) -> int:
    """Every form of every page, then every address with all words; returns how many were sent."""
    sent, seen = 0, set[str]()
    for route, address in places(cast, kept):
        row = TABLE[route.name or ""]
        client.force_login(cast.owner)
        page = client.get(address)
        forms = Forms()
        if not page.streaming and page.get("Content-Type", "").startswith("text/html"):
            text = page.content.decode()
            forms.feed(text)
            typed = re.search(r"Type <b>(.*?)</b>", text)
            for action, fields, buttons in forms.found:
                for name, value, elsewhere in buttons or [("", "", "")]:
                    body = {**fields, **({name: [value]} if name else {})}
                    if typed and "typed" in body:
                        body["typed"] = [typed[1]]
                    key = repr((elsewhere or action or address, sorted(body.items())))
                    if key not in seen and "/settings/storage/add" not in key:
                        seen.add(key)
                        send(client, cast, elsewhere or action or address, body)
                        sent += 1
        if row.data is not None:
            send(
                client,
                cast,
                address,
                {**WORDS, "entity": str(kept.public_id), **(row.data or {})},
            )
            sent += 1
    for action in ACTIONS:
        for name in ("task_act", "entity_act"):
            target = reverse(name, args=[kept.task.public_id if name == "task_act" else kept.public_id])
            send(client, cast, target, {"action": action, "sure": "yes", "entity": str(kept.public_id)})
            sent += 1
    return sent


def let_the_house_work(cast: Cast, days: float) -> None:
    now = clock.now()
    for step in range(int(days * 4)):
        with clock.travel(now + step * STEP):
            look_after_deletions()
            look_after_erasures()
            look_after_accounts()
            shreddings_finish()
            with account_scope(cast.account.pk):
                night()
                if step % 4 == 0:
                    with suppress(EverkeepError):
                        collect(cast.account.pk)


def order_an_erasure(client: Client, cast: Cast, kept: Entity) -> None:
    """Of all there is, by the words that its page asks for."""
    address, items = reverse("recovery_erase", args=[kept.public_id]), [f"mail:{key_of('m1')}"]
    with account_scope(cast.account.pk):
        Hold.objects.update(lifted_at=clock.now())
        Deletion.objects.filter(state="waiting").update(state="cancelled")
        Entity.objects.filter(pk=kept.pk).update(state=EntityState.ACTIVE, deletion=None)
    client.force_login(cast.owner)
    typed = re.search(r"Type <b>(.*?)</b>", client.get(address, {"item": items}).content.decode())
    assert typed is not None
    send(client, cast, address, {"item": items, "typed": typed[1], "reason": "Request 7"})
    with account_scope(cast.account.pk):
        assert Erasure.objects.filter(state="waiting").count() == 1


def test_a_lone_administrator_destroys_nothing_inside_the_grace(
    cast: Cast, client: Client, kept: Entity
) -> None:
    sent = drive(client, cast, kept)
    assert sent > 100
    with account_scope(cast.account.pk):
        assert Deletion.objects.exists(), "deletions were ordered among it all"
    Account.objects.filter(pk=cast.account.pk).update(state=AccountState.ACTIVE)
    order_an_erasure(client, cast, kept)
    # Whatever else was taken back among it all: at the end everything is on its way out.
    send(client, cast, reverse("task_delete", args=[kept.task.public_id]), {"typed": kept.task.name})
    with account_scope(cast.account.pk):
        assert Entity.objects.get(pk=kept.pk).state == EntityState.DELETING
    let_the_house_work(cast, 6.5)
    with account_scope(cast.account.pk):
        entity = Entity.objects.get(pk=kept.pk)
        kept_days = Snapshot.objects.filter(entity=entity).order_by("number")
        assert list(kept_days.values_list("number", flat=True)) == [1, 2]
        rows = NodeVersion.objects.filter(entity_id=entity.pk, is_folder=False).order_by("pk")
        reader = open_reader(cast.account.pk)
        read = [b"".join(reader.read(part) for part in decode_content(bytes(row.content))) for row in rows]
        assert read == [LETTER, LETTER + b"more"]
    client.force_login(cast.owner)
    with account_scope(cast.account.pk), acting_as(actor_of(cast.owner.memberships.get())):
        for hidden in Erasure.objects.filter(state="waiting"):
            erasure_cancel(public_id=hidden.public_id)
    shown = client.get(reverse("recovery_browse", args=[Snapshot._base_manager.latest("number").run.public_id]))
    assert shown.status_code == 200 and "Papers" in shown.content.decode()
