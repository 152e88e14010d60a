"""Is it you? The page that dangerous acts lead to (`accounts.sudo`)."""

import json

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from ..access import person_required
from ..factors.passkeys import options_to_sign_in
from ..http import MemberRequest
from ..proofs import ProofForm, prove
from ..sudo import safe_next, ways_of


@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def sudo(request: MemberRequest) -> HttpResponse:
    """Asks for the password again, or for another proof; then back to where one was."""
    following = safe_next(request)
    asked = request.method == "POST"
    form = ProofForm(request.POST if asked else None, request=request)
    if asked and form.is_valid() and prove(request, form):
        return redirect(following)
    context = {
        "form": form,
        "next": following,
        "passkey": json.dumps(options_to_sign_in(request.user, "proof")) if form.takes_passkey else "",
        "ways": [] if form.wants_factor else ways_of(request, following),
    }
    return render(request, "accounts/sudo.html", context)
