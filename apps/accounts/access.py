"""The door of every page that is not public, for apps that know accounts."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core.guard import guarded
from apps.core.permissions import Permission

from .http import MemberRequest

P = ParamSpec("P")
MemberPage = Callable[Concatenate[MemberRequest, P], HttpResponseBase]
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def member_required(permission: Permission | None = None) -> Callable[[MemberPage[P]], Page[P]]:
    """`core.guard.guarded`, whose page may rely on `request.account` and `request.membership`."""

    def guard(page: MemberPage[P]) -> Page[P]:
        return guarded(permission)(cast(Page[P], page))

    return guard
