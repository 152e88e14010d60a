"""Error pages: calm words, what is unchanged, a way on, a reference. They need no database and no session."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from apps.core import clock


@dataclass(frozen=True)
class ErrorWords:
    """What one kind of error page says."""

    title: str
    sentence: str
    try_again: bool = False
    tell_support: bool = False


WORDS = {
    400: ErrorWords(
        "This request was not understood",
        "The address or the form was not complete. Nothing was changed.",
    ),
    403: ErrorWords(
        "This is not open to you",
        "You are signed in, but a permission is missing. Ask an administrator of your account for it.",
    ),
    404: ErrorWords(
        "There is nothing here",
        "It was removed, it belongs to somebody else, or the address has a typing error. Your backups are "
        "not affected.",
    ),
    500: ErrorWords(
        "This did not work, and it is our fault",
        "The page could not be put together. Your backups are not affected: they run elsewhere, and nothing "
        "was changed by this.",
        try_again=True,
        tell_support=True,
    ),
}
CSRF_WORDS = ErrorWords(
    "This form was open for too long",
    "To keep you safe it is accepted only from a fresh page. Nothing was changed. Go back, load the page again "
    "and send it once more.",
)


def error_page(request: HttpRequest, status: int, words: ErrorWords) -> HttpResponse:
    """Render without the request's context processors, so that neither session nor database is asked."""
    if request.path.startswith("/api/"):
        body = {"code": f"error_{status}", "detail": words.title, "do": words.sentence}
        return JsonResponse(body, status=status)
    context = {
        "status": status,
        "words": words,
        "reference": getattr(request, "reference", ""),
        "moment": clock.now(),
        "path": request.path,
    }
    return HttpResponse(render_to_string("errors/status.html", context), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 400, WORDS[400])


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 403, WORDS[403])


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 404, WORDS[404])


def server_error(request: HttpRequest) -> HttpResponse:
    return error_page(request, 500, WORDS[500])


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_page(request, 403, CSRF_WORDS)
