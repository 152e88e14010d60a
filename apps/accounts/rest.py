"""The API about people: who I am, the account, its users."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.actor import current_actor
from apps.core.errors import NotFound
from apps.core.keyset import page_of
from apps.core.permissions import Permission
from apps.core.rest import PlaceQuery, RestView, page_answer, pages_of, query_of

from .models import ApiToken, Membership

PAGE_SIZE = 50


class PersonShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    email = serializers.EmailField()


class AccountShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    location = serializers.CharField(source="get_location_display")
    state = serializers.CharField()
    created_at = serializers.DateTimeField()
    trial_ends_at = serializers.DateTimeField(allow_null=True)


class TokenShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    expires_at = serializers.DateTimeField()


class MeShape(serializers.Serializer[Any]):
    person = PersonShape()
    account = AccountShape()
    role = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())
    services = serializers.ListField(child=serializers.CharField(), allow_null=True)
    token = TokenShape(allow_null=True)


class UserShape(serializers.Serializer[Any]):
    """A membership: one person in this account."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField(source="user.name")
    email = serializers.EmailField(source="user.email")
    role = serializers.CharField()
    permissions = serializers.SerializerMethodField()
    services = serializers.ListField(child=serializers.CharField(), allow_null=True)
    is_active = serializers.BooleanField()
    is_owner = serializers.BooleanField()
    last_seen_at = serializers.DateTimeField(allow_null=True)

    def get_permissions(self, membership: Membership) -> list[str]:
        return sorted(membership.permissions)


class Me(RestView):
    """Who the token or session belongs to, and what it may at this moment."""

    @extend_schema(operation_id="me", responses=MeShape)
    def get(self, request: Request) -> Response:
        membership: Membership = request._request.membership
        token: ApiToken | None = request.auth
        actor = current_actor()
        shown = {
            "person": membership.user,
            "account": membership.account,
            "role": membership.role,
            "permissions": sorted(actor.permissions),
            "services": None if actor.services is None else sorted(actor.services),
            "token": token,
        }
        return Response(MeShape(shown).data)


class AccountDetail(RestView):
    """The account."""

    @extend_schema(operation_id="account", responses=AccountShape)
    def get(self, request: Request) -> Response:
        return Response(AccountShape(request._request.account).data)


class UserList(RestView):
    """The users of the account."""

    permission = Permission.USERS

    @extend_schema(operation_id="users", parameters=[PlaceQuery], responses=pages_of(UserShape, "User"))
    def get(self, request: Request) -> Response:
        query = query_of(PlaceQuery, request)
        page = page_of(_members(request), keys=("id",), size=PAGE_SIZE, after=query.get("after"))
        return page_answer(request, page, lambda row: UserShape(row).data)


class UserDetail(RestView):
    """One user of the account."""

    permission = Permission.USERS

    @extend_schema(operation_id="user", responses=UserShape)
    def get(self, request: Request, user_id: UUID) -> Response:
        found = _members(request).filter(public_id=user_id).first()
        if found is None:
            raise NotFound("This user does not exist, or was removed.")
        return Response(UserShape(found).data)


def _members(request: Request) -> Any:
    account = request._request.account
    return Membership.objects.filter(account=account).select_related("user")
