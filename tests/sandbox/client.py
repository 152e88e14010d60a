"""A plain Graph client for the sandbox's own tests."""

from collections.abc import Iterator
from typing import Any

import httpx

from apps.sandbox.defaults import SeededApp
from apps.sandbox.testing import SandboxCloud

IMMUTABLE = 'IdType="ImmutableId"'


class Graph:
    """Calls `/v1.0` with an app's token; `mailbox` is put before paths that do not start with a slash."""

    def __init__(self, cloud: SandboxCloud, app: SeededApp | None = None, mailbox: str | None = None) -> None:
        self.cloud = cloud
        self.base = f"/users/{mailbox or cloud.admin}/"
        self.http = httpx.Client(
            base_url=f"{cloud.graph_url}/v1.0",
            headers={"Authorization": f"Bearer {cloud.token(app)}", "Prefer": IMMUTABLE},
            timeout=30,
            verify=False,  # plain http: spares the loading of certificates
        )

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        if not path.startswith(("/", "http")):
            path = self.base + path
        return self.http.request(method, path, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self._json(self.call("GET", path, **options))

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self._json(self.call("POST", path, json={} if body is None else body, **options))

    def patch(self, path: str, body: Any) -> Any:
        return self._json(self.call("PATCH", path, json=body))

    def delete(self, path: str) -> None:
        answer = self.call("DELETE", path)
        assert answer.status_code == 204, answer.text

    def _json(self, answer: httpx.Response) -> Any:
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def code(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """(status, error code) of a call that must fail."""
        answer = self.call(method, path, **options)
        assert answer.is_error, answer.text[:200]
        return answer.status_code, answer.json()["error"]["code"]

    def pages(self, path: str, **options: Any) -> Iterator[Any]:
        link: str | None = path
        while link:
            page = self.get(link, **options)
            yield page
            link = page.get("@odata.nextLink")

    def all(self, path: str, **options: Any) -> list[Any]:
        return [item for page in self.pages(path, **options) for item in page["value"]]

    def delta(self, path: str, *, page: int = 5, ids: str = IMMUTABLE) -> tuple[list[Any], str]:
        """All items of a round and the deltaLink."""
        last: dict[str, Any] = {}
        items = []
        for last in self.pages(path, headers={"Prefer": f"odata.maxpagesize={page}, {ids}".rstrip(", ")}):
            items += last["value"]
        return items, str(last["@odata.deltaLink"])
