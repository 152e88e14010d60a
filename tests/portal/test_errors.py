"""Error pages: calm words, a reference, and no need of the database."""

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from apps.core.errors import NotFound, PermissionMissing
from config.urls import handler400, handler403, handler404, handler500  # noqa: F401 - Django looks here
from config.urls import urlpatterns as portal_urls

TROUBLES: dict[str, Exception] = {
    "400": SuspiciousOperation("odd"),
    "403": PermissionDenied(),
    "500": RuntimeError("secret detail"),
    "missing": NotFound("There is no such mailbox.", do="Choose one from the list."),
    "right": PermissionMissing("This needs the permission “Restore”."),
}


def trouble(request: HttpRequest, kind: str) -> HttpResponse:
    raise TROUBLES[kind]


urlpatterns = [path("trouble/<kind>/", trouble), *portal_urls]


@pytest.fixture
def visitor(db: None) -> Client:
    return Client(raise_request_exception=False)


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("400", 400, "was not understood"),
        ("403", 403, "not open to you"),
        ("500", 500, "it is our fault"),
        ("missing", 404, "There is no such mailbox. Choose one from the list."),
        ("right", 403, "This needs the permission “Restore”."),
    ],
)
def test_each_kind_of_trouble_has_its_page_with_a_reference(
    visitor: Client, kind: str, status: int, words: str
) -> None:
    answer = visitor.get(f"/trouble/{kind}/")
    page = answer.content.decode()
    assert answer.status_code == status
    assert words in page
    assert answer.headers["X-Request-Reference"] in page
    assert "secret detail" not in page


def test_an_unknown_address_says_that_there_is_nothing_here(visitor: Client) -> None:
    answer = visitor.get("/no/such/page/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


@override_settings(ROOT_URLCONF=__name__)
def test_the_page_for_our_own_fault_asks_neither_session_nor_database(visitor: Client) -> None:
    with connection.execute_wrapper(_no_database):
        answer = visitor.get("/trouble/500/")
    assert answer.status_code == 500
    assert "it is our fault" in answer.content.decode()


def _no_database(*args: object) -> object:
    raise AssertionError("an error page asked the database")


def test_a_form_without_its_token_is_explained(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/help/")
    assert answer.status_code == 403
    assert "open for too long" in answer.content.decode()


def test_every_page_carries_a_policy_that_allows_nothing_inline(visitor: Client) -> None:
    policy = visitor.get("/help/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy and "style-src 'self'" in policy
