"""Upload sessions of To Do: unlike those of mail they lie at Graph itself and ask for its token."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from ..state import things as rows
from ..state.clock import stamp
from ..state.mailboxes import Mailbox
from ..state.things import Thing
from . import errors
from .errors import GraphError
from .request import Request, Response
from .shape import checked_object, number, one_of, text
from .thing_files import TASK_FILE, file_id
from .things import thing_id
from .uploads import CHUNK_LIMIT, CONTENT_RANGE

LARGEST = 25 * 1024 * 1024
_info = checked_object(
    "attachmentInfo",
    {"attachmentType": one_of("file", "item", "reference"), "name": text, "size": number, "contentType": text},
    ("attachmentType", "name", "size"),
)


@dataclass(slots=True)
class TaskUpload:
    thing: int
    where: str
    name: str
    content_type: str
    size: int
    data: bytearray = field(default_factory=bytearray)


def create_session(request: Request, box: Mailbox, list_id: str, thing: Thing) -> Response:
    info = _info(request.json().get("attachmentInfo"), "attachmentInfo")
    if info is None or info["attachmentType"] != "file":
        raise errors.bad_request("An attachmentInfo of type file is needed.", "invalidRequest")
    if info["size"] > LARGEST:
        raise GraphError(413, "ErrorAttachmentSizeLimitExceeded", "The attachment is larger than 25 MB.")
    token = secrets.token_urlsafe(18)
    task = f"{request.base_url}/v1.0/users/{box.guid}/todo/lists/{list_id}/tasks/{thing_id(box, thing.id)}"
    kind = info.get("contentType") or "application/octet-stream"
    request.cloud.uploads[token] = TaskUpload(thing.id, task, info["name"], kind, info["size"])
    session = {
        "@odata.context": f"{request.base_url}/v1.0/$metadata#microsoft.graph.uploadSession",
        "uploadUrl": f"{task}/attachmentSessions/{token}",
        "expirationDateTime": stamp(request.cloud.clock.now() + timedelta(hours=24)),
        "nextExpectedRanges": ["0-"],
    }
    return Response(session, status=200)


def put_range(request: Request, box: Mailbox, thing: Thing, session: str) -> Response:
    """One range after the other; the answer to the last has no body, only a Location."""
    upload = request.cloud.uploads.get(session)
    if not isinstance(upload, TaskUpload) or upload.thing != thing.id:
        raise errors.not_found("ErrorItemNotFound", "The upload session was not found.")
    given = CONTENT_RANGE.match(request.headers.get("content-range", ""))
    if not given:
        raise errors.bad_request("The Content-Range header is missing or malformed.", "invalidRequest")
    first, last, total = (int(each) for each in given.groups())
    body = request.body
    if total != upload.size or last - first + 1 != len(body) or len(body) > CHUNK_LIMIT:
        raise errors.bad_request("The range does not fit the session or the body.", "invalidRequest")
    if first != len(upload.data):
        raise GraphError(416, "InvalidContentRange", "The range is not the next one expected.")
    upload.data += body
    if len(upload.data) < upload.size:
        expires = stamp(request.cloud.clock.now() + timedelta(hours=24))
        ranges = [str(len(upload.data))]
        return Response({"expirationDateTime": expires, "nextExpectedRanges": ranges})
    del request.cloud.uploads[session]
    doc = {"@odata.type": TASK_FILE, "name": upload.name, "contentType": upload.content_type}
    db = request.cloud.db
    place = rows.add_file(db, thing, doc, bytes(upload.data), request.cloud.clock.stamp())
    where = f"{upload.where}/attachments/{file_id(box, thing, place)}"
    return Response(status=201, raw=b"", headers={"Location": where})
