"""Settings → Account, and the page that says how the life of the account stands."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.permissions import Permission

from ..access import member_required, owner_required
from ..approvals import propose
from ..http import MemberRequest
from ..life import page
from ..life.access import require_administrator
from ..life.closing import account_reactivate
from ..life.forms import AccountForm, ConsentForm
from ..life.naming import account_rename, account_zone_set
from ..sudo import sudo_required


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.ACCOUNT_SETTINGS)
def account_settings(request: MemberRequest) -> HttpResponse:
    """Name, own address, location, owner, and the end of it all (features ACC-11…13)."""
    asked = request.method == "POST"
    form = AccountForm(request.POST if asked else None, initial=page.account_initial(request))
    if asked and form.is_valid():
        account_rename(account=request.account, name=form.cleaned_data["name"])
        if zone := form.cleaned_data["time_zone"]:
            account_zone_set(account=request.account, zone=zone)
        messages.success(request, "Saved.")
        return redirect("account_settings")
    return render(request, "accounts/account.html", page.account_page(request, form))


@require_POST
@owner_required
@sudo_required()
def account_remove(request: MemberRequest) -> HttpResponse:
    """Consent first, then the question, then the closing begins, or waits for a second administrator."""
    form = ConsentForm(request.POST)
    if form.is_valid() and form.cleaned_data["sure"]:
        words = f"Cancel the account {request.account.name}"
        proposed = propose("account.close", {"owner": request.user.pk}, words)
        if proposed.done:
            return redirect("account_state")
        messages.info(request, proposed.said)
        return redirect("approvals")
    context = page.account_page(request, AccountForm(initial=page.account_initial(request)), consent=form)
    return render(request, "accounts/account.html", context)


@require_safe
@member_required()
def account_state(request: MemberRequest) -> HttpResponse:
    """What comes to an end, when, and what one can do about it."""
    return render(request, "accounts/state.html", page.state_page(request))


@require_POST
@member_required()
def reactivate(request: MemberRequest) -> HttpResponse:
    """Take the closing back; for every administrator."""
    require_administrator(request)
    account_reactivate(account_id=request.account.pk)
    messages.success(request, "The account stays. Backups go on.")
    return redirect("home")
