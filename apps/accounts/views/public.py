"""Public pages that allauth does not have."""

from uuid import UUID

from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from ..outbox import WrittenMail, mail_of, newest_mails

MAIL_POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'none'"],
    "connect-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "frame-ancestors": ["'self'"],
}


@require_safe
def entry(request: HttpRequest) -> HttpResponse:
    """The door of the portal: sign in, or start a trial (features ACC-01)."""
    if request.user.is_authenticated:
        return redirect("home")
    return render(request, "accounts/entry.html")


@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    """Mails that stay on this machine. Only while debugging: whoever reads them can open any account."""
    if not settings.DEBUG:
        raise Http404
    return render(request, "accounts/outbox.html", {"mails": newest_mails()})


@require_safe
def outbox_mail(request: HttpRequest, mail_id: UUID) -> HttpResponse:
    """One mail of the outbox."""
    return render(request, "accounts/outbox_mail.html", {"mail": _mail(mail_id)})


@require_safe
@xframe_options_sameorigin
@csp_replace(MAIL_POLICY)  # type: ignore[arg-type]
def outbox_html(request: HttpRequest, mail_id: UUID) -> HttpResponse:
    """The mail's own HTML, for the frame of its page. Links open in a new tab."""
    return HttpResponse('<base target="_blank">' + _mail(mail_id).html)


def _mail(mail_id: UUID) -> WrittenMail:
    mail = mail_of(mail_id) if settings.DEBUG else None
    if mail is None:
        raise Http404
    return mail
