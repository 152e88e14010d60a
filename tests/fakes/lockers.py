"""Retention as Azure and Google document it, which their emulators leave out: one small server for each.

They prove that we send and read what the documents say, not that the documents are right.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects: ClassVar[dict[str, dict[str, Any]]]
    lockable: ClassVar[bool]

    def log_message(self, *words: Any) -> None:
        return

    @property
    def path_only(self) -> str:
        return unquote(urlsplit(self.path).path)

    @property
    def query(self) -> dict[str, str]:
        return {
            name: values[0]
            for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()
        }

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class AzureHandler(_Handler):
    """Put Blob, Get Blob Properties, Set Blob Immutability Policy, Delete Blob (REST API reference)."""

    def do_PUT(self) -> None:
        data, comp = self.body(), self.query.get("comp")
        until = self.headers.get("x-ms-immutability-policy-until-date")
        if until and not self.lockable:
            self.fail(409, "ImmutableStorageWithVersioningNotEnabled")
        elif comp == "immutabilityPolicies":
            found = self.objects[self.path_only]
            found.update(until=until, mode=self.headers["x-ms-immutability-policy-mode"])
            self.answer(200)
        elif self.headers.get("If-None-Match") == "*" and self.path_only in self.objects:
            self.fail(409, "BlobAlreadyExists")
        else:
            mode = self.headers.get("x-ms-immutability-policy-mode")
            self.objects[self.path_only] = {"data": data, "until": until, "mode": mode}
            self.answer(201, ETag='"1"', Last_Modified=format_datetime(datetime.now(UTC), usegmt=True))

    def do_HEAD(self) -> None:
        found = self.objects.get(self.path_only)
        if found is None:
            self.fail(404, "BlobNotFound")
            return
        headers = {"x_ms_blob_type": "BlockBlob"}
        if found["until"]:
            headers["x_ms_immutability_policy_until_date"] = found["until"]
            headers["x_ms_immutability_policy_mode"] = found["mode"].lower()
        if found.get("hold"):
            headers["x_ms_legal_hold"] = "true"
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(found["data"])))
        self.end_headers()

    def do_GET(self) -> None:
        """Get Container Properties."""
        enabled = str(self.lockable).lower()
        self.answer(
            200,
            ETag='"1"',
            Last_Modified=format_datetime(datetime.now(UTC), usegmt=True),
            x_ms_immutable_storage_with_versioning_enabled=enabled,
            x_ms_has_immutability_policy="false",
            x_ms_has_legal_hold="false",
        )

    def do_DELETE(self) -> None:
        found = self.objects[self.path_only]
        if found.get("hold") or (found["until"] and parsedate_to_datetime(found["until"]) > datetime.now(UTC)):
            self.fail(409, "BlobImmutableDueToPolicy")
        else:
            del self.objects[self.path_only]
            self.answer(202)

    def fail(self, status: int, code: str) -> None:
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        self.answer(status, body, x_ms_error_code=code, Content_Type="application/xml")


class GoogleHandler(_Handler):
    """Objects: insert (multipart), get, patch, delete; Buckets: get (JSON API reference)."""

    def do_POST(self) -> None:
        boundary = self.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
        _, metadata, data, _ = self.body().split(b"--" + boundary)
        resource = json.loads(metadata.split(b"\r\n\r\n", 1)[1])
        if "retention" in resource and not self.lockable:
            self.fail(400, "Object retention is not enabled for this bucket.")
            return
        resource["size"] = str(len(data.split(b"\r\n\r\n", 1)[1]) - 2)
        resource.setdefault("generation", "17")
        self.objects[resource["name"]] = resource
        self.say(resource)

    def do_GET(self) -> None:
        if "/o/" not in self.path:
            mode = {"objectRetention": {"mode": "Enabled"}} if self.lockable else {}
            self.say({"name": "bucket", "retentionPolicy": {"retentionPeriod": "172800"}, **mode})
        elif (found := self.objects.get(self.name)) is None:
            self.fail(404, f"No such object: bucket/{self.name}")
        else:
            self.say(found)

    def do_PATCH(self) -> None:
        self.objects[self.name].update(json.loads(self.body()))
        self.say(self.objects[self.name])

    def do_DELETE(self) -> None:
        found = self.objects[self.name]
        until = found.get("retention", {}).get("retainUntilTime")
        if until and datetime.fromisoformat(until) > datetime.now(UTC):
            self.fail(
                403, f"Object 'bucket/{self.name}' is subject to object retention: retention period not met."
            )
            return
        del self.objects[self.name]
        self.answer(204)

    @property
    def name(self) -> str:
        return self.path_only.partition("/o/")[2]

    def say(self, resource: Any, status: int = 200) -> None:
        self.answer(status, json.dumps(resource).encode(), Content_Type="application/json")

    def fail(self, status: int, text: str) -> None:
        self.say({"error": {"code": status, "message": text, "errors": [{"message": text}]}}, status)


@contextmanager
def locker(kind: type[_Handler], *, lockable: bool = True) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """Serve one of the two and yield its address and its objects."""
    objects: dict[str, dict[str, Any]] = {}
    handler = type(kind.__name__, (kind,), {"objects": objects, "lockable": lockable})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", objects
    finally:
        server.shutdown()
        server.server_close()
