"""Is it you? The page that dangerous acts lead to (`accounts.sudo`)."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from ..access import member_required
from ..http import MemberRequest
from ..proofs import ProofForm, prove
from ..sudo import safe_next, ways_of


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def sudo(request: MemberRequest) -> HttpResponse:
    """Asks for the password again, or for another proof; then back to where one was."""
    following = safe_next(request)
    asked = request.method == "POST"
    form = ProofForm(request.POST if asked else None, user=request.user)
    if asked and form.is_valid() and prove(request, form):
        return redirect(following)
    context = {"form": form, "next": following, "ways": ways_of(request, following)}
    return render(request, "accounts/sudo.html", context)
