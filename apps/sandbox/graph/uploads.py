"""Upload sessions for attachments from 3 to 150 MB: on a host of their own, without Authorization."""

import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from ..behaviour import wire
from ..cloud import Cloud
from ..mail.parse import Attachment
from ..state import ids
from ..state import things as thing_rows
from ..state.clock import stamp
from ..state.mailboxes import Mailbox
from ..state.things import Thing
from . import errors, shape
from .attachments import add_row, touch
from .errors import GraphError
from .messages import SELECT, detach_from_mime, find_message
from .render import MIME
from .request import Request, Response

SMALLEST, LARGEST, CHUNK_LIMIT = 3 * 1024 * 1024, 150 * 1024 * 1024, 4 * 1024 * 1024
_FILE_MEMBERS = {"name", "contentType", "isInline", "contentId"}
CONTENT_RANGE = re.compile(r"^bytes (\d+)-(\d+)/(\d+)$")


@dataclass(slots=True)
class Upload:
    """For a message by its key, or for a thing."""

    box: Mailbox
    message: int
    item: dict[str, Any]
    size: int
    thing: Thing | None = None
    role: str = "attachment"
    data: bytearray = field(default_factory=bytearray)


def create_session(request: Request, box: Mailbox, text: str) -> Response:
    row = find_message(request, box, text)
    item = _file_item(request)
    token = _open(request, Upload(box, row[0], item, item["size"]))
    return _session(request, f"/_upload/AttachmentSessions('{token[:16]}')?authtoken={token}")


def create_thing_session(request: Request, box: Mailbox, thing: Thing, role: str = "attachment") -> Response:
    """The same for an event or another thing."""
    item = _file_item(request)
    token = _open(request, Upload(box, 0, item, item["size"], thing, role))
    return _session(request, f"/_upload/AttachmentSessions('{token[:16]}')?authtoken={token}")


def _file_item(request: Request) -> dict[str, Any]:
    body = {key.lower(): value for key, value in request.json().items()}
    item = shape.upload_item(body.get("attachmentitem"), "AttachmentItem")
    if item is None or item["attachmentType"] != "file":
        raise errors.bad_request("An AttachmentItem of type file is needed.", "ErrorInvalidRequest")
    size = item["size"]
    if size < SMALLEST:
        text_ = "The attachment is too small for an upload session: post it directly."
        raise errors.bad_request(text_, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize")
    if size > LARGEST:
        raise errors.bad_request("The attachment is too large.", "ErrorAttachmentSizeLimitExceeded")
    return dict(item)


def _open(request: Request, upload: Upload) -> str:
    token = secrets.token_urlsafe(24)
    request.cloud.uploads[token] = upload
    return token


def _session(request: Request, path: str) -> Response:
    session = {
        "@odata.context": f"{request.base_url}/v1.0/$metadata#microsoft.graph.uploadSession",
        "uploadUrl": f"{request.base_url}{path}",
        "expirationDateTime": stamp(request.cloud.clock.now() + timedelta(hours=24)),
        "nextExpectedRanges": ["0-"],
    }
    return Response(session, status=201)


class UploadService:
    """The upload host: PUT one range after the other, DELETE cancels."""

    def __init__(self, cloud: Cloud, public_url: str | None = None) -> None:
        self.cloud = cloud
        self.public_url = public_url

    async def __call__(self, scope: dict[str, Any], receive: wire.Receive, send: wire.Send) -> None:
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        body = await wire.read_body(receive)
        token = (parse_qs(scope["query_string"].decode()).get("authtoken") or [""])[0]
        base = self.public_url or f"{scope['scheme']}://{headers.get('host', '')}{scope.get('root_path', '')}"
        fault = None
        if self.cloud.faults.script:
            fault = self.cloud.faults.pick(scope["method"], scope["path"], "")
        try:
            if fault and fault.kind == "error":
                status = int(fault.options.get("status", 503))
                raise GraphError(
                    status, str(fault.options.get("code", "ServiceUnavailable")), "Scripted fault."
                )
            response = self._handle(scope["method"], token, headers, body, base)
            if fault and fault.kind == "reset":
                response.transport = {"reset": str(fault.options.get("when", "before"))}
        except GraphError as error:
            details = error.body("upload", "upload", self.cloud.clock.now().strftime("%Y-%m-%dT%H:%M:%S"))
            response = Response(details, status=error.status, content_type="application/json")
        await wire.answer(send, response, [])

    def _handle(self, method: str, token: str, headers: dict[str, str], body: bytes, base: str) -> Response:
        upload: Upload | None = self.cloud.uploads.get(token)
        if upload is None:
            raise GraphError(404, "ErrorItemNotFound", "The upload session was not found.")
        if "authorization" in headers:
            raise GraphError(401, "ErrorAccessDenied", "Send no Authorization header to the upload URL.")
        if method == "DELETE":
            del self.cloud.uploads[token]
            return Response(status=204)
        if method == "GET":
            return self._progress(upload)
        return self._put(token, upload, headers, body, base)

    def _progress(self, upload: Upload) -> Response:
        expires = stamp(self.cloud.clock.now() + timedelta(hours=24))
        return Response({"expirationDateTime": expires, "nextExpectedRanges": [str(len(upload.data))]})

    def _put(self, token: str, upload: Upload, headers: dict[str, str], body: bytes, base: str) -> Response:
        given = CONTENT_RANGE.match(headers.get("content-range", ""))
        if not given:
            raise errors.bad_request("The Content-Range header is missing or malformed.", "ErrorInvalidRequest")
        first, last, total = (int(number) for number in given.groups())
        if total != upload.size or last - first + 1 != len(body) or len(body) > CHUNK_LIMIT:
            raise errors.bad_request("The range does not fit the session or the body.", "ErrorInvalidRequest")
        if first != len(upload.data):
            raise GraphError(416, "InvalidContentRange", "The range is not the next one expected.")
        upload.data += body
        if len(upload.data) < upload.size:
            return self._progress(upload)
        del self.cloud.uploads[token]
        return self._finish(upload, base)

    def _finish(self, upload: Upload, base: str) -> Response:
        """The answer has no body: the new attachment's id is only in `Location`."""
        cloud, item = self.cloud, upload.item
        if upload.thing is not None:
            return _finish_thing(cloud, upload, upload.thing, base)
        row = cloud.db.one(f"{SELECT} WHERE id = ?", (upload.message,))
        if row is None:
            raise errors.not_found()
        one = Attachment(
            kind="file",
            name=str(item["name"]),
            content_type=str(item.get("contentType") or "application/octet-stream"),
            data=bytes(upload.data),
            is_inline=bool(item.get("isInline")),
            content_id=item.get("contentId"),
            doc=item,
        )
        request = Request(cloud, "PUT", "/_upload", "", {}, b"", base)
        with cloud.db.transaction():
            if row[MIME] is not None:
                detach_from_mime(request, row)
            number = add_row(request, upload.message, one)
            touch(request, row)
        guid = upload.box.guid
        message = ids.encode(guid, ids.MUTABLE, row[0], row[3])
        attachment = ids.encode(guid, ids.ATTACHMENT, row[0], number)
        where = f"{base}/api/v2.0/Users('{guid}')/Messages('{message}')/Attachments('{attachment}')"
        return Response(status=201, raw=b"", headers={"Location": where})


def _finish_thing(cloud: Cloud, upload: Upload, thing: Thing, base: str) -> Response:
    box, item = upload.box, upload.item
    live = thing_rows.by_key(cloud.db, thing.mailbox, thing.kind, thing.id)
    if live is None:
        raise errors.not_found()
    doc: dict[str, Any] = {"@odata.type": "#microsoft.graph.fileAttachment"}
    doc |= {key: value for key, value in item.items() if key in _FILE_MEMBERS}
    data, now = bytes(upload.data), cloud.clock.stamp()
    number = thing_rows.add_file(cloud.db, live, doc, data, now, role=upload.role)
    item_id, attachment = (
        ids.encode(box.guid, ids.THING, live.id),
        ids.encode(box.guid, ids.THING_FILE, live.id, number),
    )
    where = f"{base}/api/v2.0/Users('{box.guid}')/Events('{item_id}')/Attachments('{attachment}')"
    return Response(status=201, raw=b"", headers={"Location": where})
