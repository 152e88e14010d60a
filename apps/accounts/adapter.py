"""Where our house meets allauth: words, mails that fail loudly, and who is told what."""

import logging
from smtplib import SMTPException
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.core.client_address import client_address
from apps.core.errors import Unavailable

from .factors.stage import stages_with_ours
from .saml.gate import instead_of_password
from .sign_in_limits import remember_device, sign_in_forget, sign_in_give_back, sign_in_take

logger = logging.getLogger("everkeep.accounts")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Named by ACCOUNT_ADAPTER."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "This email and this password do not belong together.",
        "too_many_login_attempts": "Too many tries. Wait a minute, then try again, or set a new password.",
        "invalid_password_reset": "This link was used before, or it is too old.",
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        """What limits on tries count by; who cannot be told apart shares one limit."""
        return client_address(request) or "unknown"

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """Stop here whoever is to sign in at their company, whatever else they proved themselves with."""
        answer: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return answer or instead_of_password(request, user)

    def get_login_stages(self) -> list[str]:
        return stages_with_ours(super().get_login_stages())

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try, in place of allauth's count, which lets a stranger keep an address's owner out."""
        if not sign_in_take(request, credentials["email"]):
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        user = super().authenticate(request, **credentials)
        if user is not None:
            sign_in_give_back(request, credentials["email"])
        return user

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().post_login(request, user, **kwargs)
        remember_device(request, response, user.email)
        return response

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """allauth's word for: a new password was set through the mailbox."""
        sign_in_forget(request, credentials["email"])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send, or say that the mail did not go out: a person waiting for it would wait in vain."""
        links = {key: _ours(url) for key, url in context.items() if key.endswith("_url")}
        try:
            super().send_mail(template_prefix, email, {**context, **links})
        except (SMTPException, OSError) as error:
            logger.exception("mail %s was not sent", template_prefix)
            raise Unavailable(
                "The mail could not be sent: our mail server does not answer.",
                do="Try again in a few minutes. If you were signing up, sign in: the mail is then sent again.",
            ) from error


def _ours(url: str) -> str:
    """The same page at PORTAL_URL: who asks for a mail chooses the request's host, not where its links lead."""
    return urljoin(str(settings.PORTAL_URL), urlsplit(url).path)
