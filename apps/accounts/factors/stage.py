"""The second step of signing in, after a password or a provider has said who it is."""

from typing import Any

from allauth.account.stages import LoginStage
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django.shortcuts import redirect

from .codes import has_factor

ALLAUTHS = "allauth.mfa.stages.AuthenticateStage"


class SecondFactorStage(LoginStage):  # type: ignore[misc]
    """Takes the place of allauth's own stage, which does not know our codes."""

    key = "mfa_authenticate"
    urlname = "second_factor"

    def handle(self) -> tuple[Any, bool]:
        """Nobody gets a session before the code; a passkey that stood for the password was both."""
        user = self.login.user
        if user is None or did_use_passwordless_login(self.request, user) or not has_factor(user):
            return None, True
        return redirect(self.urlname), True


def stages_with_ours(paths: list[str]) -> list[str]:
    """The stages of a sign-in, with ours for allauth's."""
    ours = f"{SecondFactorStage.__module__}.{SecondFactorStage.__name__}"
    return [ours if path == ALLAUTHS else path for path in paths]
