"""The whole cloud as one ASGI application: Graph and uploads directly, the rest through Starlette."""

from typing import Any

from starlette.applications import Starlette

from . import control
from .behaviour import wire
from .cloud import Cloud
from .graph import archive
from .graph.service import GraphService
from .graph.uploads import UploadService
from .graph.usage import PAGES
from .identity import errors, service


def make_application(cloud: Cloud, public_url: str | None = None, base_path: str = "") -> "Application":
    return Application(cloud, public_url, base_path.rstrip("/"))


class Application:
    def __init__(self, cloud: Cloud, public_url: str | None, base_path: str) -> None:
        self.base_path = base_path
        self.graph = GraphService(cloud, public_url)
        self.beta = GraphService(cloud, public_url, archive.BETA_ROUTES)
        self.uploads = UploadService(cloud, public_url)
        self.site = Starlette(
            routes=[*control.ROUTES, *service.ROUTES, *PAGES],
            exception_handlers={errors.SignInError: errors.as_json, control.BadControl: control.as_json},
        )
        self.site.state.cloud = cloud
        self.site.state.public_url = public_url

    async def __call__(self, scope: dict[str, Any], receive: wire.Receive, send: wire.Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if self.base_path and path.startswith(self.base_path + "/"):
                path = path[len(self.base_path) :]
                scope = {**scope, "path": path, "root_path": self.base_path}
            if path.startswith("/v1.0/"):
                await self.graph(scope, receive, send)
                return
            if path.startswith("/beta/"):
                await self.beta(scope, receive, send)
                return
            if path.startswith("/_upload/"):
                await self.uploads(scope, receive, send)
                return
        await self.site(scope, receive, send)  # type: ignore[arg-type]  # the same protocol, typed looser
