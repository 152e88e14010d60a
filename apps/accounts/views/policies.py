"""What an account demands of everybody in it, and help for who lost the second factor."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.permissions import Permission

from ..access import member_required
from ..factors.forms import PolicyForm
from ..factors.lost import factor_reset, member_to_reset
from ..factors.policy import policy_save
from ..http import MemberRequest
from ..sudo import sudo_required


@require_POST
@member_required(Permission.ACCOUNT_SETTINGS)
@sudo_required()
def save(request: MemberRequest) -> HttpResponse:
    """Second factor demanded, days after which passwords end."""
    form = PolicyForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was saved: the days must be a number from 1 to 3,650, or empty.")
        return redirect("security")
    data = form.cleaned_data
    changed = policy_save(
        request.account.pk, second_factor=data["second_factor"], password_days=data["password_days"]
    )
    messages.info(request, "Saved. All administrators were told." if changed else "Nothing was different.")
    return redirect("security")


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.USERS)
@sudo_required(reading=True)
def reset_factor(request: MemberRequest, member_id: UUID) -> HttpResponse:
    """Take the second factor off somebody who lost it; they are told, and it is written down."""
    member = member_to_reset(request.account.pk, member_id, by=request.user)
    if request.method == "POST":
        factor_reset(member.user)
        messages.info(request, f"{member.user} signs in with the password alone until a new factor is set up.")
        return redirect("settings")
    return render(request, "accounts/factor_reset.html", {"member": member})
