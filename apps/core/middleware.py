"""A reference for every request, and one place that turns our errors into pages."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .elsewhere import elsewhere
from .errors import EverkeepError, NotFound, PermissionMissing
from .ids import new_public_id
from .refusals import tell_refused

logger = logging.getLogger("everkeep.request")
Handler = Callable[[HttpRequest], HttpResponse]


class RequestContextMiddleware:
    """Gives each request an id that error pages, logs and activity rows share."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.reference = new_public_id().hex[-12:]  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Reference"] = request.reference  # type: ignore[attr-defined]
        return response


class ErrorMiddleware:
    """Answers an EverkeepError from a view with a calm page: what happened and what to do."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, EverkeepError):
            return None
        if isinstance(error, PermissionMissing):
            tell_refused(request, error)
        if error.status >= 500:
            logger.warning("%s at %s: %s", error.code, request.path, error)
        context = {"error": error, "elsewhere": elsewhere(request) if isinstance(error, NotFound) else None}
        return render(request, "errors/error.html", context, status=error.status)
