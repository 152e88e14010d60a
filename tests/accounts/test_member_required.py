"""Nobody gets behind the door of a page without a membership and the page's right."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.middleware import AccountScopeMiddleware
from apps.accounts.models import User
from apps.core.errors import PermissionMissing
from apps.core.permissions import Permission
from apps.core.scope import current_account_id
from tests.cast import Cast


@member_required(Permission.BILLING)
def bills(request: MemberRequest, number: int) -> HttpResponse:
    return HttpResponse(f"{number} for {request.account.name} in {current_account_id()}")


def answer(person: User | AnonymousUser, htmx: bool = False) -> HttpResponse:
    request = RequestFactory(headers={"HX-Request": "true"} if htmx else {}).get("/bills/?page=2")
    request.user = person
    request.session = {}  # type: ignore[assignment]
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]

    def view(request: HttpRequest) -> HttpResponse:
        return bills(request, number=7)  # type: ignore[return-value]

    return AccountScopeMiddleware(view)(request)


def test_who_has_the_right_gets_in_and_nothing_is_cached(cast: Cast) -> None:
    response = answer(cast.finance)
    assert response.content.decode() == f"7 for Pizza Perfecto in {cast.account.pk}"
    assert response["Cache-Control"] == "private, no-store"


def test_who_lacks_the_right_is_refused(cast: Cast) -> None:
    with pytest.raises(PermissionMissing):
        answer(cast.viewer)


def test_nobody_in_particular_goes_to_the_sign_in_page_and_back(db: None) -> None:
    response = answer(AnonymousUser())
    assert response.status_code == 302
    assert response["Location"].endswith("?next=/bills/%3Fpage%3D2")


def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(db: None) -> None:
    response = answer(AnonymousUser(), htmx=True)
    assert response["HX-Redirect"].startswith("/")
    assert response.status_code == 200
