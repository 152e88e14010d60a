"""What every answer of the API shares: who may ask, how often, how pages follow each other, how errors look.

Views are thin: an `access` function, a selector or service, a serializer. Whether the caller is a program
with a token or a browser with a session was decided by accounts' middleware, as for any page.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction
from rest_framework import exceptions, serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from .client_address import client_address
from .errors import EverkeepError, InvalidRequest, NotFound, PermissionMissing
from .keyset import KeysetPage
from .permissions import Permission, require
from .refusals import tell_refused

logger = logging.getLogger("everkeep.request")


class PortalAuthentication(SessionAuthentication):
    """Takes over who the middleware let in; a browser's session must prove that its own page asks."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        inner: HttpRequest = request._request
        if not inner.user.is_authenticated:
            return None
        token = getattr(inner, "token", None)
        if token is None:
            self.enforce_csrf(request)
        return inner.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Token"


class PortalAuthenticationScheme(OpenApiAuthenticationExtension):
    """How the schema calls it."""

    target_class = PortalAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Token ek_…`"}


class TokenThrottle(SimpleRateThrottle):
    """So many requests a minute for one token."""

    scope = "token"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        token = getattr(request._request, "token", None)
        return f"rest-token-{token.pk}" if token else None


class AddressThrottle(SimpleRateThrottle):
    """So many requests a minute for one network address, with a token, with a wrong one, with none."""

    scope = "address"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        return f"rest-address-{client_address(request._request)}"


class ErrorBody(serializers.Serializer[Any]):
    """Every refusal: `code` for programs, `detail` what happened, `do` what to do about it."""

    code = serializers.CharField()
    detail = serializers.CharField()
    do = serializers.CharField(allow_blank=True)


class RestView(APIView):
    """Base of all routes of the API. `permission` None: whoever belongs to the account."""

    permission: ClassVar[Permission | None] = None
    authentication_classes: ClassVar[Sequence[type[SessionAuthentication]]] = (PortalAuthentication,)
    throttle_classes: ClassVar[Sequence[type[SimpleRateThrottle]]] = (AddressThrottle, TokenThrottle)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count before anything else: guessing tokens is what limits are for."""
        self.check_throttles(request)
        self.perform_authentication(request)
        if not request.user.is_authenticated:
            raise exceptions.NotAuthenticated
        if getattr(request._request, "membership", None) is None:
            raise PermissionMissing("You do not belong to an account.", do="Ask an administrator to add you.")
        if self.permission is not None:
            require(self.permission)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "private, no-store")
        return answer


class PlaceQuery(serializers.Serializer[Any]):
    """Where a list goes on."""

    after = serializers.UUIDField(required=False, help_text="From the `next` of the page before.")


def query_of(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """Read what stands behind the question mark, or the body. Raises InvalidRequest, naming the field."""
    return _valid(serializer(data=request.query_params))


def body_of(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """Read the body. Raises InvalidRequest, naming the field."""
    return _valid(serializer(data=request.data))


def _valid(bound: serializers.Serializer[Any]) -> dict[str, Any]:
    if not bound.is_valid():
        field, problems = next(iter(bound.errors.items()))
        problem = problems[0] if isinstance(problems, list) else problems
        raise InvalidRequest(f"{field}: {problem}", do="The schema says what is taken: /api/v1/schema/")
    data: dict[str, Any] = bound.validated_data
    return data


def page_answer(
    request: Request, page: KeysetPage[Any], show: Callable[[Any], Any], *, following: UUID | str | None = None
) -> Response:
    """One page of a list: its items and the address of the next page, or null."""
    return list_answer(request, [show(item) for item in page.items], following or page.following)


def list_answer(request: Request, items: list[Any], following: object = None) -> Response:
    """Items with the address of what follows `following`, or null."""
    if not following:
        return Response({"items": items, "next": None})
    query = request.query_params.copy()
    query["after"] = str(following)
    return Response({"items": items, "next": f"{settings.PORTAL_URL}{request.path}?{query.urlencode()}"})


def pages_of(item: type[serializers.Serializer[Any]], name: str) -> type[serializers.Serializer[Any]]:
    """The shape of a list's answer, for the schema."""
    fields = {"items": item(many=True), "next": serializers.URLField(allow_null=True)}
    return type(f"{name}Page", (serializers.Serializer,), fields)


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler of exceptions: every one of ours and of its own in one shape; a bug stays a bug."""
    headers: dict[str, str] = {}
    if isinstance(error, Http404):
        error = NotFound("There is nothing here.")
    elif isinstance(error, PermissionDenied):
        error = PermissionMissing("This is not open to you.")
    if isinstance(error, PermissionMissing):
        tell_refused(context["request"]._request, error)
    if isinstance(error, EverkeepError):
        if error.status >= 500:
            logger.warning("%s at %s: %s", error.code, context["request"].path, error)
        body, status = {"code": error.code, "detail": error.what, "do": error.do}, error.status
    elif isinstance(error, exceptions.APIException):
        body, status = _body_of(error), error.status_code
        if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
            headers["WWW-Authenticate"], status = "Token", 401
        if isinstance(error, exceptions.Throttled):
            headers["Retry-After"] = str(int(error.wait or 1) + 1)
        if isinstance(error, exceptions.MethodNotAllowed):
            headers["Allow"] = ", ".join(context["view"].allowed_methods)
    else:
        return None
    return Response(body, status=status, headers=headers)


_SIGN_IN = "Send the header \u201cAuthorization: Token …\u201d with a token that is not over."
_DO = {
    "not_authenticated": _SIGN_IN,
    "authentication_failed": _SIGN_IN,
    "throttled": "Wait as many seconds as Retry-After says.",
    "permission_denied": "A browser sends its CSRF token in the header X-CSRFToken.",
}


def _body_of(error: exceptions.APIException) -> dict[str, str]:
    code = str(error.default_code)
    detail = error.detail
    return {
        "code": code,
        "detail": str(detail) if isinstance(detail, str) else str(error.default_detail),
        "do": _DO.get(code, ""),
    }


class Nowhere(APIView):
    """Addresses that the API has not: answered in its own shape, and counted like any other."""

    throttle_classes: ClassVar[Sequence[type[SimpleRateThrottle]]] = (AddressThrottle,)
    authentication_classes: ClassVar[list[Any]] = []
    permission_classes: ClassVar[list[Any]] = []
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.check_throttles(request)
        raise NotFound("There is nothing here.", do="The schema lists every address: /api/v1/schema/")


class ApiSchema(AutoSchema):
    """Every route can refuse in the one shape of errors."""

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        found: dict[str, Any] = super()._get_response_bodies(direction)
        for status in ("400", "401", "403", "404", "409", "415", "429"):
            found.setdefault(status, self._get_response_for_code(ErrorBody, status))
        return found

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Who may ask is not DRF's business (`RestView.initial`), so it would call a token optional."""
        return [{PortalAuthenticationScheme.name: []}]
