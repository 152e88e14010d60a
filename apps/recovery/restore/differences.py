"""What overwriting would change, on a few items of each kind: the plan shows it before anybody confirms."""

import logging
from collections.abc import Sequence
from typing import Any, Final

from apps.backups.selectors.browse import Node, Stored, contents
from apps.connectors.base import Fetched, Upsert
from apps.connectors.documents import props_of, read_document
from apps.connectors.enums import SubService
from apps.core.errors import EverkeepError
from apps.vault.api import VaultReader

from ..reading import read_item
from ..shown import Shown, show
from ..shown.fields import text_of, texts_of, time_words, words_of
from .lanes import Lane

logger = logging.getLogger(__name__)

SAMPLES: Final = 3
FIELDS: Final = 8
LONGEST: Final = 120
OTHER, BACKED_UP = "different", "as in the backup"
_MAIL: Final = ("isRead", "isDraft", "importance", "inferenceClassification", "internetMessageId")
_UNTOLD: Final = frozenset({"Updated", "Created", "In short"})
_ODD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)

Difference = dict[str, Any]
Facts = dict[str, str]


def differences(lane: Lane, reader: VaultReader, pairs: Sequence[tuple[Node, str]]) -> list[Difference]:
    """Return {kind, name, fields: [[field, as it is now, as it was]]} of the first few (item, its live id).

    What cannot be compared is left out: a sample that fails must not keep anybody from a plan.
    """
    few = pairs[:SAMPLES]
    try:
        return [_difference(lane, *each) for each in _both(lane, reader, few)]
    except EverkeepError as error:
        logger.info("no sample of differences: %s", error.code)
    except _ODD as error:
        logger.error("an odd item among the differences: %s", type(error).__name__, exc_info=error)
    return []


def without_values(samples: Sequence[Difference]) -> list[Difference]:
    """Leave which fields differ, for who may restore but not look into items."""
    return [
        each | {"fields": [[name, now and OTHER, then and BACKED_UP] for name, now, then in each["fields"]]}
        for each in samples
    ]


Both = tuple[Node, Facts, Facts]


def _both(lane: Lane, reader: VaultReader, pairs: Sequence[tuple[Node, str]]) -> list[Both]:
    """Read each item on both sides; those that are not whole on one are left out."""
    stored = contents(lane.state, [node.id for node, _ in pairs])
    ids = [live_id for _, live_id in pairs]
    target = lane.target
    listed = target.do(target.connector.listed(target.entity, lane.kind, ids))
    fetched: dict[str, bytes] = {}
    if lane.kind != SubService.MAIL:
        answers = target.all_of(target.connector.fetch(target.entity, lane.kind, ids))
        fetched = {each.remote_id: each.content for each in answers if isinstance(each, Fetched)}
    found = []
    for node, live_id in pairs:
        now, before = listed.get(live_id), stored.get(node.id)
        if before is None or now is None:
            continue
        if lane.kind == SubService.MAIL:
            found.append((node, _mail_facts(now, now.props), _mail_facts(node, before.props)))
        elif live_id in fetched:
            live = _facts(lane.kind, fetched[live_id], now.props)
            found.append((node, live, _stored_facts(lane.kind, reader, before)))
    return found


def _stored_facts(kind: str, reader: VaultReader, stored: Stored) -> Facts:
    content, _ = read_item(reader, stored.content)
    return _facts(kind, content, stored.props)


def _difference(lane: Lane, node: Node, now: Facts, then: Facts) -> Difference:
    names = [name for name in dict.fromkeys([*now, *then]) if now.get(name, "") != then.get(name, "")]
    fields = [
        [name, _short(now.get(name, ""), OTHER), _short(then.get(name, ""), BACKED_UP)]
        for name in names[:FIELDS]
    ]
    return {"kind": lane.kind.label, "name": _short(node.name) or "(no subject)", "fields": fields}


def _mail_facts(item: Node | Upsert, props: bytes) -> Facts:
    kept = props_of(props)
    facts = {"Subject": item.name, "Received": time_words(item.time) if item.time else ""}
    facts |= {"From": item.author, "To": item.recipients}
    facts["Categories"] = ", ".join(texts_of(kept.get("categories")))
    flag = kept.get("flag")
    facts["Flag"] = words_of(flag.get("flagStatus")) if isinstance(flag, dict) else ""
    return facts | {words_of(name): _yes(kept.get(name)) for name in _MAIL}


def _facts(kind: str, content: bytes, props: bytes) -> Facts:
    """Put a document into fields; of texts, tables and files only whether they differ is told."""
    shown: Shown = show(kind, read_document(content), props_of(props))
    facts = {"Name": shown.title} | {name: value for name, value in shown.facts if name not in _UNTOLD}
    facts |= {table.caption: _whole(table.rows) for table in shown.tables}
    return facts | {"Text": _whole(shown.text, shown.html), "Files": ", ".join(f.name for f in shown.files)}


class _Whole(str):
    """Something that is compared as a whole and too long, or too private, to be kept with a plan."""

    __slots__ = ()


def _whole(*parts: Any) -> str:
    text = "".join(map(str, parts))
    return _Whole(" ".join(text.split()))


def _short(value: str, whole: str = "") -> str:
    if isinstance(value, _Whole):
        return whole if value else ""
    return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"


def _yes(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "Yes" if value else "No"
    return words_of(value) if text_of(value).isalpha() else text_of(value)
