"""Looking into one item. It was written by strangers: nothing of it runs, nothing is loaded."""

from base64 import b64encode
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.backups.models import Snapshot
from apps.backups.selectors.browse import AsOf, Node, as_of, life_of, node_by_key
from apps.backups.services.holds import holds_of_item
from apps.connectors.enums import SubService
from apps.core.errors import NotFound
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission

from ..access import snapshot_for
from ..formats.confined import clean_confined
from ..formats.eml import images_by_content_id, original_headers, read_letter, read_part
from ..formats.file_names import safe_file_name
from ..formats.letter_html import frame_document, image_type
from ..kinds import kind_of
from ..lives import life_words
from ..places import place_of_item
from ..reading import ItemDamaged, read_message
from ..services import note_looked_at, note_part_seen
from ..shown import show
from ..shown.contact import PHOTO
from ..stored_documents import read_stored_document
from .browse import rights

PREVIEW_LIMIT = 40_000_000
DOCUMENT_LIMIT = 10_000_000
LETTER_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)


@member_required(Permission.PREVIEW)
def page(request: MemberRequest, snapshot_id: UUID, key: str) -> HttpResponse:
    """Show an item beside the list, or on a page of its own."""
    snapshot, state, node = _item(snapshot_id, key)
    kind = kind_of(snapshot.sub_service)
    name = node.name or kind.unnamed
    context = {
        "snapshot": snapshot, "node": node, "kind": kind, "name": name,
        "life": life_words(state, snapshot, life_of(state, node.remote_id)),
        "holds": holds_of_item(snapshot.entity_id, snapshot.sub_service, node.remote_id),
    }  # fmt: skip
    try:
        context |= _letter(state, node) if snapshot.sub_service == SubService.MAIL else _document(state, node)
    except ItemDamaged as damaged:
        context["damaged"] = damaged
    note_looked_at(snapshot=snapshot, verb="previewed", label=node.name, key=node.key)
    context |= rights() | place_of_item(snapshot, name)
    return render_page_or_part(request, "recovery/item.html", "recovery/_opened.html", context)


def _letter(state: AsOf, node: Node) -> dict[str, Any]:
    if node.size > PREVIEW_LIMIT:
        return {"too_large": True}
    letter = read_letter(read_message(state, node))
    return {"letter": letter, "attachments": letter.attachments}


def _document(state: AsOf, node: Node) -> dict[str, Any]:
    stored = read_stored_document(state, node)
    if len(stored.content) > DOCUMENT_LIMIT:
        return {"too_large": True}
    shown = show(state.sub_service, stored.document, stored.props)
    shown.files = stored.files()
    photo = next((file for file in shown.files if file.name == PHOTO), None)
    try:
        data = next(iter(stored.pictures([photo]).values()), b"") if photo else b""
    except ItemDamaged as damaged:
        return {"shown": shown, "damaged": damaged}
    if not data:
        return {"shown": shown}
    return {"shown": shown, "photo": f"data:{image_type(data)};base64,{b64encode(data).decode()}"}


@member_required(Permission.PREVIEW)
def body(request: MemberRequest, snapshot_id: UUID, key: str) -> HttpResponse:
    """Return the cleaned HTML for the frame, under a policy of its own."""
    snapshot, state, node = _item(snapshot_id, key)
    note_part_seen(snapshot=snapshot, label=node.name, key=node.key)
    html, images = _html(state, node)
    cleaned = clean_confined(html, images)
    response = HttpResponse(frame_document(cleaned))
    response["Content-Security-Policy"] = LETTER_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["X-DNS-Prefetch-Control"] = "off"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _html(state: AsOf, node: Node) -> tuple[str, dict[str, bytes]]:
    """Return the text of an item as it was written, with the pictures that it carries for itself."""
    if state.sub_service == SubService.MAIL:
        data = read_message(state, node)
        return read_letter(data).html, images_by_content_id(data)
    stored = read_stored_document(state, node)
    html = (
        show(state.sub_service, stored.document, stored.props).html
        if len(stored.content) <= DOCUMENT_LIMIT
        else ""
    )
    carried = [file for file in stored.files() if file.content_id and f"cid:{file.content_id}" in html]
    pictures = stored.pictures(carried)
    return html, {file.content_id: pictures[file.part] for file in carried if file.part in pictures}


@member_required(Permission.PREVIEW)
def headers(request: MemberRequest, snapshot_id: UUID, key: str) -> HttpResponse:
    """Show the header block as it was sent."""
    snapshot, state, node = _item(snapshot_id, key)
    text = original_headers(read_message(state, node))
    note_part_seen(snapshot=snapshot, label=node.name, key=node.key)
    context = {
        "snapshot": snapshot,
        "node": node,
        "headers": text,
        **place_of_item(snapshot, "Original headers"),
    }
    return render_page_or_part(request, "recovery/headers.html", "recovery/_headers.html", context)


@member_required(Permission.PREVIEW)
def message(request: MemberRequest, snapshot_id: UUID, key: str) -> HttpResponse:
    """Hand out the message as the provider served it."""
    snapshot, state, node = _item(snapshot_id, key)
    data = read_message(state, node)
    note_looked_at(snapshot=snapshot, verb="downloaded", label=node.name, key=node.key)
    return _download(data, safe_file_name(node.name, "Message") + ".eml")


@member_required(Permission.PREVIEW)
def original(request: MemberRequest, snapshot_id: UUID, key: str) -> HttpResponse:
    """Hand out a document as the provider told it."""
    snapshot, state, node = _item(snapshot_id, key)
    stored = read_stored_document(state, node)
    note_looked_at(snapshot=snapshot, verb="downloaded", label=node.name, key=node.key)
    return _download(stored.content, safe_file_name(node.name, "Item") + ".json")


@member_required(Permission.PREVIEW)
def attachment(request: MemberRequest, snapshot_id: UUID, key: str, number: int) -> HttpResponse:
    """Hand out one attachment, always as a file."""
    snapshot, state, node = _item(snapshot_id, key)
    name, data = _file(state, node, number)
    note_looked_at(snapshot=snapshot, verb="attachment_downloaded", label=node.name, key=node.key, part=name)
    return _download(data, safe_file_name(name, f"Part {number + 1}"))


def _file(state: AsOf, node: Node, number: int) -> tuple[str, bytes]:
    if state.sub_service == SubService.MAIL:
        found = read_part(read_message(state, node), number)
        if found is None:
            raise NotFound("This message has no such attachment.")
        return found[0].file_name, found[1]
    stored = read_stored_document(state, node)
    name = next((file.name for file in stored.files() if file.part == number), "")
    return name, stored.read(number)


def _item(snapshot_id: UUID, key: str) -> tuple[Snapshot, AsOf, Node]:
    snapshot = snapshot_for(snapshot_id, Permission.PREVIEW)
    state = as_of(snapshot)
    node = node_by_key(state, key)
    if node.is_folder:
        raise NotFound("This is a folder.", do="Open it from the list of folders.")
    return snapshot, state, node


def _download(data: bytes, name: str) -> HttpResponse:
    """A file and nothing else: whatever it is, no browser shows it in our name."""
    response = HttpResponse(data, content_type="application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    return response
