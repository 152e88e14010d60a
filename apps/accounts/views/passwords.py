"""Changing one's own password while signed in (features ACC-10)."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from ..access import person_required
from ..factors.forms import PasswordChangeForm
from ..http import MemberRequest
from ..limits import address_of, give_back, take
from ..passwords import is_too_old, password_change
from ..proofs import FROM_ONE_PLACE, OF_ONE
from ..sudo import safe_next


@sensitive_post_parameters("current", "new", "again")
@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def change(request: MemberRequest) -> HttpResponse:
    """Current, new, confirm, save. Tries at the current one are counted with those of `sudo`."""
    if not request.user.has_usable_password():
        messages.info(request, "You have no password here. “Forgotten?” at the sign-in sets one.")
        return redirect("my_security")
    asked = request.method == "POST"
    form = PasswordChangeForm(request.POST if asked else None, user=request.user)
    if asked and not (take(OF_ONE, request.user.pk) and take(FROM_ONE_PLACE, address_of(request))):
        return render(request, "429.html", status=429)
    is_valid = asked and form.is_valid()
    if asked and "current" not in form.errors:
        give_back(OF_ONE, request.user.pk)
        give_back(FROM_ONE_PLACE, address_of(request))
    if is_valid:
        password_change(request, form.cleaned_data["new"])
        messages.info(request, "Your password was changed. All other devices were signed out.")
        return redirect(safe_next(request) if "next" in request.POST else "my_security")
    days = None if request.is_outside else request.account.password_days
    context = {"form": form, "has_ended": is_too_old(request.user, days), "days": days}
    return render(request, "accounts/password_change.html", context)
