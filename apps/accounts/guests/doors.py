"""The doors of partners' and staff's own pages. They show names and states of customers, never contents."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from apps.core.errors import PermissionMissing

from ..enums import PartnerRole
from ..factors.policy import guests_factor
from ..models import PartnerMembership, User

P = ParamSpec("P")


class PartnerRequest(HttpRequest):
    """A request of somebody of a partner."""

    user: User
    seat: PartnerMembership


class StaffRequest(HttpRequest):
    """A request of one of the platform's staff."""

    user: User


PartnerPage = Callable[Concatenate[PartnerRequest, P], HttpResponseBase]
StaffPage = Callable[Concatenate[StaffRequest, P], HttpResponseBase]
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def partner_required(*, manager: bool = False) -> Callable[[PartnerPage[P]], Page[P]]:
    """Let people of a partner in, `manager` only those who manage it; with a second factor where it says so."""

    def guard(page: PartnerPage[P]) -> Page[P]:
        @wraps(page)
        def door(request: PartnerRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            seat = seat_of(request.user)
            if seat is None:
                raise PermissionMissing("This page is for partners of Everkeep.")
            if manager and seat.role != PartnerRole.MANAGER:
                raise PermissionMissing("Only managers of the partner may do this.", do="Ask one of them.")
            request.seat = seat
            return _private(guests_factor(request, reverse("partner")) or page(request, *args, **kwargs))

        return door  # type: ignore[return-value]

    return guard


def staff_required(page: StaffPage[P]) -> Page[P]:
    """Let the platform's staff in, with a second factor: they could be let into everybody's account."""

    @wraps(page)
    def door(request: StaffRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not request.user.is_platform_staff:
            raise PermissionMissing("This page is for Everkeep's own staff.")
        return _private(guests_factor(request, reverse("staff")) or page(request, *args, **kwargs))

    return door  # type: ignore[return-value]


def seat_of(user: User) -> PartnerMembership | None:
    """Where somebody sits in a partner organisation."""
    rows = PartnerMembership.objects.select_related("partner", "user")
    return rows.filter(user=user, user__is_active=True).first()


def _private(response: HttpResponseBase) -> HttpResponseBase:
    response["Cache-Control"] = "private, no-store"
    return response
