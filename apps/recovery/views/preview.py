"""Looking into one message. It was written by strangers: nothing of it runs, nothing is loaded."""

from uuid import UUID

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.backups.models import Snapshot
from apps.backups.selectors.browse import AsOf, Node, as_of, life_of, node_by_key
from apps.core.errors import NotFound
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission

from ..access import snapshot_for
from ..formats.confined import clean_confined
from ..formats.eml import images_by_content_id, original_headers, read_letter, read_part
from ..formats.file_names import safe_file_name
from ..formats.letter_html import frame_document
from ..pages import life_words
from ..places import place_of_item
from ..reading import ItemDamaged, read_message
from ..services import note_looked_at, note_part_seen
from .browse import rights

PREVIEW_LIMIT = 40_000_000
LETTER_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)


@member_required(Permission.PREVIEW)
def page(request: MemberRequest, snapshot_id: UUID, key: str) -> HttpResponse:
    """Show a message beside the list, or on a page of its own."""
    snapshot, state, node = _item(snapshot_id, key)
    context = {
        "snapshot": snapshot,
        "node": node,
        "life": life_words(state, snapshot, life_of(state, node.remote_id)),
    }
    if node.size > PREVIEW_LIMIT:
        context["too_large"] = True
    else:
        try:
            letter = read_letter(read_message(state, node))
            context |= {"letter": letter, "attachments": letter.attachments}
        except ItemDamaged as damaged:
            context["damaged"] = damaged
    note_looked_at(snapshot=snapshot, verb="previewed", label=node.name)
    context |= rights() | place_of_item(snapshot, node.name or "Message without a subject")
    return render_page_or_part(request, "recovery/item.html", "recovery/_item.html", context)


@member_required(Permission.PREVIEW)
def body(request: MemberRequest, snapshot_id: UUID, key: str) -> HttpResponse:
    """Return the cleaned HTML for the frame, under a policy of its own."""
    snapshot, state, node = _item(snapshot_id, key)
    data = read_message(state, node)
    note_part_seen(snapshot=snapshot, label=node.name)
    letter = read_letter(data)
    cleaned = clean_confined(letter.html, images_by_content_id(data))
    response = HttpResponse(frame_document(cleaned))
    response["Content-Security-Policy"] = LETTER_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["X-DNS-Prefetch-Control"] = "off"
    response["Referrer-Policy"] = "no-referrer"
    return response


@member_required(Permission.PREVIEW)
def headers(request: MemberRequest, snapshot_id: UUID, key: str) -> HttpResponse:
    """Show the header block as it was sent."""
    snapshot, state, node = _item(snapshot_id, key)
    text = original_headers(read_message(state, node))
    note_part_seen(snapshot=snapshot, label=node.name)
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
    note_looked_at(snapshot=snapshot, verb="downloaded", label=node.name)
    return _download(data, safe_file_name(node.name, "Message") + ".eml")


@member_required(Permission.PREVIEW)
def attachment(request: MemberRequest, snapshot_id: UUID, key: str, number: int) -> HttpResponse:
    """Hand out one attachment, always as a file."""
    snapshot, state, node = _item(snapshot_id, key)
    found = read_part(read_message(state, node), number)
    if found is None:
        raise NotFound("This message has no such attachment.")
    part, data = found
    note_looked_at(
        snapshot=snapshot, verb="attachment_downloaded", label=node.name, attachment=part.file_name[:200]
    )
    return _download(data, safe_file_name(part.file_name, f"Part {number + 1}"))


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
