"""Lists of directory objects: $filter, $search, $orderby, $select, $top and the pages."""

from collections.abc import Callable
from typing import Any

from . import paging
from .errors import GraphError, bad_request
from .odata import matches, member, needs_advanced_query, parse_filter
from .request import Request, Response

Document = dict[str, Any]


def chosen(request: Request, default: tuple[str, ...]) -> list[str]:
    """The property names of $select, or the default set."""
    raw = request.query.get("$select")
    return [name.strip() for name in raw.split(",") if name.strip()] if raw else list(default)


def project(doc: Document, names: list[str]) -> Document:
    """Only the named properties; a property that was never set is null. The id always comes along."""
    low = {key.lower(): key for key in doc}
    out: Document = {"id": doc["id"]}
    for name in names:
        key = low.get(name.lower())
        out[key or name] = doc.get(key) if key else None
    return out


def _require_eventual(request: Request, what: str) -> None:
    if not request.eventual:
        text = f"{what} requires the header ConsistencyLevel: eventual and $count=true."
        raise GraphError(400, "Request_UnsupportedQuery", text)


def _filtered(request: Request, docs: list[Document]) -> list[Document]:
    if "$filter" in request.query:
        node = parse_filter(request.query["$filter"])
        if needs_advanced_query(node):
            _require_eventual(request, "This filter")
        docs = [doc for doc in docs if matches(node, doc)]
    if "$search" in request.query:
        _require_eventual(request, "$search")
        docs = [doc for doc in docs if _found(request.query["$search"], doc)]
    if "$orderby" in request.query:
        name, _, direction = request.query["$orderby"].partition(" ")
        docs = sorted(
            docs,
            key=lambda doc: str(member(doc, name) or "").casefold(),
            reverse=direction.strip().lower() == "desc",
        )
    return docs


def _found(search: str, doc: Document) -> bool:
    """`"displayName:ann" OR "mail:ann"`: some word of the property begins with the text."""
    for clause in search.split(" OR "):
        name, found, wanted = clause.strip().strip('"').partition(":")
        if not found:
            raise bad_request("The $search clause must name a property.")
        value = str(member(doc, name) or "").casefold()
        if any(word.startswith(wanted.casefold()) for word in [value, *value.split()]):
            return True
    return False


def answer_list(
    request: Request,
    docs: list[Document],
    *,
    context: str,
    default: tuple[str, ...],
    decorate: Callable[[Document, Document], None] | None = None,
    page_default: int = 100,
    page_limit: int = 999,
) -> Response:
    """One page; `decorate` may add to each shown object what its full document says."""
    start = 0
    if "$skiptoken" in request.query:
        start = _position(request.query["$skiptoken"])
    docs = _filtered(request, docs)
    size = request.number("$top", page_default, page_limit) or page_default
    names = chosen(request, default)
    shown = []
    for doc in docs[start : start + size]:
        item = project(doc, names)
        if decorate:
            decorate(item, doc)
        shown.append(item)
    payload: Document = {"@odata.context": f"{request.base_url}/v1.0/$metadata#{context}"}
    if request.flag("$count") and request.eventual:
        payload["@odata.count"] = len(docs)
    if start + size < len(docs):
        query = {k: v for k, v in request.query.items() if k != "$skiptoken"}
        query["$skiptoken"] = paging.seal({"at": start + size})
        payload["@odata.nextLink"] = paging.link(request.base_url, request.path, query)
    payload["value"] = shown
    return Response(payload)


def _position(token: str) -> int:
    try:
        return int(paging.unseal(token)["at"])
    except (paging.BadToken, KeyError, ValueError) as error:
        raise bad_request("The skip token is not valid.", "Directory_ExpiredPageToken") from error
